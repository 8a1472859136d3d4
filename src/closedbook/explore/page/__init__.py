"""The hand-written parts of the page."""
