"""The assignment: its API, its targets and their runs."""
