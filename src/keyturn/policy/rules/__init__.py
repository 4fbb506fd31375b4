"""The policy rules by topic; ``keyturn.policy.runner`` collects them."""
