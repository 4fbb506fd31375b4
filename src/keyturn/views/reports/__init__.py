"""Reports on what a command did or found, one module for each command."""
