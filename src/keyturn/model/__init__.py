"""Values of the domain: immutable, without access to files, network, processes or the environment."""
