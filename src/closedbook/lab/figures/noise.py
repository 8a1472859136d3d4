"""The share's distribution at one point, and the error over beta at three strengths of noise."""

from typing import Any

from matplotlib.axes import Axes

from closedbook.figures.style import COLOURS, EDGE, FILL, SMALL, label, legend, row_of_axes
from closedbook.lab.figures.style import BETA, Figures, plot_simulation, plot_theory, root
from closedbook.lab.noise import NoiseResult
from closedbook.lab.shares import Bin


def draw(result: NoiseResult) -> Figures:
    """Left: histogram and theory of the share. Right: the error over beta."""
    figure, (share, error) = row_of_axes(2)
    draw_histogram(share, result.histogram)
    where = rf"$\sigma^2$ = {result.config.alpha:g}, $\beta$ = {result.config.beta:g}"
    label(share, f"The share of a, {where}", r"share of a, $\alpha_a/(\alpha_a+\alpha_b)$", "draws (%)")
    _errors(error, result)
    return {"noise": figure}


def draw_histogram(axes: Axes, found: tuple[Bin, ...]) -> None:
    """Measured bars, and in each bin what the theory expects there, as steps."""
    if not found:
        axes.text(0.5, 0.5, "no noise: the share is 1/2", ha="center", transform=axes.transAxes)
        return
    edges = [found[0].low, *(one.high for one in found)]
    middles = [(one.low + one.high) / 2 for one in found]
    heights = [100 * one.probability.simulation for one in found]
    expected = [100 * one.probability.theory for one in found]
    axes.bar(middles, heights, edges[1] - edges[0], color=FILL, edgecolor=EDGE, linewidth=0.5, label="measured (bars)")
    axes.stairs(expected, edges, color="black", linewidth=1.2, label="logit-normal (line)")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.35 * max(*heights, *expected))  # space for the legend above the bars
    legend(axes, "upper center")


def _errors(axes: Axes, result: NoiseResult) -> None:
    """One curve for each strength of noise that was simulated, with the measured points on it."""
    alphas = sorted({point.alpha for point in result.simulated})
    for number, alpha in enumerate(alphas):
        points = [point for point in result.simulated if point.alpha == alpha]
        errors = result.errors[result.alphas.index(alpha)]
        plot_theory(axes, result.betas, errors, number)
        plot_simulation(axes, [point.beta for point in points], [root(point.squared_error) for point in points], number)
        at = (result.betas[-1], errors[-1])
        name = rf"$\sigma^2$ = {alpha:.2g}"
        look: dict[str, Any] = {"color": COLOURS[number], "fontsize": SMALL}
        axes.annotate(name, at, (0, 6), textcoords="offset points", ha="right", va="bottom", **look)
    axes.set_xscale("log")
    ticks = (1, 2, 4, 8, 16, 32)
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    label(axes, "The more noise, the shorter the best query", BETA, r"error: RMS of $|c-\mathrm{average}|$")
