"""The command line: flags in, exit codes out. No other package prints or reads the environment."""
