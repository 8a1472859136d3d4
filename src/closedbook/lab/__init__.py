"""The attention lab: what attention can and cannot do, derived, simulated and drawn.

It uses the plain formula of `model.attention` and the model's rotary positions; nothing of the model's training.
"""
