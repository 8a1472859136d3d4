"""Export: a run as a folder that other programs read, with the transformers library or with PyTorch alone."""
