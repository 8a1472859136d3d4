"""The share's distribution at one point, and contours of the error over alpha and beta."""

import torch
from matplotlib.axes import Axes

from closedbook.figures.style import COLOURS, EDGE, FILL, label, legend, row_of_axes
from closedbook.lab.figures.style import Figures
from closedbook.lab.logit_normal import LogitNormal
from closedbook.lab.noise import NoiseResult, difference_variance
from closedbook.lab.shares import Bin

_WHITE_BOX = {"fc": "white", "ec": "none", "pad": 0.6}
_LEVELS = (0.02, 0.05, 0.1, 0.2, 0.4)


def draw(result: NoiseResult) -> Figures:
    """Left: histogram and density of the share. Right: contours of the error."""
    figure, (share, error) = row_of_axes(2)
    variance = difference_variance(result.config.alpha, result.config.beta)
    draw_histogram(share, result.histogram, LogitNormal(variance))
    where = rf"$\alpha$ = {result.config.alpha:g}, $\beta$ = {result.config.beta:g}"
    label(share, f"The share of a, {where}", r"share $\alpha_a/(\alpha_a+\alpha_b)$", "density")
    _contours(error, result)
    return {"noise": figure}


def draw_histogram(axes: Axes, found: tuple[Bin, ...], theory: LogitNormal) -> None:
    """Measured bars, and the density in closed form, which may exceed the axes at the ends."""
    if not found:
        axes.text(0.5, 0.5, "no noise: the share is 1/2", ha="center", transform=axes.transAxes)
        return
    width = found[0].high - found[0].low
    middles = [(one.low + one.high) / 2 for one in found]
    heights = [one.probability.simulation / width for one in found]
    axes.bar(middles, heights, width, color=FILL, edgecolor=EDGE, linewidth=0.5, label="measured")
    s = torch.linspace(0, 1, 402, dtype=torch.float64)[1:-1]
    axes.plot(s.tolist(), theory.density(s).tolist(), "k-", linewidth=1.2, label="logit-normal")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.35 * max(heights))  # space for the legend above the bars
    legend(axes, "upper center")


def _contours(axes: Axes, result: NoiseResult) -> None:
    shades = axes.contourf(result.betas, result.alphas, result.errors, levels=(0, *_LEVELS, 1.3), cmap="Greys")
    lines = axes.contour(result.betas, result.alphas, result.errors, levels=_LEVELS, colors="black", linewidths=0.8)
    axes.clabel(lines, fmt="%g", fontsize=8)
    shades.set_alpha(0.7)
    low, high = result.betas[0], result.betas[-1]
    for product, alpha in ((0.01, 0.004), (0.1, 0.04), (1.0, 0.15)):
        axes.plot([low, high], [product / low**2, product / high**2], ":", color=COLOURS[1], linewidth=1.2)
        name = rf"$\alpha\beta^2$ = {product:g}"
        axes.text((product / alpha) ** 0.5, alpha, name, fontsize=7, color=COLOURS[1], bbox=_WHITE_BOX, ha="center")
    for point in result.simulated:
        axes.plot([point.beta], [point.alpha], "o", color="black", markersize=4, markerfacecolor="white")
        text = f"{point.squared_error.simulation**0.5:.2f}"
        axes.annotate(
            text, (point.beta, point.alpha), xytext=(4, 3), textcoords="offset points", fontsize=7, bbox=_WHITE_BOX
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(result.alphas[0], result.alphas[-1])
    label(axes, r"Error $|c-\mathrm{average}|$: theory (contours), measured ($\circ$)", r"$\beta$ (query length)", "")
    axes.set_ylabel(r"$\alpha$ (variance of the keys' noise)")
