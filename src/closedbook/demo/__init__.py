"""The demo: the whole experiment on invented people, with a report."""
