"""One head compared with several: distribution of outputs, error over beta, and a larger subset."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from closedbook.figures.style import COLOURS, FILL, label, legend, row_of_axes
from closedbook.lab.figures.style import BETA, RMS_ERROR, Figures, log_spaced, plot_simulation, plot_theory, root
from closedbook.lab.heads import N_BINS, HeadsPoint, HeadsResult, WeightHistogram, noisy_heads
from closedbook.lab.noisy_heads import expected_output

_WHITE_BOX = {"fc": "white", "ec": "none", "pad": 0.8}


def draw(result: HeadsResult) -> Figures:
    """`glance` shows the main point in one figure; `heads` has the numbers."""
    return {"heads": _curves(result), "glance": _glance(result)}


def _glance(result: HeadsResult) -> Figure:
    figure, axes = row_of_axes(2, height=3.2)
    top = 100 * max(max(histogram.proportions) for histogram in result.histograms)
    subset = result.config.subset
    for each, histogram, point in zip(axes, result.histograms, (result.one, result.several), strict=True):
        _draw_histogram(each, histogram)
        n_keys = subset // histogram.heads
        keys = f"{n_keys} key{'s' * (n_keys > 1)}"
        n_heads = histogram.heads
        heads = f"One head asks for {keys}" if n_heads == 1 else f"{n_heads} heads ask for {keys} each"
        title = f"{heads}: variance of c {point.variance.simulation:.3f}"
        label(each, title, r"weight of $v_a$ in the output c", "draws of the keys (%)")
        each.axvline(1 / subset, color="black", linestyle=":", linewidth=1)
        each.text(1 / subset, 1.2 * top, "the average", ha="center", va="top", fontsize=8, bbox=_WHITE_BOX)
        each.set_ylim(0, 1.2 * top)
        each.set_xlim(-0.02, 1.02)
    if (subset, result.config.heads) == (2, 2):
        _annotate(axes, result)
    return figure


def _annotate(axes: list[Axes], result: HeadsResult) -> None:
    """Say what the high bars are."""
    (one, two), (alone, both) = axes, result.histograms
    one.text(0.03, 100 * alone.proportions[0], r"c is $v_b$ alone", fontsize=8, va="bottom")
    one.text(0.97, 100 * alone.proportions[-1], r"c is $v_a$ alone", fontsize=8, va="bottom", ha="right")
    lost = f"key a is flipped ({100 * result.flipped.simulation:.1f}%):\nhead 1 reads all others"
    two.text(0.0, 100 * both.proportions[0] + 0.6, lost, fontsize=8, va="bottom")


def _draw_histogram(axes: Axes, histogram: WeightHistogram) -> None:
    middles = [(index + 0.5) / N_BINS for index in range(N_BINS)]
    heights = [100 * proportion for proportion in histogram.proportions]
    hatch = "////" if histogram.heads == 1 else None
    face = "white" if histogram.heads == 1 else FILL
    axes.bar(middles, heights, 1 / N_BINS, color=face, edgecolor=COLOURS[0], linewidth=0.7, hatch=hatch)


def _curves(result: HeadsResult) -> Figure:
    figure, (errors, variances, larger) = row_of_axes(3, width=3.3)
    numbers_of_heads = sorted({point.heads for point in result.sweep})
    for number, heads in enumerate(numbers_of_heads):
        points = [point for point in result.sweep if point.heads == heads]
        betas = [point.beta for point in points]
        name = "1 head" if heads == 1 else f"{heads} heads"
        measured = "measured" if heads == numbers_of_heads[0] else ""
        smooth = log_spaced(betas)
        curve = [expected_output(noisy_heads(result.config, heads, beta)) for beta in smooth]
        plot_theory(errors, smooth, [each.squared_error**0.5 for each in curve], number, f"{name}, theory")
        plot_simulation(errors, betas, [root(point.squared_error) for point in points], number, measured)
        plot_theory(variances, smooth, [each.variance for each in curve], number, f"{name}, theory")
        plot_simulation(variances, betas, [point.variance for point in points], number, measured)
    for axes in (errors, variances):
        axes.set_xscale("log", base=2)
        axes.set_ylim(bottom=0)
        axes.set_xticks(betas, [f"{beta:g}" for beta in betas])
        legend(axes)
    label(errors, "Error of the average", BETA, RMS_ERROR)
    label(variances, "Variance of the output", BETA, r"Var(c) (value lengths squared)")
    _larger_subset(larger, result.larger)
    return figure


def _larger_subset(axes: Axes, points: tuple[HeadsPoint, ...]) -> None:
    ticks = [float(tick) for tick in range(len(points))]
    roots = [root(point.squared_error) for point in points]
    plot_theory(axes, ticks, [each.theory for each in roots], 0, "theory")
    plot_simulation(axes, ticks, roots, 0, "measured")
    axes.set_xticks(ticks, [str(point.heads) for point in points])
    axes.set_ylim(bottom=0)
    subset = points[0].subset
    title = rf"{subset} keys, all fragile, $\beta$ = {points[0].beta:g}"
    label(axes, title, f"heads for the {subset} keys", RMS_ERROR)
    legend(axes)
