"""The attention lab: what attention can and cannot do, computed, measured and drawn.

Of closedbook it imports the plain formula of `model.attention` and the errors, nothing else.
"""
