"""The demo's figure: how each model was trained, and how many questions it answers right.

matplotlib is imported where it is used, so that importing this is cheap. No text of a user is drawn: matplotlib's font
may lack its letters.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from closedbook.demo.results import Arm, Rival
from closedbook.evaluation.score import Score
from closedbook.progress.duration import duration

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

_COLOURS = (("#1f5fa8", "#8fafd3"), ("#d9822b", "#ecc095"))
"""For each variant, of lines and of bars; the variants differ in lightness too."""
_GREY = ("#666666", "#bbbbbb")
_LINES = (("-", "--"), ("-.", ":"))
"""For each variant, pretrained and not, so that black and white print is enough."""
_MAX_POINTS = 150
_BAR = 0.34


def draw(arms: tuple[Arm, ...], reader: Rival, majority: Rival) -> "matplotlib.figure.Figure":
    """Left the loss, one plot per stage of training; right the accuracies, with the majority baseline as a line."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    by_stages = sorted(arms, key=lambda arm: -len(arm.curves))  # the arm with most stages has them in order
    stages = list(dict.fromkeys(curve.name for arm in by_stages for curve in arm.curves))
    n_rows = max(1, len(stages))
    figure = Figure(figsize=(9.6, max(2.4 + 0.85 * len(arms), 2.5 * n_rows)), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(n_rows, 2 if stages else 1)
    for row, stage in enumerate(stages):
        _losses(figure.add_subplot(grid[row, 0]), arms, stage)
    _accuracies(figure.add_subplot(grid[:, -1]), arms, reader, majority)
    return figure


def _losses(axes: "matplotlib.axes.Axes", arms: tuple[Arm, ...], stage: str) -> None:
    """One stage's losses: a line per arm for training, and dots on a thin line for the dev pairs."""
    for arm in arms:
        number = _variant(arm, arms)
        colour, line = _COLOURS[number][0], _LINES[number][not arm.pretrained]
        for curve in arm.curves:
            if curve.name == stage:
                label = f"{arm.label} ({duration(curve.seconds[-1])})"
                axes.plot(_thinned(curve.steps), _thinned(curve.losses), line, color=colour, label=label)
                if curve.validation:
                    axes.plot(*zip(*curve.validation, strict=True), line, color=colour, lw=0.7, marker=".", ms=4)
    axes.set_title(stage, loc="left", fontsize=10, parse_math=False)
    axes.set_xlabel("step")
    axes.set_ylabel("loss (nats per character)\ndots: dev pairs")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper right", fontsize=8, frameon=False, handlelength=3.2)


def _accuracies(axes: "matplotlib.axes.Axes", arms: tuple[Arm, ...], reader: Rival, majority: Rival) -> None:
    """Two bars per model, with their 95% intervals: in the wording of training, and below it in other wordings."""
    rows = [(arm.label, arm.scores, _COLOURS[_variant(arm, arms)], arm.pretrained) for arm in arms]
    rows.append((reader.label, reader.scores, _GREY, True))
    baseline = 100 * majority.scores.held_out.accuracy
    drawn = [score for _, scores, _, _ in rows for score in (scores.held_out, scores.other_wordings)]
    right = 120 * max(baseline / 100, *(score.interval[1] for score in drawn))
    for place, (_, scores, (edge, face), is_filled) in enumerate(rows):
        hatch = None if is_filled else "///"
        for side, score, colour in ((-1, scores.held_out, face), (1, scores.other_wordings, "none")):
            middle = place + side * _BAR / 2
            axes.barh(middle, 100 * score.accuracy, _BAR, color=colour, edgecolor=edge, hatch=hatch)
            _whiskers(axes, middle, score, baseline, right)
    _decorate(axes, [label for label, *_ in rows], baseline, right)


def _whiskers(axes: "matplotlib.axes.Axes", place: float, score: Score, baseline: float, right: float) -> None:
    """A bar's 95% interval, and its accuracy as a number after it."""
    low, high = (100 * end for end in score.interval)
    axes.plot([low, high], [place, place], "|-", color="black", markersize=6, linewidth=1)
    # Not where the line of the baseline would cross the number.
    beyond = baseline if high < baseline < high + right / 8 else high
    axes.text(beyond + right / 60, place, f"{score.accuracy:.1%}", va="center", fontsize=9)


def _decorate(axes: "matplotlib.axes.Axes", labels: Sequence[str], baseline: float, right: float) -> None:
    axes.axvline(baseline, color="black", linestyle=(0, (4, 3)))
    side = "left" if baseline < right / 2 else "right"
    axes.text(baseline, len(labels) - 0.35, f"  majority baseline: {baseline:.1f}%  ", ha=side, va="center")
    axes.set_yticks(range(len(labels)), [label.replace(", ", ",\n") for label in labels])
    axes.set_ylim(len(labels) - 0.1, -0.5)
    axes.set_xlim(0, right)
    axes.set_xticks([tick for tick in axes.get_xticks() if tick <= min(100, right)])
    axes.set_xlabel("right answers (%) with the 95% interval\nlower bars: in wordings never trained on")
    axes.set_title("held-out people", loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)


def _variant(arm: Arm, arms: tuple[Arm, ...]) -> int:
    """The index of an arm's variant, for its style."""
    return list(dict.fromkeys(other.variant for other in arms)).index(arm.variant) % len(_COLOURS)


def _thinned(values: tuple[int, ...] | tuple[float, ...]) -> list[float]:
    """Means over equal pieces: more points are noise, and make the page heavy."""
    n = min(len(values), _MAX_POINTS)
    edges = [len(values) * i // n for i in range(n + 1)]
    return [sum(values[i:j]) / (j - i) for i, j in pairwise(edges)]
