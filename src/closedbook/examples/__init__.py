"""Documents and pairs become examples (x, y) and batches of them."""
