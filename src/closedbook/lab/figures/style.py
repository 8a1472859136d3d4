"""The style of the lab's figures: lines differ in dash, marker and lightness, so black and white print is enough."""

from collections.abc import Sequence
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from closedbook.lab.estimate import Estimate

Location = Literal["best", "upper left", "upper center", "lower left", "lower right"]
Figures = dict[str, Figure]
"""Figures by the name of their files."""

COLOURS = ("#16365c", "#c4651a", "#5e8f3c", "#7a7a7a")
LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D")
FILL, EDGE = "#b9cbe0", "#16365c"
BETA = r"$\beta$ (query length, in key lengths)"
RMS_ERROR = r"RMS of $|c-\mathrm{average}|$ (value lengths)"


def row_of_axes(n: int, *, width: float = 4.6, height: float = 3.5) -> tuple[Figure, list[Axes]]:
    """A figure with n axes in a row."""
    figure = Figure(figsize=(width * n, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = [figure.add_subplot(1, n, number + 1) for number in range(n)]
    for each in axes:
        each.spines[["top", "right"]].set_visible(False)
    return figure, axes


def label(axes: Axes, title: str, x: str, y: str) -> None:
    """Set the title and the labels of both axes."""
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def legend(axes: Axes, location: Location = "best") -> None:
    """A small legend without a frame, with lines long enough to show their dashes."""
    axes.legend(loc=location, fontsize=8, frameon=False, handlelength=3.0)


def plot_theory(axes: Axes, x: Sequence[float], y: Sequence[float], number: int, text: str = "") -> None:
    """A curve, in the style of that number."""
    axes.plot(x, y, LINES[number], color=COLOURS[number], linewidth=1.4, label=text or "_none")


def plot_simulation(axes: Axes, x: Sequence[float], found: Sequence[Estimate], number: int, text: str = "") -> None:
    """Measured points with their 95% intervals, in the style of that number."""
    low = [max(0.0, each.simulation - each.interval[0]) for each in found]
    high = [max(0.0, each.interval[1] - each.simulation) for each in found]
    look: dict[str, Any] = {"color": COLOURS[number], "markersize": 5, "markerfacecolor": "white", "capsize": 2}
    axes.errorbar(x, [each.simulation for each in found], [low, high], fmt=MARKERS[number], label=text or "_", **look)


def log_spaced(x: Sequence[float]) -> list[float]:
    """33 points from the first to the last, evenly spaced on a logarithmic scale, for a smooth curve."""
    first, last = x[0], x[-1]
    return [first * (last / first) ** (step / 32) for step in range(33)]


def root(found: Estimate) -> Estimate:
    """The root of a mean square; its standard error to first order (delta method)."""
    measured = max(found.simulation, 1e-300) ** 0.5
    return Estimate(found.theory**0.5, measured, found.standard_error / (2 * measured), found.n_samples)
