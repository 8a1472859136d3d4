"""Editing: one fact of a run is changed by writing a few of its numbers, without training on the corpus."""
