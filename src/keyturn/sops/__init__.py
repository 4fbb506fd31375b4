"""SOPS: metadata, encryption checks, age keys, recipients and decryption of manifests."""
