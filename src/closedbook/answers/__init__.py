"""Weights in, answers and figures out."""
