"""The rules, by theme; ``keyturn.policy.runner`` gathers them."""
