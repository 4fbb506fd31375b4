"""The Planasonix API on loopback, for trying and testing; built from the vendor's pages alone."""
