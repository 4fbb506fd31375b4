"""Files of the project: discovery of manifests, decoding, and atomic writes."""
