"""yamldoc."""
