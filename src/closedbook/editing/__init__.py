"""Editing: facts of a run are changed or forgotten by writing a few of its numbers, without training on the corpus."""
