"""One head beside several: where the outputs fall, the error over beta, and numbers of heads for a larger subset."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from closedbook.lab.figures.style import (
    BETA,
    COLOURS,
    FILL,
    Figures,
    between,
    label,
    legend,
    plots,
    root,
    simulated,
    theory,
)
from closedbook.lab.heads import N_BINS, Cloud, HeadsPoint, HeadsResult, looking
from closedbook.lab.looking import expected

_PAPER = {"fc": "white", "ec": "none", "pad": 0.8}


def draw(result: HeadsResult) -> Figures:
    """`glance` is the one picture that makes the point; `heads` has the numbers."""
    return {"heads": _numbers(result), "glance": _glance(result)}


def _glance(result: HeadsResult) -> Figure:
    figure, axes = plots(2, height=3.2)
    top = 100 * max(max(cloud.histogram) for cloud in result.clouds)
    subset = result.config.subset
    for each, cloud, point in zip(axes, result.clouds, (result.one, result.several), strict=True):
        _histogram(each, cloud)
        keys = subset // cloud.heads
        asked = f"{keys} key{'s' * (keys > 1)}"
        asks = f"One head asks for {asked}" if cloud.heads == 1 else f"{cloud.heads} heads ask for {asked} each"
        title = f"{asks}: variance of c {point.variance.simulation:.3f}"
        label(each, title, r"weight of $v_a$ in the output c", "draws of the keys (%)")
        each.axvline(1 / subset, color="black", linestyle=":", linewidth=1)
        each.text(1 / subset, 1.2 * top, "the average", ha="center", va="top", fontsize=8, bbox=_PAPER)
        each.set_ylim(0, 1.2 * top)
        each.set_xlim(-0.02, 1.02)
    if (subset, result.config.heads) == (2, 2):
        _tell(axes, result)
    return figure


def _tell(axes: list[Axes], result: HeadsResult) -> None:
    """What the piles are."""
    (one, two), (alone, both) = axes, result.clouds
    one.text(0.03, 100 * alone.histogram[0], r"c is $v_b$ alone", fontsize=8, va="bottom")
    one.text(0.97, 100 * alone.histogram[-1], r"c is $v_a$ alone", fontsize=8, va="bottom", ha="right")
    lost = f"key a is flipped ({100 * result.flipped.simulation:.1f}%):\nhead 1 reads all others"
    two.text(0.0, 100 * both.histogram[0] + 0.6, lost, fontsize=8, va="bottom")


def _histogram(axes: Axes, cloud: Cloud) -> None:
    middles = [(place + 0.5) / N_BINS for place in range(N_BINS)]
    heights = [100 * part for part in cloud.histogram]
    hatch = "////" if cloud.heads == 1 else None
    face = "white" if cloud.heads == 1 else FILL
    axes.bar(middles, heights, 1 / N_BINS, color=face, edgecolor=COLOURS[0], linewidth=0.7, hatch=hatch)


def _numbers(result: HeadsResult) -> Figure:
    figure, (errors, variances, crowd) = plots(3, width=3.9)
    kinds = sorted({point.heads for point in result.sweep})
    for number, heads in enumerate(kinds):
        points = [point for point in result.sweep if point.heads == heads]
        betas = [point.beta for point in points]
        name = "1 head" if heads == 1 else f"{heads} heads"
        measured = "measured" if heads == kinds[0] else ""
        curve = [expected(looking(result.config, heads, beta)) for beta in between(betas)]
        theory(errors, between(betas), [each.square**0.5 for each in curve], number, f"{name}, theory")
        simulated(errors, betas, [root(point.square) for point in points], number, measured)
        theory(variances, between(betas), [each.variance for each in curve], number, f"{name}, theory")
        simulated(variances, betas, [point.variance for point in points], number, measured)
    for axes in (errors, variances):
        axes.set_xscale("log", base=2)
        axes.set_ylim(bottom=0)
        axes.set_xticks(betas, [f"{beta:g}" for beta in betas])
        legend(axes)
    label(errors, "Error of the average", BETA, r"RMS of $|c-\mathrm{average}|$ (value lengths)")
    label(variances, "How much the output swings", BETA, r"Var(c) (value lengths squared)")
    _crowd(crowd, result.larger)
    return figure


def _crowd(axes: Axes, points: tuple[HeadsPoint, ...]) -> None:
    places = [float(place) for place in range(len(points))]
    roots = [root(point.square) for point in points]
    theory(axes, places, [each.theory for each in roots], 0, "theory")
    simulated(axes, places, roots, 0, "measured")
    axes.set_xticks(places, [str(point.heads) for point in points])
    axes.set_ylim(bottom=0)
    subset = points[0].subset
    where = rf"{subset} keys, all fragile, $\beta$ = {points[0].beta:g}"
    label(axes, where, f"heads, which share the {subset} keys", r"RMS of $|c-\mathrm{average}|$ (value lengths)")
    legend(axes)
