"""What the API cannot tell: which objects are ours, what was last written, who is writing now."""
