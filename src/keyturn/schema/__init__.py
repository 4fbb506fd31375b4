"""JSON Schemas of manifests: definitions, validation and error messages."""
