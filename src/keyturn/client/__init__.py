"""The service, and nothing of plans: asking it, and understanding what it answers."""
