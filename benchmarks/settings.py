"""The table and the figure of the four settings, from results that benchmarks/ladder.py wrote.

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

ROOT = Path(__file__).parents[1]
MODELS = {"fast": "with tables", "plain": "plain transformer", "course": "the assignment's recipe"}
LINES = {"self-study": "o-", "guided": "s-", "unguided": "^-", "assignment": "v-"}
COLOURS = {"fast": "#1f5fa8", "plain": "#d9822b", "course": "#444444"}


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
    order = [(s, r) for s in LINES for r in MODELS]
    for key in sorted(runs, key=lambda key: (order.index(key[:2]), key[2])):
        yield Point(*key, sorted(runs[key], key=lambda run: run["seed"]))


def figure(all_points: Sequence[Point]) -> Figure:
    """Accuracy against minutes, a line for each setting and model."""
    result = Figure(figsize=(8, 4.5), layout="constrained")
    axes = result.add_subplot()
    lines = defaultdict(list)
    for point in all_points:
        lines[point.setting, point.recipe].append(point)
    for (setting, recipe), line in lines.items():
        draw(axes, line, f"{setting}, {MODELS[recipe]}", LINES[setting], COLOURS[recipe])
    for name, accuracy in rivals().items():
        axes.axhline(100 * accuracy, color="black", linewidth=0.8, linestyle=(0, (1, 2)))
        axes.text(1, 100 * accuracy, name, transform=axes.get_yaxis_transform(), ha="right", va="bottom", fontsize=8)
    axes.set_xscale("log")
    axes.set_xticks([1, 3, 10, 30, 60], ["1", "3", "10", "30", "60"])
    axes.set_xlabel("minutes of one core, reader included")
    axes.set_ylabel("right of 500 dev questions (%)")
    axes.set_ylim(0, 100)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return result


def rivals() -> dict[str, float]:
    """What the reader gets with the book open, and the majority baseline, from their own results."""
    reader = json.loads((ROOT / "benchmarks/results/reader.json").read_text(encoding="utf-8"))
    leak = json.loads((ROOT / "benchmarks/results/leak-guided-fast.json").read_text(encoding="utf-8"))
    majority = leak["right_by_the_majority_baseline"] / leak["questions_asked"]
    return {"the reader, book open": reader["dev"]["accuracy"], "majority baseline": majority}


def draw(axes: Axes, line: Sequence[Point], label: str, style: str, colour: str) -> None:
    """One line, with bars from the worst to the best seed; a setting has its marker, a model its colour and dashes."""
    means = [100 * fmean(point.accuracies) for point in line]
    low = [mean - 100 * min(point.accuracies) for mean, point in zip(means, line, strict=True)]
    high = [100 * max(point.accuracies) - mean for mean, point in zip(means, line, strict=True)]
    minutes = [point.minutes for point in line]
    dashes = "--" if colour == COLOURS["plain"] else "-"
    axes.errorbar(
        minutes, means, yerr=[low, high], fmt=style[0], linestyle=dashes, color=colour, label=label, capsize=3
    )


def main() -> None:
    all_points = list(points())
    print("| setting | model: parameters | minutes of one core | right, by seed | mean |")
    print("| --- | --- | --- | --- | --- |")
    for point in all_points:
        print(point.row())
    (ROOT / "docs/settings.png").write_bytes(as_png(figure(all_points)))


if __name__ == "__main__":
    main()
