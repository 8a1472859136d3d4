"""The figure of a reading map: which characters each latent reads, and which latents each position attends to.

matplotlib is imported where it is used. Only the printable ASCII of a user's text is drawn, since its font may lack
the rest.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure
    from torch import Tensor

    from closedbook.analysis.reading_map.weights import ReadingMap

# Sizes in inches; a panel's width and height have a minimum and a maximum.
_CELL = 0.115
_WIDTH = (5.5, 14.0)
_HEIGHT = (0.25, 8.0)
_BETWEEN_PANELS = 0.7
_COLOR_BAR = 0.15
_TICKS = (0, 0.01, 0.05, 0.1, 0.25, 0.5, 1)
_MOST_LETTERS = 128


def draw_reading(reading: "ReadingMap", text: str) -> "matplotlib.figure.Figure":
    """Grey is attention, and an outline encloses what the mask allows; columns are characters in every panel."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import PowerNorm
    from matplotlib.figure import Figure

    mask, share = reading.mask, reading.attention
    sums = "columns sum to 1" + (", with their own segments" if mask.own.size(1) else "")
    panels = [
        ("Which characters each latent reads (rows sum to 1)", "latent", mask.latents, share.latents),
        (f"Which latents each position attends to ({sums})", "latent", mask.positions.T, share.positions.T),
        ("Which characters of its own segment each position attends to", "in segment", mask.own.T, share.own.T),
    ]
    panels = [panel for panel in panels if len(panel[2])]
    width = float(np.clip(_CELL * len(text), *_WIDTH))
    heights = [float(np.clip(_CELL * len(panel[2]), *_HEIGHT)) for panel in panels]
    heights.append(_COLOR_BAR)
    height = sum(heights) + _BETWEEN_PANELS * len(heights)
    figure = Figure(figsize=(width + 0.8, height), layout="constrained")
    FigureCanvasAgg(figure)
    # On a square-root scale, since most weights are small.
    shades = ScalarMappable(PowerNorm(0.5, 0, 1), "gray_r")
    *rows, last = figure.subplots(len(heights), 1, height_ratios=heights)
    for axes, (title, name, allowed, attention) in zip(rows, panels, strict=True):
        axes.imshow(attention.numpy(), cmap=shades.cmap, norm=shades.norm, aspect="auto", interpolation="nearest")
        _outline(axes, allowed, line_width=min(0.6, 6 * width / len(text)))
        axes.set_title(title, loc="left", fontsize=10)
        axes.set_ylabel(name)
        _mark(axes, text)
    rows[-1].set_xlabel("character")
    label = "share of attention, mean over heads"
    figure.colorbar(shades, cax=last, orientation="horizontal", label=label, ticks=_TICKS)
    return figure


def _outline(axes: "matplotlib.axes.Axes", allowed: "Tensor", line_width: float) -> None:
    """A line between each allowed cell and each neighbour that is not allowed."""
    from matplotlib.collections import LineCollection

    inside = np.pad(allowed.numpy(), 1)
    vertical = np.argwhere(inside[1:-1, :-1] != inside[1:-1, 1:]) - 0.5
    horizontal = np.argwhere(inside[:-1, 1:-1] != inside[1:, 1:-1]) - 0.5
    lines = [[(x, y), (x, y + 1)] for y, x in vertical] + [[(x, y), (x + 1, y)] for y, x in horizontal]
    axes.add_collection(LineCollection(lines, colors="black", linewidths=line_width, capstyle="projecting"))


def _mark(axes: "matplotlib.axes.Axes", text: str) -> None:
    """Indices of rows and columns, and the text's characters below unless they are too many."""
    from matplotlib.ticker import MaxNLocator

    indices = axes.secondary_xaxis("top")
    for axis in (axes.yaxis, indices.xaxis):
        axis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
        axis.set_tick_params(labelsize=7, length=2, pad=1)
    letters = [c if c.isascii() and c.isprintable() else "\N{MIDDLE DOT}" for c in text]
    axes.set_xticks([])
    if len(letters) <= _MOST_LETTERS:
        axes.set_xticks(range(len(letters)), letters, fontsize=7, family="monospace")
        axes.tick_params(axis="x", length=0, pad=2)
