"""The Planasonix API, for trying and for tests. Imports nothing of keyturn."""
