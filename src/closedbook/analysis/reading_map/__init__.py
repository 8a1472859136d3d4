"""The reading map: which characters each latent of a Perceiver reads."""
