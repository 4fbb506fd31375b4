"""The project file, keys and the trust of CI events."""
