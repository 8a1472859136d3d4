"""Traces: which part of a model gives an answer, at which character."""
