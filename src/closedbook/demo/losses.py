"""How the demo's losses fell, as a figure and in words.

matplotlib is imported where it is used, so that importing this is cheap.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from closedbook.demo.results import Arm, Curve
from closedbook.figures.style import COLOURS, LINES, WIDTH, blank, legend, plain
from closedbook.progress.duration import duration

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MAX_POINTS = 150


def draw_losses(arms: tuple[Arm, ...]) -> "Figure":
    """One plot per stage of training, in the order of training."""
    stages = _stages(arms)
    figure = blank(WIDTH / 2, 2.4 * len(stages))
    for axes, stage in zip(figure.subplots(len(stages), 1, squeeze=False)[:, 0], stages, strict=True):
        _draw_stage(axes, arms, stage)
    return figure


def losses_in_words(arms: tuple[Arm, ...]) -> Iterator[str]:
    """For each arm and stage where the training loss ended, and where that of the dev pairs was lowest and ended."""
    for arm in arms:
        for curve in arm.curves:
            yield f"{arm.label}, {curve.name}: {_in_words(curve)}."


def _in_words(curve: Curve) -> str:
    training = f"training loss from {curve.losses[0]:.2f} to {curve.losses[-1]:.2f}"
    if not curve.validation:
        return training
    step, lowest = min(curve.validation, key=lambda point: point[1])
    return f"{training}; dev pairs lowest, {lowest:.2f}, after step {step:,}, at the end {curve.validation[-1][1]:.2f}"


def _stages(arms: tuple[Arm, ...]) -> list[str]:
    by_stages = sorted(arms, key=lambda arm: -len(arm.curves))  # the arm with most stages has them in order
    return list(dict.fromkeys(curve.name for arm in by_stages for curve in arm.curves))


def _draw_stage(axes: "Axes", arms: tuple[Arm, ...], stage: str) -> None:
    """One stage's losses: a line per arm for training, and dots on a thin line for the dev pairs."""
    variants = list(dict.fromkeys(arm.variant for arm in arms))
    for arm in arms:
        number = variants.index(arm.variant) % 2
        colour, line = COLOURS[number], LINES[2 * number + (not arm.pretrained)]
        for curve in arm.curves:
            if curve.name == stage:
                name = f"{arm.label} ({duration(curve.seconds[-1])})"
                axes.plot(_thinned(curve.steps), _thinned(curve.losses), line, color=colour, label=name)
                if curve.validation:
                    axes.plot(*zip(*curve.validation, strict=True), line, color=colour, lw=0.7, marker=".", ms=4)
    plain(axes, stage, "step", "nats per character\n(dots: dev pairs)")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    legend(axes, "upper right")


def _thinned(values: tuple[int, ...] | tuple[float, ...]) -> list[float]:
    """Means over equal pieces: more points are noise, and make the page heavy."""
    n = min(len(values), _MAX_POINTS)
    edges = [len(values) * i // n for i in range(n + 1)]
    return [sum(values[i:j]) / (j - i) for i, j in pairwise(edges)]
