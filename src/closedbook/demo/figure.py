"""The demo's figures: how many questions each model answers right, and how sure one of them is about whom.

matplotlib is imported where it is used, so that importing this is cheap. No text of a user is drawn: matplotlib's font
may lack its letters.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from closedbook.demo.results import Arm, Exchange, Report
from closedbook.evaluation.score import Score
from closedbook.figures.style import COLOURS, FILLS, SMALL, TEXT, WIDTH, blank, legend, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_GREY = (COLOURS[3], FILLS[3])
_BAR = 0.36
_HALF = WIDTH / 2
_N_BINS = 20
_KINDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("right", {"facecolor": FILLS[0], "edgecolor": COLOURS[0]}),
    ("wrong", {"facecolor": "white", "edgecolor": COLOURS[1], "hatch": "xxxx"}),
    ("says: unknown", {"facecolor": FILLS[3], "edgecolor": "black"}),
)
"""What becomes of a question, and how it is drawn; an answer about an unknown person is a wrong one."""


def draw(report: Report) -> "Figure":
    """Left the accuracies, right the two histograms: a picture of the whole demo."""
    figure = blank(WIDTH, _height(report))
    grid = figure.add_gridspec(2, 2)
    _draw_accuracies(figure.add_subplot(grid[:, 0]), report)
    _draw_histograms([figure.add_subplot(grid[row, 1]) for row in range(2)], report)
    return figure


def accuracies(report: Report) -> "Figure":
    """Two bars per model, with their 95% intervals: in the wording of training, and below it in other wordings."""
    figure = blank(_HALF, _height(report))
    _draw_accuracies(figure.add_subplot(), report)
    return figure


def histograms(report: Report) -> "Figure":
    """How probable one model's answers are: above about people of the book, below about people it never read about."""
    figure = blank(_HALF, _height(report))
    _draw_histograms(list(figure.subplots(2, 1)), report)
    return figure


def fate(exchange: Exchange) -> str:
    """What becomes of a question: the model's answer is right, or wrong, or it says that it does not know."""
    if exchange.state != "known":
        return "says: unknown"
    return "right" if exchange.kind == "right" else "wrong"


def _height(report: Report) -> float:
    return max(4.2, 1.5 + 0.56 * len(report.arms))


def _draw_accuracies(axes: "Axes", report: Report) -> None:
    rows = [(arm.label, arm.scores, _look(arm, report.arms), arm.pretrained) for arm in report.arms]
    rows.append((report.reader.label, report.reader.scores, _GREY, True))
    baseline = 100 * report.majority.scores.held_out.accuracy
    drawn = [score for _, scores, _, _ in rows for score in (scores.held_out, scores.other_wordings)]
    right = 124 * max(baseline / 100, *(score.interval[1] for score in drawn))
    for place, (_, scores, (edge, face), is_filled) in enumerate(rows):
        hatch = None if is_filled else "///"
        for side, score, colour in ((-1, scores.held_out, face), (1, scores.other_wordings, "none")):
            middle = place + side * _BAR / 2
            axes.barh(middle, 100 * score.accuracy, _BAR, color=colour, edgecolor=edge, hatch=hatch)
            _whiskers(axes, middle, score, baseline, right)
    plain(
        axes, "Right answers about held-out people", "right (%), with the 95% interval\nlower bars: in other wordings"
    )
    _decorate(axes, [label for label, *_ in rows], baseline, right)


def _whiskers(axes: "Axes", place: float, score: Score, baseline: float, right: float) -> None:
    """A bar's 95% interval, and its accuracy as a number after it."""
    low, high = (100 * end for end in score.interval)
    axes.plot([low, high], [place, place], "|-", color="black", markersize=5, linewidth=0.8)
    # Not where the line of the baseline would cross the number.
    beyond = baseline if high < baseline < high + right / 5 else high
    axes.text(beyond + right / 50, place, f"{score.accuracy:.1%}", va="center", fontsize=SMALL)


def _decorate(axes: "Axes", labels: Sequence[str], baseline: float, right: float) -> None:
    axes.axvline(baseline, color="black", linewidth=1, linestyle=(0, (4, 3)))
    side = "left" if baseline < right / 2 else "right"
    name = f"  majority baseline: {baseline:.1f}%  "
    axes.text(baseline, len(labels) - 0.35, name, ha=side, va="center", fontsize=SMALL)
    # Without its second half a label fits before a narrow panel's bars.
    lines = [label.replace(", ", ",\n") for label in labels]
    axes.set_yticks(range(len(labels)), lines, parse_math=False)
    axes.set_ylim(len(labels) - 0.1, -0.5)
    axes.set_xlim(0, right)
    axes.set_xticks([tick for tick in axes.get_xticks() if tick <= min(100, right)])


def _draw_histograms(panels: "Sequence[Axes]", report: Report) -> None:
    people = ((report.held_out, "people in the book"), (report.unknown, "people nobody wrote about"))
    for axes, (exchanges, who) in zip(panels, people, strict=True):
        plain(axes, f"{len(exchanges)} {who}", "", "people")
        _draw_histogram(axes, exchanges)
    what = "that the answer is right" if report.confidence.is_calibrated else "that the model gives its answer"
    panels[-1].set_xlabel(f"probability {what} (%)", fontsize=TEXT)


def _draw_histogram(axes: "Axes", exchanges: Sequence[Exchange]) -> None:
    """A stack for each interval of the probability: how many answers are right, how many wrong, how many none."""
    from matplotlib.ticker import MaxNLocator

    bottom = [0] * _N_BINS
    for name, look in _KINDS:
        percents = [100 * one.probability for one in exchanges if fate(one) == name]
        if percents:
            counts: list[int] = np.histogram(percents, _N_BINS, (0, 100))[0].tolist()
            filled = [(number, count) for number, count in enumerate(counts) if count]
            middles = [100 * (number + 0.5) / _N_BINS for number, _ in filled]
            heights, below = [count for _, count in filled], [bottom[number] for number, _ in filled]
            axes.bar(middles, heights, 100 / _N_BINS, below, label=f"{name} ({len(percents)})", clip_on=False, **look)
            for number, count in filled:
                bottom[number] += count
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 1.1 * max(bottom))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    legend(axes, "upper center")


def _look(arm: Arm, arms: tuple[Arm, ...]) -> tuple[str, str]:
    """Edge and face, by the arm's variant."""
    number = list(dict.fromkeys(other.variant for other in arms)).index(arm.variant) % 3
    return COLOURS[number], FILLS[number]
