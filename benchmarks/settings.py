"""The table and the figure of the settings, from results that benchmarks/ladder.py wrote.

    python benchmarks/settings.py > table.md        # and docs/settings.png

One run is one file, benchmarks/results/settings-SETTING-RECIPE-MINUTES-seed-S.json:

    OMP_NUM_THREADS=1 python benchmarks/ladder.py CORPUS TRAIN DEV --setting guided --recipe plain --budget 10 --every 0
        --seed 0 > benchmarks/results/settings-guided-plain-10-seed-0.json

A point of the figure is the mean over seeds after a budget, whose schedule ends there; bars reach from the worst to the
best seed. Minutes are of one core.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from closedbook.figures.pictures import as_png
from closedbook.figures.style import COLOURS, LINES, SMALL, SMALLEST_TEXT, WIDTH, blank, plain, smallest_text

ROOT = Path(__file__).parents[1]
MODELS = {"fast": "with tables", "plain": "plain transformer", "course": "the assignment's recipe"}
MARKS = {"self-study": "o", "guided": "s", "asking": "D", "unguided": "^", "assignment": "v"}
MODELS_DRAWN = {name: number for number, name in enumerate(MODELS)}
"""The number of each model's colour and dashes."""
NAMES = (
    (1.02, 90, "fast", "with tables,\nself-study and guided"),
    (3.5, 90, "fast", "asking"),
    (3.0, 67, "plain", "plain transformer, guided"),
    (11, 45, "plain", "plain transformer, asking (no reader)"),
    (12, 19, "plain", "plain transformer, unguided"),
)
"""Where each line's name stands, in minutes and percent."""


@dataclass(frozen=True)
class Point:
    """All seeds of one setting, model and budget."""

    setting: str
    recipe: str
    budget: float
    runs: Sequence[Mapping[str, Any]]

    @property
    def minutes(self) -> float:
        return fmean(run["minutes"] for run in self.runs)

    @property
    def accuracies(self) -> list[float]:
        return [run["right"] / run["of"] for run in self.runs]

    def row(self) -> str:
        """A row of the table."""
        parameters = self.runs[0]["parameters"]
        table, total = parameters["prefix_table"], parameters["total"]
        right = ", ".join(str(run["right"]) for run in self.runs)
        spread = f", standard deviation {100 * stdev(self.accuracies):.1f} points" if len(self.runs) > 1 else ""
        return (
            f"| {self.setting} | {MODELS[self.recipe]}: {total:,}, table {table:,} | {self.minutes:.1f} | "
            f"{right} of {self.runs[0]['of']} | {fmean(self.accuracies):.1%}{spread} |"
        )


def points() -> Iterator[Point]:
    """The points that there are results for, in the order of settings, models and budgets."""
    runs = defaultdict(list)
    for path in sorted((ROOT / "benchmarks/results").glob("settings-*.json")):
        run = json.loads(path.read_text(encoding="utf-8"))
        runs[run["setting"], run["recipe"], run["budget_minutes"]].append(run)
    order = [(s, r) for s in MARKS for r in MODELS]
    for key in sorted(runs, key=lambda key: (order.index(key[:2]), key[2])):
        yield Point(*key, sorted(runs[key], key=lambda run: run["seed"]))


def figure(all_points: Sequence[Point]) -> Figure:
    """Accuracy against minutes, a line for each setting and model, with its name beside it."""
    result = blank(WIDTH, 4.0)
    axes = result.add_subplot()
    lines = defaultdict(list)
    for point in all_points:
        lines[point.setting, point.recipe].append(point)
    for (setting, recipe), line in lines.items():
        draw(axes, line, setting, recipe)
    for x, y, recipe, text in NAMES:
        axes.text(x, y, text, color=COLOURS[MODELS_DRAWN[recipe]], fontsize=SMALL, va="top")
    for (name, accuracy), side in zip(rivals().items(), ("bottom", "top"), strict=True):
        axes.axhline(100 * accuracy, color="black", linewidth=0.8, linestyle=(0, (1, 2)))
        beside = axes.get_yaxis_transform()
        axes.text(0.3, 100 * accuracy, name, transform=beside, va=side, fontsize=SMALL)
    plain(axes, "Right of 500 dev questions (%)", "minutes of one core, reader included")
    axes.set_xscale("log")
    axes.set_xticks([1, 3, 10, 30, 60], ["1", "3", "10", "30", "60"])
    axes.minorticks_off()
    axes.set_xlim(0.7, 70)
    axes.set_ylim(0, 103)
    return result


def rivals() -> dict[str, float]:
    """What the reader gets with the book open, and the majority baseline, from their own results."""
    reader = json.loads((ROOT / "benchmarks/results/reader.json").read_text(encoding="utf-8"))
    leak = json.loads((ROOT / "benchmarks/results/leak-guided-fast.json").read_text(encoding="utf-8"))
    majority = leak["right_by_the_majority_baseline"] / leak["questions_asked"]
    return {"the reader, book open": reader["dev"]["accuracy"], "majority baseline": majority}


def draw(axes: Axes, line: Sequence[Point], setting: str, recipe: str) -> None:
    """One line, with bars from the worst to the best seed; a setting has its marker, a model its colour and dashes."""
    means = [100 * fmean(point.accuracies) for point in line]
    low = [mean - 100 * min(point.accuracies) for mean, point in zip(means, line, strict=True)]
    high = [100 * max(point.accuracies) - mean for mean, point in zip(means, line, strict=True)]
    minutes = [point.minutes for point in line]
    number = MODELS_DRAWN[recipe]
    look = {"linestyle": LINES[number], "color": COLOURS[number], "markerfacecolor": "white", "capsize": 3}
    axes.errorbar(minutes, means, yerr=[low, high], fmt=MARKS[setting], **look)
    for x, y in zip(minutes, means, strict=True):
        if (setting, recipe) != ("self-study", "fast"):  # The same as guided, at the same place.
            # Below the line, but where another line or the frame is.
            beside = (9, 3) if y < 10 else (7, 4 if y > 92 else -11)
            axes.annotate(f"{y:.0f}", (x, y), xytext=beside, textcoords="offset points", fontsize=SMALL)


def main() -> None:
    all_points = list(points())
    print("| setting | model: parameters | minutes of one core | right, by seed | mean |")
    print("| --- | --- | --- | --- | --- |")
    for point in all_points:
        print(point.row())
    drawing = figure(all_points)
    assert smallest_text(drawing) >= SMALLEST_TEXT
    (ROOT / "docs/settings.png").write_bytes(as_png(drawing))


if __name__ == "__main__":
    main()
