"""The share's distribution at three betas, its variance, and how often it is as good as a half."""

from matplotlib.figure import Figure

from closedbook.lab.figures.noise import histogram
from closedbook.lab.figures.style import BETA, Figures, between, label, legend, plots, simulated, theory
from closedbook.lab.fragility import FragilityResult, difference_variance
from closedbook.lab.logit_normal import Share

_SHOWN = (1.0, 4.0, 16.0)
"""Betas whose share is drawn: a hill, a trough, a coin."""


def draw(result: FragilityResult) -> Figures:
    """Three histograms as beta grows; then variance and probability over beta."""
    return {"fragility-shares": _shapes(result), "fragility": _curves(result)}


def _shapes(result: FragilityResult) -> Figure:
    shown = [point for point in result.sweep if point.beta in _SHOWN]
    figure, axes = plots(len(shown), width=3.4, height=3.0)
    for each, point in zip(axes, shown, strict=True):
        law = Share(difference_variance(result.config.alpha, point.beta, result.config.spread))
        histogram(each, point.histogram, law)
        label(each, rf"$\beta$ = {point.beta:g}", r"share of a, $\alpha_a/(\alpha_a+\alpha_b)$", "density")
    return figure


def _curves(result: FragilityResult) -> Figure:
    figure, (variance, within) = plots(2)
    betas = [point.beta for point in result.sweep]
    fine = between(betas)
    shares = [Share(difference_variance(result.config.alpha, beta, result.config.spread)) for beta in fine]
    theory(variance, fine, [share.variance for share in shares], 0, "theory")
    simulated(variance, betas, [point.share for point in result.sweep], 0, "measured")
    variance.axhline(0.25, color="black", linewidth=0.6)
    variance.text(betas[0], 0.252, "a fair coin: 1/4", fontsize=8, va="bottom")
    variance.set_ylim(0, 0.29)
    theory(within, fine, [share.within(result.config.within) for share in shares], 0, "theory")
    simulated(within, betas, [point.within for point in result.sweep], 0, "measured")
    within.set_ylim(0, 1.03)
    for each in (variance, within):
        each.set_xscale("log", base=2)
        each.set_xticks(betas, [f"{beta:g}" for beta in betas])
    label(variance, "The share swings", BETA, "variance of the share")
    part = f"{result.config.within:.0%}"
    label(within, "and is seldom a half", BETA, f"P(share within {part} of 1/2)")
    legend(variance, "lower right")
    legend(within)
    return figure
