"""Writes secrets and seals into manifests."""
