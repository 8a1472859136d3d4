"""The style of all figures: lines differ in dash, marker and lightness, so black and white print is enough.

matplotlib is imported where it is used, so that importing this module is fast.
"""

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Location = Literal["best", "upper left", "upper center", "upper right", "lower left", "lower right"]

COLOURS = ("#16365c", "#a8400c", "#5e8f3c", "#949494")
"""Of lines and edges; in grey each is lighter than the one before."""
FILLS = ("#b9cbe0", "#ecc7b4", "#d3e2c8", "#dddddd")
"""Of areas, in the order of COLOURS."""
FILL, EDGE = FILLS[0], COLOURS[0]
LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D")

WIDTH = 8.3
"""Inches of a figure that is as wide as a forge shows it: 100 pixels an inch, so 6.5 points are 9 pixels high."""
SHOWN_WIDTH = 830
"""Pixels that a forge gives a picture in a README: a wider one is shown reduced."""
SMALLEST_TEXT = 9
"""Pixels of the smallest text at that width."""
TITLE, TEXT, SMALL, TINY = 10, 9, 8, 7
"""Points of titles, of labels, of ticks and legends, and of what else would not fit."""


def blank(width: float, height: float) -> "Figure":
    """A figure without axes, in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def row_of_axes(n: int, *, width: float = 4.6, height: float = 3.5) -> "tuple[Figure, list[Axes]]":
    """A figure with n axes in a row, each `width` by `height` inches."""
    figure = blank(width * n, height)
    axes = [figure.add_subplot(1, n, number + 1) for number in range(n)]
    for each in axes:
        open_frame(each)
    return figure, axes


def open_frame(axes: "Axes") -> None:
    """Leave only the left and the lower side of the frame."""
    axes.spines[["top", "right"]].set_visible(False)


def label(axes: "Axes", title: str, x: str, y: str) -> None:
    """Set the title and the labels of both axes."""
    axes.set_title(title, loc="left", fontsize=TITLE)
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def legend(axes: "Axes", location: Location = "best") -> None:
    """A small legend without a frame, with lines long enough to show their dashes."""
    axes.legend(loc=location, fontsize=SMALL, frameon=False, handlelength=3.0)


def plain(axes: "Axes", title: str = "", x: str = "", y: str = "") -> None:
    """Open the frame, label the axes, and make ticks and labels small; titles are not read as formulas."""
    open_frame(axes)
    axes.tick_params(labelsize=SMALL)
    axes.set_title(title, loc="left", fontsize=TITLE, parse_math=False)
    axes.set_xlabel(x, fontsize=TEXT)
    axes.set_ylabel(y, fontsize=TEXT)


def smallest_text(figure: "Figure", dots_per_inch: int = 150) -> float:
    """The height in pixels of the smallest text where the figure's PNG is shown at most SHOWN_WIDTH wide."""
    from matplotlib.text import Text

    figure.canvas.draw()
    shown = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    points = min(float(text.get_fontsize()) for text in shown)
    return points / 72 * min(dots_per_inch, SHOWN_WIDTH / figure.get_figwidth())
