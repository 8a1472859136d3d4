"""The built-in world: invented people with known truth."""
