"""Hand-tuned operations, each with the plain lines that it replaces and that its test compares it with."""
