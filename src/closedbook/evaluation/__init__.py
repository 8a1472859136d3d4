"""Predictions, scores and breakdowns."""
