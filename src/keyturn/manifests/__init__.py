"""Manifests: loading, validation, seals, decryption and writing."""
