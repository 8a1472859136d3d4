"""A run's folder: what survives a kill, and what its bits depend on."""
