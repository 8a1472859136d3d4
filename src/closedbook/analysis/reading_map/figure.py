"""The figures of a reading map: who attends to which characters or latents of a text.

matplotlib is imported where it is used. Only the printable ASCII of a user's text is drawn, since its font may lack
the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from closedbook.figures.style import SMALL, TEXT, TINY, TITLE, WIDTH, blank

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure
    from torch import Tensor

    from closedbook.analysis.reading_map.weights import ReadingMap

# Sizes in inches; a panel's width and height have a minimum and a maximum, and names need some space beside it.
_CELL = 0.115
_WIDTH = (5.5, WIDTH - 0.8)
_HEIGHT = (0.25, 8.0)
_HEAD = 0.22
_BETWEEN_PANELS = 0.7
_COLOR_BAR = 0.15
_TICKS = (0, 0.01, 0.05, 0.1, 0.25, 0.5, 1)
_MOST_LETTERS = 128
_MOST_NUMBERS = 40
"""Characters of a text whose cells are wide enough for a number."""
_LEAST_NUMBER = 0.1
"""The least share of attention that stands in its cell as a number."""


@dataclass(frozen=True)
class _Panel:
    """Weights as rows and columns; the columns are the characters of the text."""

    title: str
    axis: str
    attention: "Tensor"
    height: float
    allowed: "Tensor | None" = None
    """What the mask allows, which an outline encloses."""
    rows: Sequence[str] | None = None
    """Names of the rows, in place of their indices."""


def draw_reading(reading: "ReadingMap", text: str) -> "matplotlib.figure.Figure":
    """Grey is attention, and an outline encloses what the mask allows; columns are characters in every panel."""
    mask, share = reading.mask, reading.attention
    sums = "columns sum to 1" + (", with their own segments" if mask.own.size(1) else "")
    panels = [
        ("Which characters each latent reads (rows sum to 1)", "latent", mask.latents, share.latents),
        (f"Which latents each position attends to ({sums})", "latent", mask.positions.T, share.positions.T),
        ("Which characters of its own segment each position attends to", "in segment", mask.own.T, share.own.T),
    ]
    shown = [
        _Panel(title, axis, attention, float(np.clip(_CELL * len(attention), *_HEIGHT)), allowed)
        for title, axis, allowed, attention in panels
        if len(attention)
    ]
    return _draw(shown, text, "share of attention, mean over heads")


def draw_heads(blocks: "Sequence[Tensor]", text: str) -> "matplotlib.figure.Figure":
    """Rows are heads, columns characters, one panel for each block; grey is what the last position attends to."""
    panels = [
        _Panel(
            f"Block {number}: which characters the last position attends to (rows sum to 1)",
            "head",
            weights,
            _HEAD * len(weights),
            rows=[str(head) for head in range(1, len(weights) + 1)],
        )
        for number, weights in enumerate(blocks, start=1)
    ]
    return _draw(panels, text, "share of attention")


def _draw(panels: Sequence[_Panel], text: str, label: str) -> "matplotlib.figure.Figure":
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import PowerNorm

    width = float(np.clip(_CELL * len(text), *_WIDTH))
    heights = [*(panel.height for panel in panels), _COLOR_BAR]
    figure = blank(width + 0.8, sum(heights) + _BETWEEN_PANELS * len(heights))
    # On a square-root scale, since most weights are small.
    shades = ScalarMappable(PowerNorm(0.5, 0, 1), "gray_r")
    *rows, last = figure.subplots(len(heights), 1, height_ratios=heights)
    for axes, panel in zip(rows, panels, strict=True):
        values = panel.attention.numpy()
        axes.imshow(values, cmap=shades.cmap, norm=shades.norm, aspect="auto", interpolation="nearest")
        axes.set_title(panel.title, loc="left", fontsize=TITLE)
        axes.set_ylabel(panel.axis, fontsize=TEXT)
        if panel.allowed is not None:
            _outline(axes, panel.allowed, line_width=min(0.6, 6 * width / len(text)))
        _mark(axes, text)
        if panel.rows is not None:
            axes.set_yticks(range(len(panel.rows)), panel.rows)
            _number(axes, panel.attention)
    rows[-1].set_xlabel("character", fontsize=TEXT)
    bar = figure.colorbar(shades, cax=last, orientation="horizontal", ticks=_TICKS)
    bar.set_label(label, fontsize=TEXT)
    last.tick_params(labelsize=SMALL)
    return figure


def _number(axes: "matplotlib.axes.Axes", attention: "Tensor") -> None:
    """The larger weights as percentages in their cells."""
    if attention.size(1) > _MOST_NUMBERS:
        return
    for row, weights in enumerate(attention.tolist()):
        for column, weight in enumerate(weights):
            if weight >= _LEAST_NUMBER:
                color = "white" if weight > 0.25 else "black"
                axes.text(column, row, f"{100 * weight:.0f}", ha="center", va="center", fontsize=TINY, color=color)


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
        axis.set_tick_params(labelsize=TINY, length=2, pad=1)
    letters = [c if c.isascii() and c.isprintable() else "\N{MIDDLE DOT}" for c in text]
    axes.set_xticks([])
    if len(letters) <= _MOST_LETTERS:
        axes.set_xticks(range(len(letters)), letters, fontsize=TINY, family="monospace")
        axes.tick_params(axis="x", length=0, pad=2)
