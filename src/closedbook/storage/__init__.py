"""A run's folder: recipe, weights and checkpoints, and what resuming them needs."""
