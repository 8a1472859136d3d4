"""How figures look, and how they become PNG and SVG."""
