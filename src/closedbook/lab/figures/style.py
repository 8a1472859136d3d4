"""How the lab's figures look: told apart by line, marker and lightness, so that black and white print is enough."""

from collections.abc import Sequence
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from closedbook.lab.estimate import Estimate

Place = Literal["best", "upper left", "upper center", "lower left", "lower right"]
Figures = dict[str, Figure]
"""By the name that their files get."""

COLOURS = ("#16365c", "#c4651a", "#5e8f3c", "#7a7a7a")
LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D")
FILL, EDGE = "#b9cbe0", "#16365c"
BETA = r"$\beta$ (query length, in key lengths)"


def plots(n: int, *, width: float = 4.6, height: float = 3.5) -> tuple[Figure, list[Axes]]:
    """A row of n plots."""
    figure = Figure(figsize=(width * n, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = [figure.add_subplot(1, n, number + 1) for number in range(n)]
    for each in axes:
        each.spines[["top", "right"]].set_visible(False)
    return figure, axes


def label(axes: Axes, title: str, x: str, y: str) -> None:
    """Title, and what the axes measure."""
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def legend(axes: Axes, place: Place = "best") -> None:
    """Small, without a frame, with lines long enough to be told apart."""
    axes.legend(loc=place, fontsize=8, frameon=False, handlelength=3.0)


def theory(axes: Axes, x: Sequence[float], y: Sequence[float], number: int, text: str = "") -> None:
    """A curve that was derived."""
    axes.plot(x, y, LINES[number], color=COLOURS[number], linewidth=1.4, label=text or "_none")


def simulated(axes: Axes, x: Sequence[float], found: Sequence[Estimate], number: int, text: str = "") -> None:
    """Points that were measured, with their 95% intervals."""
    low = [max(0.0, each.simulation - each.interval[0]) for each in found]
    high = [max(0.0, each.interval[1] - each.simulation) for each in found]
    look: dict[str, Any] = {"color": COLOURS[number], "markersize": 5, "markerfacecolor": "white", "capsize": 2}
    axes.errorbar(x, [each.simulation for each in found], [low, high], fmt=MARKERS[number], label=text or "_", **look)


def between(x: Sequence[float]) -> list[float]:
    """From the first to the last, evenly on a logarithmic scale: where to draw a smooth curve."""
    first, last = x[0], x[-1]
    return [first * (last / first) ** (step / 32) for step in range(33)]


def root(found: Estimate) -> Estimate:
    """The root of a mean square, its standard error by the first derivative."""
    measured = max(found.simulation, 1e-300) ** 0.5
    return Estimate(found.theory**0.5, measured, found.standard_error / (2 * measured), found.samples)
