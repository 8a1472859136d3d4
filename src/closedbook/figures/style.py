"""The style of all figures: lines differ in dash, marker and lightness, so black and white print is enough.

matplotlib is imported where it is used, so that importing this module is fast.
"""

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Location = Literal["best", "upper left", "upper center", "upper right", "lower left", "lower right"]

COLOURS = ("#16365c", "#c4651a", "#5e8f3c", "#7a7a7a")
LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D")
FILL, EDGE = "#b9cbe0", "#16365c"

SHOWN_WIDTH = 830
"""Pixels that a forge gives a picture in a README: a wider one is shown reduced."""
SMALLEST_TEXT = 9
"""Pixels of the smallest text at that width."""


def row_of_axes(n: int, *, width: float = 4.6, height: float = 3.5) -> "tuple[Figure, list[Axes]]":
    """A figure with n axes in a row, each `width` by `height` inches."""
    figure = blank(width * n, height)
    axes = [figure.add_subplot(1, n, number + 1) for number in range(n)]
    for each in axes:
        open_frame(each)
    return figure, axes


def blank(width: float, height: float) -> "Figure":
    """A figure without axes, in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def open_frame(axes: "Axes") -> None:
    """Leave only the left and the lower side of the frame."""
    axes.spines[["top", "right"]].set_visible(False)


def label(axes: "Axes", title: str, x: str, y: str) -> None:
    """Set the title and the labels of both axes."""
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def legend(axes: "Axes", location: Location = "best") -> None:
    """A small legend without a frame, with lines long enough to show their dashes."""
    axes.legend(loc=location, fontsize=8, frameon=False, handlelength=3.0)


def smallest_text(figure: "Figure", dots_per_inch: int = 150) -> float:
    """The height in pixels of the smallest text where the figure's PNG is shown at most SHOWN_WIDTH wide."""
    from matplotlib.text import Text

    figure.canvas.draw()
    points = [
        float(each.get_fontsize()) for each in figure.findobj(Text) if each.get_visible() and each.get_text().strip()
    ]
    return min(points) / 72 * min(dots_per_inch, SHOWN_WIDTH / figure.get_figwidth())
