"""What only tests use: faults, request log, UI actions and the control API."""
