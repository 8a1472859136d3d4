"""Hand-tuned pieces of the model, each with the plain line that it replaces."""
