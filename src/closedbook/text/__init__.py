"""Characters in, integers out; no neural network here."""
