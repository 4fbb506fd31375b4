"""Keyturn: declarative config-as-code for Planasonix credentials and connections."""

__version__ = "0.1.0"
