"""The command line: flags in, exit codes out; the only place that prints or reads the environment."""
