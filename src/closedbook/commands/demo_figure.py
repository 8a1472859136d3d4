"""The figure of an experiment: how each model was trained, and what each knows.

matplotlib is imported where it is used, so that importing this is cheap. No user's text is drawn: it could
be in letters that matplotlib's font lacks.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from closedbook.evaluation.score import Score
from closedbook.progress.duration import duration

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

_COLOURS = (("#1f5fa8", "#8fafd3"), ("#d9822b", "#ecc095"))
"""For each variant, of lines and of bars; the variants differ in lightness as well."""
_LINES = (("-", "--"), ("-.", ":"))
"""For each variant, pretrained and not, so that black and white print is enough."""
_MOST_POINTS = 150


@dataclass(frozen=True)
class Curve:
    """One stage's training loss, in nats a character; steps and seconds count from the stage's beginning."""

    name: str
    steps: tuple[int, ...]
    losses: tuple[float, ...]
    seconds: tuple[float, ...]


@dataclass(frozen=True)
class Arm:
    """One model of the experiment, `seconds` of training; `test` is of held-out people.

    `withheld` is of people nobody ever wrote about, what cannot be known; None where none were asked about.
    """

    variant: str
    pretrained: bool
    n_parameters: int
    seconds: float
    test: Score
    withheld: Score | None
    curves: tuple[Curve, ...]

    @property
    def label(self) -> str:
        """As in "Perceiver, pretrained"."""
        variant = "Perceiver" if self.variant == "perceiver" else self.variant
        return f"{variant}, {'pretrained' if self.pretrained else 'not pretrained'}"


def draw(arms: tuple[Arm, ...], baseline: Score) -> "matplotlib.figure.Figure":
    """Left the loss, a plot a stage of training; right the accuracies, and the baseline as a line."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    by_stages = sorted(arms, key=lambda arm: -len(arm.curves))  # the arm of most stages has them in order
    stages = list(dict.fromkeys(curve.name for arm in by_stages for curve in arm.curves))
    n_rows = max(1, len(stages))
    figure = Figure(figsize=(9.6, max(1.6 + 0.75 * len(arms), 2.5 * n_rows)), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(n_rows, 2 if stages else 1)
    for row, stage in enumerate(stages):
        _losses(figure.add_subplot(grid[row, 0]), arms, stage)
    _accuracies(figure.add_subplot(grid[:, -1]), arms, baseline)
    return figure


def _losses(axes: "matplotlib.axes.Axes", arms: tuple[Arm, ...], stage: str) -> None:
    """One stage's training loss, a line an arm."""
    for arm in arms:
        number = _variant(arm, arms)
        colour, line = _COLOURS[number][0], _LINES[number][not arm.pretrained]
        for curve in arm.curves:
            if curve.name == stage:
                label = f"{arm.label} ({duration(curve.seconds[-1])})"
                axes.plot(_thinned(curve.steps), _thinned(curve.losses), line, color=colour, label=label)
    axes.set_title(stage, loc="left", fontsize=10, parse_math=False)
    axes.set_xlabel("step")
    axes.set_ylabel("training loss\n(nats a character)")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper right", fontsize=8, frameon=False, handlelength=3.2)


def _accuracies(axes: "matplotlib.axes.Axes", arms: tuple[Arm, ...], baseline: Score) -> None:
    """A bar an arm with the whiskers of its interval, and the baseline across them all."""
    base = 100 * baseline.accuracy
    right = 120 * max(baseline.accuracy, *(arm.test.interval[1] for arm in arms))
    for place, arm in enumerate(arms):
        low, high = (100 * end for end in arm.test.interval)
        edge, face = _COLOURS[_variant(arm, arms)]
        hatch = None if arm.pretrained else "///"
        axes.barh(place, 100 * arm.test.accuracy, 0.55, color=face, edgecolor=edge, hatch=hatch)
        axes.plot([low, high], [place, place], "|-", color="black", markersize=9)
        beyond = base if high < base < high + right / 8 else high  # the baseline is not to cross the number
        axes.text(beyond + right / 60, place, f"{arm.test.accuracy:.1%}", va="center")
    axes.axvline(base, color="black", linestyle=(0, (4, 3)))
    side = "left" if base < right / 2 else "right"
    axes.text(base, len(arms) - 0.42, f"  commonest answer: {baseline.accuracy:.1%}  ", ha=side, va="center")
    axes.set_yticks(range(len(arms)), [arm.label.replace(", ", ",\n") for arm in arms])
    axes.set_ylim(len(arms) - 0.2, -0.5)
    axes.set_xlim(0, right)
    axes.set_xticks([tick for tick in axes.get_xticks() if tick <= min(100, right)])
    axes.set_xlabel("answers right (%), with the 95% interval")
    axes.set_title("held-out people", loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)


def _variant(arm: Arm, arms: tuple[Arm, ...]) -> int:
    """The number of an arm's variant, as styles count."""
    return list(dict.fromkeys(other.variant for other in arms)).index(arm.variant) % len(_COLOURS)


def _thinned(values: tuple[int, ...] | tuple[float, ...]) -> list[float]:
    """Of many values the means over equal stretches: more are noise, and make the page heavy."""
    n = min(len(values), _MOST_POINTS)
    edges = [len(values) * i // n for i in range(n + 1)]
    return [sum(values[i:j]) / (j - i) for i, j in pairwise(edges)]
