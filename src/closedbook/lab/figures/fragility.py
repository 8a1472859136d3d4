"""The share's distribution at three betas, its variance, and how often it is close to a half."""

from matplotlib.figure import Figure

from closedbook.figures.style import label, legend, row_of_axes
from closedbook.lab.figures.noise import draw_histogram
from closedbook.lab.figures.style import BETA, Figures, log_spaced, plot_simulation, plot_theory
from closedbook.lab.fragility import FragilityResult, difference_variance
from closedbook.lab.logit_normal import LogitNormal

_SHOWN = (1.0, 4.0, 16.0)
"""Betas whose share is drawn: one peak in the middle, nearly flat with peaks at the ends, nearly 0 or 1."""


def draw(result: FragilityResult) -> Figures:
    """Three histograms for growing beta; then variance and probability over beta."""
    return {"fragility-shares": _histograms(result), "fragility": _curves(result)}


def _histograms(result: FragilityResult) -> Figure:
    shown = [point for point in result.sweep if point.beta in _SHOWN]
    figure, axes = row_of_axes(len(shown), width=3.4, height=3.0)
    for each, point in zip(axes, shown, strict=True):
        draw_histogram(each, point.histogram)
        label(each, rf"$\beta$ = {point.beta:g}", r"share of a, $\alpha_a/(\alpha_a+\alpha_b)$", "draws (%)")
    return figure


def _curves(result: FragilityResult) -> Figure:
    figure, (variance, within) = row_of_axes(2)
    betas = [point.beta for point in result.sweep]
    fine = log_spaced(betas)
    shares = [LogitNormal(difference_variance(result.config.alpha, beta, result.config.spread)) for beta in fine]
    plot_theory(variance, fine, [share.variance for share in shares], 0, "theory")
    plot_simulation(variance, betas, [point.share for point in result.sweep], 0, "measured")
    variance.axhline(0.25, color="black", linewidth=0.6)
    variance.text(betas[0], 0.252, "variance of a fair coin: 1/4", fontsize=8, va="bottom")
    variance.set_ylim(0, 0.29)
    plot_theory(within, fine, [share.within(result.config.within) for share in shares], 0, "theory")
    plot_simulation(within, betas, [point.within for point in result.sweep], 0, "measured")
    within.set_ylim(0, 1.03)
    for each in (variance, within):
        each.set_xscale("log", base=2)
        each.set_xticks(betas, [f"{beta:g}" for beta in betas])
    label(variance, "Variance of the share", BETA, "variance of the share")
    part = f"{result.config.within:.0%}"
    label(within, "How often the share is close to 1/2", BETA, f"P(share within {part} of 1/2)")
    legend(variance, "lower right")
    legend(within)
    return figure
