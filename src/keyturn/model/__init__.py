"""Pure values and decisions: no clock, file, process, network or environment in here."""
