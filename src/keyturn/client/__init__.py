"""Client of the Planasonix API: requests, retries, decoding of responses. It does not know plans."""
