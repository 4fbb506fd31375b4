"""YAML documents: reading with source locations, quoting, and edits that keep the layout."""
