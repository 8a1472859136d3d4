"""Bars and sparklines of block characters, for lines of text."""

from collections.abc import Sequence

_HEIGHTS = "▁▂▃▄▅▆▇█"


def bar(share: float, width: int) -> str:
    """A bar of `width` columns, of which a share is full."""
    n_full = round(share * width)
    return "█" * n_full + "░" * (width - n_full)


def sparkline(values: Sequence[float]) -> str:
    """A column for each value, from the least, the lowest, to the greatest."""
    low, high = min(values), max(values)
    scale = (len(_HEIGHTS) - 1) / (high - low) if high > low else 0.0
    return "".join(_HEIGHTS[round((value - low) * scale)] for value in values)
