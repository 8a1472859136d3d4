"""Predictions, scores, breakdowns and comparisons."""
