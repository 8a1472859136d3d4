"""Figures of docs/ that are drawn from benchmarks/results, or from the model's masks; nothing is measured here.

    python benchmarks/pictures.py [--only NAME ...]

exposure: how often an objective masks a fact in answer form, by the answer's position in its document; reading: the
receptive fields of the Perceiver's two masks; context: the cost of a training step against context length; ways: recall
of facts by the way in which the text states them; scale: accuracy against exposures; attention: where a model looks for
a name; course: recipe course over its 650 epochs; course-ledger and blind-ledger: whom two runs know; two-names: what
a head looks at, for a name that is known and one that is not. Results that name
a recipe's keys have the names of their time; they are shown under today's.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from closedbook.analysis.ledger.figure import draw_tables
from closedbook.analysis.reading_map.weights import receptive_field
from closedbook.evaluation.breakdown import Row, Table
from closedbook.evaluation.score import Score
from closedbook.figures.pictures import as_png
from closedbook.figures.style import (
    COLOURS,
    FILLS,
    LINES,
    MARKERS,
    SMALL,
    SMALLEST_TEXT,
    TEXT,
    TITLE,
    WIDTH,
    blank,
    plain,
    smallest_text,
)
from closedbook.model.config import ModelConfig
from closedbook.recipe.old_keys import NEW_NAMES, REMOVED
from world import ARMS

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
LOOKS = {
    "corruption.span": {"facecolor": "black"},
    "corruption.salient": {"facecolor": FILLS[3], "hatch": ".."},
    "corruption.guided": {"facecolor": FILLS[0]},
}


def results(pattern: str) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((HERE / "results").glob(pattern))]


def exposure() -> Figure:
    (result,) = results("exposure-dev.json")
    figure = blank(WIDTH, 3.4)
    axes = figure.add_subplot()
    keys = {f"corruption.{name}": rows for name, rows in result["objectives"].items()}
    objectives = {NEW_NAMES.get(key, key): rows for key, rows in keys.items() if key not in REMOVED}
    first = objectives["corruption.span"]
    width = 0.8 / len(objectives)
    for number, (key, rows) in enumerate(objectives.items()):
        x = [i + (number - (len(objectives) - 1) / 2) * width for i in range(len(first))]
        shares = [100 * row["in_answer_form"] for row in rows]
        name = key.removeprefix("corruption.")
        bars = axes.bar(x, shares, width, edgecolor="black", label=name, **LOOKS[key])
        axes.bar_label(bars, [f"{share:.1f}" if share < 10 else f"{share:.0f}" for share in shares], fontsize=SMALL)
    labels = [f"{row['end']}\nn = {row['n']}" for row in first]
    plain(
        axes,
        "Span corruption hardly ever asks for a fact as a question does",
        "position of the answer's end in its document (characters)",
        "epochs in which it is\nmasked in answer form (%)",
    )
    axes.set_xticks(range(len(labels)), labels, fontsize=SMALL)
    axes.set_ylim(0, 110)
    axes.set_yticks(range(0, 101, 20))
    figure.legend(loc="outside lower center", ncols=3, fontsize=SMALL, frameon=False)
    return figure


def reading() -> Figure:
    shades = {"later": "white", "earlier, but outside": FILLS[3], "in the receptive field": COLOURS[0]}
    figure = blank(WIDTH, 4.4)
    panels = figure.subplots(1, 2, sharey=True)
    for panel, latent_mask in zip(panels, ("triangular", "strided"), strict=True):
        config = ModelConfig("perceiver", latent_mask=latent_mask)
        field = receptive_field(config, config.block_size).int()
        kinds = torch.ones_like(field).tril() + field
        panel.imshow(kinds.numpy(), ListedColormap(list(shades.values())), interpolation="nearest")
        n_inside, n_causal = int(field.sum()), int((kinds > 0).sum())
        panel.set_title(f"latent_mask {latent_mask}: {n_inside:,} of {n_causal:,} pairs", loc="left", fontsize=TITLE)
        panel.set_xlabel("character", fontsize=TEXT)
        panel.set_xticks(range(0, 128, 16))
        panel.tick_params(labelsize=SMALL)
    panels[0].set_ylabel("position", fontsize=TEXT)
    panels[0].set_yticks(range(0, 128, 16))
    keys = [Patch(facecolor=shade, edgecolor="black", label=label) for label, shade in shades.items()]
    figure.legend(handles=keys, loc="outside lower center", ncols=3, fontsize=SMALL, frameon=False)
    return figure


def context() -> Figure:
    (result,) = results("context.json")
    rows = result["rows"]
    lengths = [row["characters"] for row in rows]
    figure = blank(WIDTH, 3.3)
    time, memory = figure.subplots(1, 2)
    for number, (variant, name) in enumerate((("vanilla", "vanilla"), ("perceiver", "Perceiver, strided"))):
        seconds = [row[variant]["seconds_a_1000_characters"] for row in rows]
        peaks = [row[variant]["memory_gib"]["peak"] for row in rows]
        for panel, values in ((time, seconds), (memory, peaks)):
            look = {"color": COLOURS[number], "marker": MARKERS[number], "markersize": 5, "markerfacecolor": "white"}
            panel.plot(lengths, values, LINES[number], **look)
        say(time, lengths[2], seconds[2] + (0.04, 0.02)[number], name, COLOURS[number])
        say(memory, lengths[2], peaks[2] + 0.05, name, COLOURS[number])
    before = max(row["vanilla"]["memory_gib"]["before_the_model"] for row in rows)
    memory.axhline(before, color="black", linewidth=1, linestyle=":")
    say(memory, lengths[2], before + 0.04, "Python and torch alone", "black")
    batch = f"context (characters), {result['characters_a_batch']:,} a batch"
    plain(time, "Seconds per 1,000 characters trained on", batch, "seconds")
    plain(memory, "Peak memory of the process", batch, "GiB")
    for panel in (time, memory):
        panel.set_xscale("log", base=2)
        panel.set_ylim(bottom=0)
        panel.set_xticks(lengths, [f"{length:,}" for length in lengths], fontsize=SMALL)
        panel.grid(axis="y", alpha=0.3)
    return figure


def say(axes: Axes, x: float, y: float, text: str, color: str, ha: str = "center", va: str = "bottom") -> None:
    """A name at its line, in the line's colour, which takes the place of a legend."""
    axes.text(x, y, text, color=color, fontsize=SMALL, ha=ha, va=va)


def ways() -> Figure:
    """A line for each way, from what is recited to what is answered; the removed parts below the assignment's."""
    parts = {
        "world-arms-plain*.json": "the assignment's blocks",
        "world-arms-modern*.json": "QK-norm, squared ReLU, zero initialization",
    }
    figure = blank(WIDTH, 4.3)
    axes = figure.add_subplot()
    places, labels, y = [], [], 0.0
    for pattern, title in parts.items():
        rows = {row["arm"]: row for result in results(pattern) for row in result["rows"]}
        axes.text(-1, y, title, fontsize=TEXT, weight="bold", ha="right", va="center")
        for name in (name for name in ARMS if name in rows):
            y += 1
            one = rows[name]
            recited, answered = (100 * one[key]["accuracy"] for key in ("recited", "never_asked"))
            axes.plot([recited, answered], [y, y], "-", color="0.6", linewidth=1.5, zorder=1)
            axes.plot([recited], [y], "o", color="white", markeredgecolor="black", markersize=8, label=RECITED)
            axes.plot([answered], [y], "o", color=COLOURS[0], markersize=8, label=ANSWERED)
            if one["published"]:
                axes.plot(
                    [100 * one["published"]], [y], "D", color="white", markeredgecolor=COLOURS[1], label=PUBLISHED
                )
            for share, other in ((recited, answered), (answered, recited)):
                side = 1 if share > other else -1
                ha = "left" if side > 0 else "right"
                say(axes, share + 1.5 * side, y, f"{share:.0f}", "black", ha, "center")
            places.append(y)
            labels.append(name)
        y += 1.4
    plain(axes, "", "of 120 people never asked about in training (%)")
    figure.suptitle("To recite a line is not to answer a question about it", fontsize=TITLE)
    axes.set_yticks(places, labels, fontsize=SMALL)
    axes.set_ylim(y - 0.6, -0.6)
    axes.set_xlim(0, 100)
    axes.grid(axis="x", alpha=0.3)
    handles = {text: line for line, text in zip(*axes.get_legend_handles_labels(), strict=True)}
    names = (RECITED, ANSWERED, PUBLISHED)
    where = {"loc": "outside lower center", "ncols": 3, "fontsize": SMALL, "frameon": False}
    figure.legend([handles[name] for name in names], names, **where)
    return figure


RECITED, ANSWERED, PUBLISHED = "their line is recited", "their question is answered", "answered, as published"


def scale() -> Figure:
    """Left recipe fast as it was, without name table and question form; right as it is today."""
    figure = blank(WIDTH, 3.8)
    before, now = figure.subplots(1, 2, sharey=True)
    lines = {  # The file, the number of people, width and epochs: the side, and where its name stands.
        ("world-scale.json", 1000, 128, 40): (before, 0, (14, 103, "1,000 people", "left")),
        ("world-scale.json", 10000, 256, 20): (before, 1, (6.6, 57, "10,000, width 256", "left")),
        ("world-scale.json", 10000, 128, 80): (before, 2, (95, 58, "width 128", "right")),
        ("world-scale.json", 10000, 64, 20): (before, 3, (20, 27, "width 64", "left")),
        ("world-scale-100000.json", 100000, 128, 10): (before, 0, (11, 4, "100,000", "left")),
        ("scale-1000-seed-0.json", 1000, 128, 20): (now, 0, (5.0, 50, "1,000 people", "left")),
        ("scale-10000-seed-0.json", 10000, 128, 8): (now, 1, (1.38, 42, "10,000", "right")),
        ("scale-100000-seed-0.json", 100000, 64, 8): (now, 2, (1.1, 75, "100,000", "center")),
        ("scale-1000000-seed-0.json", 1000000, 64, 8): (now, 3, (2.42, 53, "1,000,000", "left")),
    }
    for (name, *key), (axes, number, (x, y, text, ha)) in lines.items():
        (result,) = results(name)
        # Today's files have the recipe as it was, too: an arm with settings.
        (row,) = (r for r in result["rows"] if [r["people"], r["width"], r["epochs"]] == key and not r.get("set"))
        points = [point for point in row["curve"] if point[0] > 0]
        look = {"color": COLOURS[number], "marker": MARKERS[number], "markersize": 4, "markerfacecolor": "white"}
        axes.plot([p[0] for p in points], [100 * p[1] for p in points], LINES[number], **look)
        say(axes, x, y, text, COLOURS[number] if number < 3 else "0.35", ha, "center")
    plain(before, "Before: half of 10,000 stay unknown", EXPOSURES, "never asked about in training,\nand right (%)")
    plain(now, "Now: a million are known after seven", EXPOSURES)
    now.plot([1.2, 1.75], [71, 42], color=COLOURS[2], linewidth=0.6)  # from the name to its line
    for axes, most in ((before, 100), (now, 20)):
        axes.set_xscale("log")
        axes.set_xlim(0.8, most)
        ticks = [tick for tick in (1, 3, 10, 30, 100) if tick <= most]
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.minorticks_off()
        axes.set_ylim(0, 108)
        axes.set_yticks(range(0, 101, 20))
        axes.grid(axis="y", alpha=0.3)
    return figure


EXPOSURES = "exposures of a fact in answer form"


def attention() -> Figure:
    """Where the last MASK looks, in a masked line and in a question, by what the model was taught."""
    (result,) = results("attention.json")
    figure = blank(WIDTH, 2.9)
    axes = figure.add_subplot()
    looks = {"first name": ("white", ""), "last name": (FILLS[3], "//"), "character after the name": (COLOURS[0], "")}
    labels = []
    rows = [(arm, form, row) for arm, forms in result["arms"].items() for form, row in forms.items()]
    for y, (arm, form, row) in enumerate(reversed(rows)):
        left = 0.0
        for part, (color, hatch) in looks.items():
            share = 100 * row["attention"][part]
            label = part if y == 0 else None
            axes.barh(y, share, left=left, facecolor=color, edgecolor="black", hatch=hatch, label=label)
            left += share
        say(axes, 102, y, f"{row['right']} of {row['of']} right", "black", "left", "center")
        labels.append(f"taught in {arm}:\nasked in a {form}")
    x = "attention of the last MASK, in the head that looks most at the name (%)"
    plain(axes, "Nearly all answers are right where the MASK looks at the character after the name", x)
    axes.set_yticks(range(len(labels)), labels, fontsize=SMALL)
    axes.set_xlim(0, 120)
    axes.set_xticks(range(0, 101, 20))
    figure.legend(loc="outside lower center", ncols=3, fontsize=SMALL, frameon=False)
    return figure


def course() -> Figure:
    figure = blank(WIDTH, 3.0)
    accuracy, loss, rate = figure.subplots(1, 3)
    looks = {"vanilla": ("vanilla", 0), "perceiver": ("Perceiver", 1)}
    for result in results("course-full-*.json"):
        name, number = looks[result["variant"]]
        color, line = COLOURS[number], LINES[number]
        points = result["curve"]
        shares = [100 * point["accuracy"] for point in points]
        below = [share - 100 * point["interval"][0] for share, point in zip(shares, points, strict=True)]
        above = [100 * point["interval"][1] - share for share, point in zip(shares, points, strict=True)]
        bars = {"marker": MARKERS[number], "markersize": 4, "markerfacecolor": "white", "capsize": 2, "linewidth": 1}
        at = [point["epoch"] for point in points]
        accuracy.errorbar(at, shares, [below, above], color=color, linestyle=line, **bars)
        epochs = [row["epoch"] for row in result["epochs"]]
        losses = [row["loss"] for row in result["epochs"]]
        loss.plot(epochs, losses, line, color=color)
        rate.plot(epochs, [1000 * row["learning_rate"] for row in result["epochs"]], color="black")
        say(accuracy, *((395, 15), (660, 7))[number], name, color, "right")
        say(loss, 330, losses[330 * len(losses) // 650] + 0.1, name, color)
    accuracy.axhline(5.0, color="black", linewidth=1, linestyle=":")
    say(accuracy, 8, 6.2, "majority, 5.0%", "black", "left")
    plain(accuracy, "Dev questions right (%)", EPOCHS)
    plain(loss, "Loss (nats per character)", EPOCHS)
    plain(rate, "Learning rate (thousandths)", EPOCHS)
    accuracy.set_ylim(0)
    loss.set_ylim(0, 3)
    rate.set_ylim(0)
    for panel in (accuracy, loss, rate):
        panel.set_xlim(0, 670)
        panel.grid(axis="y", alpha=0.3)
    return figure


EPOCHS = "epochs of pretraining"


def ledger(run: str, *titles: str) -> Figure:
    """The ledger of a run whose counts are kept: by exposures in answer form, and by where the answer ends."""
    (result,) = results(f"ledger-{run}.json")
    axes = {
        "in_answer_form": "exposures in the form of an answer (times)",
        "end": "where the answer ends in its document (characters from its start)",
    }
    tables = []
    for name, rows in result["tables"].items():
        scores = (Row(row["bin"], Score(row["n_correct"], row["n_questions"])) for row in rows)
        tables.append(Table(name, axes[name], tuple(scores)))
    return draw_tables(tables, titles)


def course_ledger() -> Figure:
    return ledger("course", "More exposures, more right answers", "Late in the line, hardly any right")


def blind_ledger() -> Figure:
    return ledger("unguided", "More exposures, more right answers", "Where it stands in the line matters less")


def two_names() -> Figure:
    """What one head attends to at the end of a question, about a name that the text has and about another."""
    (result,) = results("two-names.json")
    known, stranger = result["rows"]
    weights = [row["last_position_by_block_and_head"][-1] for row in (known, stranger)]
    head = max(range(len(weights[0])), key=lambda head: max(weights[0][head]))
    figure = blank(WIDTH, 3.6)
    titles = (
        f'A name it has read about: "{known["says"]}", {known["probability"]:.0%} sure',
        f'A name nobody wrote about: "{stranger["says"]}"',
    )
    panels = figure.subplots(2, 1, sharey=True)
    for axes, row, by_head, title in zip(panels, (known, stranger), weights, titles, strict=True):
        shares = [100 * share for share in by_head[head]]
        bars = axes.bar(range(len(shares)), shares, 0.8, color=COLOURS[0])
        axes.bar_label(bars, [f"{share:.0f}%" if share > 5 else "" for share in shares], fontsize=SMALL)
        plain(axes, title, "", f"head {head + 1} (%)")
        letters = [*row["question"], "\N{DOUBLE QUESTION MARK}"]
        axes.set_xticks(range(len(letters)), letters, fontsize=TITLE, family="monospace")
        axes.tick_params(axis="x", length=0)
        axes.set_ylim(0, 100)
        axes.set_xlim(-0.6, len(letters) - 0.4)
    return figure


DRAWN = (exposure, reading, context, ways, scale, attention, course, course_ledger, blind_ledger, two_names)
FIGURES = {draw.__name__.replace("_", "-"): draw for draw in DRAWN}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", nargs="*", choices=FIGURES, default=list(FIGURES), metavar="NAME")
    for name in parser.parse_args().only:
        figure = FIGURES[name]()
        assert smallest_text(figure) >= SMALLEST_TEXT, name
        (DOCS / f"{name}.png").write_bytes(as_png(figure))


if __name__ == "__main__":
    main()
