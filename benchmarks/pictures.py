"""Figures of docs/ that are drawn from benchmarks/results, or from the model's masks; nothing is measured here.

    python benchmarks/pictures.py [--only NAME ...]

exposure: how often an objective masks a fact in answer form, by the answer's position in its document; reading: the
receptive fields of the Perceiver's two masks; context: the cost of a training step against context length; ways: recall
of facts by the way in which the text states them; scale: accuracy against exposures; attention: where a model looks for
a name; course: recipe course over its 650 epochs. Results that name a recipe's keys have the names of their time; they
are shown under today's.
"""

import argparse
import json
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator

from closedbook.analysis.reading_map.weights import receptive_field
from closedbook.model.config import ModelConfig
from closedbook.recipe.old_keys import NEW_NAMES, REMOVED
from world import ARMS

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
LOOKS = {
    "corruption.span": {"hatch": "", "color": "black"},
    "corruption.salient": {"hatch": "..", "color": "lightgrey"},
    "corruption.guided": {"hatch": "", "color": "steelblue"},
}
ARMS_FROM_BELOW = {name: y for y, name in enumerate(reversed(ARMS))}


def results(pattern: str) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((HERE / "results").glob(pattern))]


def exposure() -> Figure:
    (result,) = results("exposure-dev.json")
    figure, axes = plt.subplots(figsize=(8, 3.4), layout="constrained")
    keys = {f"corruption.{name}": rows for name, rows in result["objectives"].items()}
    objectives = {NEW_NAMES.get(key, key): rows for key, rows in keys.items() if key not in REMOVED}
    first = objectives["corruption.span"]
    labels = [row["end"] for row in first]
    width = 0.8 / len(objectives)
    for number, (key, rows) in enumerate(objectives.items()):
        x = [i + (number - (len(objectives) - 1) / 2) * width for i in range(len(labels))]
        name = key.removeprefix("corruption.")
        bars = axes.bar(x, [100 * row["in_answer_form"] for row in rows], width, edgecolor="black", label=name)
        for bar in bars:
            bar.set(facecolor=LOOKS[key]["color"], hatch=LOOKS[key]["hatch"])
            if number == 0:
                axes.annotate(
                    f"{bar.get_height():.1f}", (bar.get_x() + width / 2, bar.get_height() + 1), ha="center", fontsize=7
                )
    counts = [row["n"] for row in first]
    axes.set_xticks(range(len(labels)), [f"{label}\nn = {n}" for label, n in zip(labels, counts, strict=True)])
    axes.set_xlabel("position of the answer's end in its document (characters)")
    axes.set_ylabel("epochs in which it is\nmasked in answer form (%)")
    axes.legend(title="objective", fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def reading() -> Figure:
    shades = {"later": "white", "earlier, but outside": "lightgrey", "in the receptive field": "black"}
    figure, panels = plt.subplots(1, 2, figsize=(9, 4.6), sharey=True, layout="constrained")
    for panel, latent_mask in zip(panels, ("triangular", "strided"), strict=True):
        config = ModelConfig("perceiver", latent_mask=latent_mask)
        field = receptive_field(config, config.block_size).int()
        kinds = torch.ones_like(field).tril() + field
        panel.imshow(kinds, ListedColormap(list(shades.values())), interpolation="nearest")
        n_inside, n_causal = int(field.sum()), int((kinds > 0).sum())
        panel.set_title(f"latent_mask {latent_mask}: {n_inside:,} of {n_causal:,} pairs", fontsize=10)
        panel.set_xlabel("character")
        panel.set_xticks(range(0, 128, 16))
    panels[0].set_ylabel("position")
    panels[0].set_yticks(range(0, 128, 16))
    keys = [Patch(facecolor=shade, edgecolor="black", label=label) for label, shade in shades.items()]
    figure.legend(handles=keys, loc="outside lower center", ncols=3, fontsize=9, frameon=False)
    return figure


def context() -> Figure:
    (result,) = results("context.json")
    rows = result["rows"]
    lengths = [row["characters"] for row in rows]
    figure, (time, memory) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for variant, line, marker in (("vanilla", "-", "o"), ("perceiver", "--", "s")):
        look = {"linestyle": line, "marker": marker, "markersize": 5, "color": "black", "markerfacecolor": "white"}
        label = {"vanilla": "vanilla", "perceiver": "Perceiver, strided"}[variant]
        time.plot(lengths, [row[variant]["seconds_a_1000_characters"] for row in rows], label=label, **look)
        memory.plot(lengths, [row[variant]["memory_gib"]["peak"] for row in rows], label=label, **look)
    before = max(row["vanilla"]["memory_gib"]["before_the_model"] for row in rows)
    memory.axhline(before, color="grey", linewidth=1, linestyle=":", label="Python and torch alone")
    time.set_ylabel("seconds per 1,000 characters trained on")
    memory.set_ylabel("peak memory of the process (GiB)")
    for panel in (time, memory):
        panel.set_xscale("log", base=2)
        panel.set_yscale("log")
        panel.yaxis.set_major_formatter("{x:g}")
        panel.yaxis.set_minor_formatter("{x:g}")
        panel.tick_params(axis="y", which="minor", labelsize=7)
        panel.set_xticks(lengths, [f"{length:,}" for length in lengths], fontsize=8)
        panel.minorticks_on()
        panel.xaxis.set_minor_locator(NullLocator())
        panel.set_xlabel(f"context (characters); {result['characters_a_batch']:,} characters per batch")
        panel.grid(alpha=0.3)
    time.legend(fontsize=8, loc="upper left")
    memory.legend(fontsize=8, loc="center left")
    return figure


def ways() -> Figure:
    figure, panels = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
    parts = {
        "world-arms-plain*.json": "the assignment's blocks",
        "world-arms-modern*.json": "QK-norm, squared ReLU, zero initialization",
    }
    for panel, (pattern, title) in zip(panels, parts.items(), strict=True):
        rows = {row["arm"]: row for result in results(pattern) for row in result["rows"]}
        names = [name for name in ARMS if name in rows]
        bars = (
            ("recited", 0.2, {"facecolor": "white", "hatch": "///", "label": "their line is recited"}),
            ("never_asked", -0.2, {"facecolor": "black", "label": "their question is answered"}),
        )
        for key, shift, look in bars:
            y = [ARMS_FROM_BELOW[name] + shift for name in names]
            shares = [100 * rows[name][key]["accuracy"] for name in names]
            panel.barh(y, shares, 0.4, edgecolor="black", **look)
        known = [name for name in names if rows[name]["published"]]
        published = [100 * rows[name]["published"] for name in known]
        y = [ARMS_FROM_BELOW[name] - 0.2 for name in known]
        panel.plot(published, y, "D", color="white", markeredgecolor="black", label="answered, as published")
        panel.set_title(title, fontsize=11)
        panel.set_xlim(0, 100)
        panel.set_xlabel("of 120 people never asked about in training (%)")
        panel.grid(axis="x", alpha=0.3)
        panel.set_axisbelow(True)
    panels[0].set_yticks(list(ARMS_FROM_BELOW.values()), list(ARMS_FROM_BELOW))
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9, frameon=False
    )
    return figure


def scale() -> Figure:
    """Black: recipe fast of today; grey: as it was, without name table and question form."""
    figure, axes = plt.subplots(figsize=(9, 4), layout="constrained")
    for pattern, color, ending in (("scale-*-seed-0.json", "black", ""), ("world-scale*.json", "grey", ", before")):
        # Today's files have the recipe as it was, too: an arm with settings.
        rows = [row for result in results(pattern) for row in result["rows"] if not row.get("set")]
        rows.sort(key=lambda row: (row["people"], row["width"], row["epochs"]))
        looks = cycle((("-", "o"), ("--", "^"), (":", "D"), ("-", "x"), ("-.", "v"), ("-", "s")))
        for row, (line, marker) in zip(rows, looks, strict=False):
            exposures, shares = zip(*(point for point in row["curve"] if point[0] > 0), strict=True)
            label = f"{row['people']:,} people, width {row['width']}, {row['epochs']} epochs{ending}"
            look = {"linestyle": line, "marker": marker, "markersize": 4, "color": color, "markerfacecolor": "white"}
            axes.plot(exposures, [100 * share for share in shares], label=label, **look)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("exposures of a fact in answer form")
    axes.set_ylabel("never asked about in\ntraining, and right (%)")
    axes.set_ylim(0, 101)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def attention() -> Figure:
    """Where the last MASK looks, in a masked line and in a question, by what the model was taught."""
    (result,) = results("attention.json")
    figure, axes = plt.subplots(figsize=(9, 3), layout="constrained")
    looks = {"first name": ("white", ""), "last name": ("lightgrey", "//"), "character after the name": ("black", "")}
    labels = []
    rows = [(arm, form, row) for arm, forms in result["arms"].items() for form, row in forms.items()]
    for y, (arm, form, row) in enumerate(reversed(rows)):
        left = 0.0
        for part, (color, hatch) in looks.items():
            share = 100 * row["attention"][part]
            label = part if y == 0 else None
            axes.barh(y, share, left=left, facecolor=color, edgecolor="black", hatch=hatch, label=label)
            left += share
        axes.annotate(f"{row['right']} of {row['of']} right", (101, y), va="center", fontsize=9)
        labels.append(f"taught in {arm}:\nasked in a {form}")
    axes.set_yticks(range(len(labels)), labels, fontsize=9)
    axes.set_xlim(0, 118)
    axes.set_xticks(range(0, 101, 20))
    axes.set_xlabel("attention of the last MASK, in the head that looks most at the name (%)")
    figure.legend(loc="outside lower center", ncols=3, fontsize=9, frameon=False)
    return figure


def course() -> Figure:
    figure, (accuracy, loss, rate) = plt.subplots(1, 3, figsize=(12, 3.4), layout="constrained")
    looks = {"vanilla": ("vanilla", "-", "o"), "perceiver": ("Perceiver", "--", "s")}
    for result in results("course-full-*.json"):
        label, line, marker = looks[result["variant"]]
        look = {"linestyle": line, "color": "black", "label": label}
        points = result["curve"]
        shares = [100 * point["accuracy"] for point in points]
        below = [share - 100 * point["interval"][0] for share, point in zip(shares, points, strict=True)]
        above = [100 * point["interval"][1] - share for share, point in zip(shares, points, strict=True)]
        bars = {"marker": marker, "markersize": 5, "markerfacecolor": "white", "capsize": 2, "linewidth": 1}
        accuracy.errorbar([point["epoch"] for point in points], shares, [below, above], **look, **bars)
        epochs = [row["epoch"] for row in result["epochs"]]
        loss.plot(epochs, [row["loss"] for row in result["epochs"]], **look)
        rate.plot(epochs, [1000 * row["learning_rate"] for row in result["epochs"]], **look)
    accuracy.axhline(5.0, color="grey", linewidth=1, linestyle=":")
    accuracy.annotate("majority baseline, 5.0%", (35, 7.0), fontsize=8)
    accuracy.set_ylabel("finetuned from there: dev\nquestions right (%), 95% interval")
    accuracy.set_ylim(0)
    loss.set_ylabel("loss (nats per character)")
    loss.set_ylim(0, 3)
    rate.set_ylabel("learning rate (thousandths)")
    rate.set_ylim(0)
    for panel in (accuracy, loss, rate):
        panel.set_xlabel("epochs of pretraining")
        panel.grid(alpha=0.3)
    loss.legend(fontsize=8, loc="upper right")
    return figure


def main() -> None:
    figures = {draw.__name__: draw for draw in (exposure, reading, context, ways, scale, attention, course)}
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", nargs="*", choices=figures, default=list(figures), metavar="NAME")
    for name in parser.parse_args().only:
        figure = figures[name]()
        figure.savefig(DOCS / f"{name}.png", dpi=110)
        plt.close(figure)


if __name__ == "__main__":
    main()
