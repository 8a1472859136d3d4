"""Integers in, logits out; knows no file and no text."""
