"""Turns examples into weights."""
