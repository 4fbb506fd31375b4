"""What a careful reviewer would say of the manifests: one rule, one small function, one code."""
