"""The rules, by theme; ``keyturn.policy.registry`` gathers them."""
