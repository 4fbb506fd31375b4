"""Signatures of the workspace key: what a key holder approved, verifiable by everybody."""
