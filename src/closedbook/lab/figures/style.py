"""Theory as curves and simulation as points with intervals, in the style of all figures."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from closedbook.figures.style import COLOURS, LINES, MARKERS
from closedbook.lab.estimate import Estimate

Figures = dict[str, Figure]
"""Figures by the name of their files."""

BETA = r"$\beta$ (score of each wanted key)"
RMS_ERROR = r"RMS of $|c-\mathrm{average}|$ (value lengths)"


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
