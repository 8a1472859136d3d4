"""What each piece of the fast recipe brings: one piece changed at a time, at an equal number of steps.

    python benchmarks/ablation.py CORPUS TRAIN DEV --track extraction [--steps 500] [--only NAME ...]
        > benchmarks/results/ablation-extraction.json

At equal steps, so that other work on the machine moves no accuracy; seconds a step stand beside it. Chosen arms can be
given by --only; results are printed as they come, on standard error.
"""

import argparse
import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "2000")  # before torch is imported, as in cli.py

from closedbook.recipe.recipe import FAST
from ladder import studied, with_values
from machine import facts

KEPT = ["corruption.name_only=0"]
BLIND = ["corruption.guided=0", "corruption.salient=1"]
NAMES = ["corruption.repeat_name=0.5"]
CLAUSES = ["corruption.reorder=0.5"]
BLOCKS = {
    "QK-norm": "model.qk_norm=true",
    "maps begin at zero": "model.initialization=zero",
    "squared ReLU": "model.activation=relu2",
    "rotary positions": "model.positions=rotary",
}
"""Taken over from the literature once, and out again."""

ARMS = {
    "the recipe": [],
    "no word memory": ["model.prefix_table=false"],
    "the memory's rate a fifth": ["STAGE.table_ratio=3"],
    "AdamW in place of Muon": ["STAGE.optimizer=adamw"],
    **{name: [value] for name, value in BLOCKS.items()},
    "those four together": list(BLOCKS.values()),
    "2 layers": ["model.n_layer=2"],
    "4 layers": ["model.n_layer=4"],
    "2 heads": ["model.n_head=2"],
    "8 heads": ["model.n_head=8"],
    "width 64": ["model.n_embd=64"],
    "width 256": ["model.n_embd=256"],
    "batch 64, twice the steps": ["STAGE.batch_size=64", "STEPS*2"],
    "all characters supervised": ["corruption.supervised=all"],
    "context kept half of the time": ["corruption.name_only=0.5"],
    "context kept": KEPT,
    "more pairs": ["STAGE.mix_pairs=0.4"],
    "full-name repetition": NAMES,
    "clauses reordered": CLAUSES,
    "context kept, full-name repetition": KEPT + NAMES,
    "context kept, clauses reordered": KEPT + CLAUSES,
    "masks blind to answers": BLIND,
    "masks blind to answers, full-name repetition": BLIND + NAMES,
    "masks blind to answers, clauses reordered": BLIND + CLAUSES,
    "the assignment's masks": ["corruption.guided=0", "corruption.salient=0", "corruption.span=1"],
}
"""STAGE stands for the stage that the track trains by."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs=3, type=Path, metavar="CORPUS TRAIN DEV")
    parser.add_argument("--track", choices=("self-study", "extraction"), default="extraction")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=ARMS, default=list(ARMS), metavar="NAME")
    options = parser.parse_args()
    machine = facts()
    stage = "study" if options.track == "self-study" else "pretrain"
    rows = []
    for name in options.only:
        n_steps = options.steps * (2 if "STEPS*2" in ARMS[name] else 1)
        words = [word.replace("STAGE", stage) for word in ARMS[name] if word != "STEPS*2"]
        recipe = replace(with_values(FAST, [*words, f"{stage}.steps={n_steps}"]), seed=options.seed)
        with tempfile.TemporaryDirectory() as folder:
            result = studied(*options.files, Path(folder) / "run", options.track, recipe, None, looks=False)
        row = {key: result[key] for key in ("n_steps", "seconds_a_step", "right", "of", "accuracy", "interval")}
        rows.append({"arm": name, **row})
        print(rows[-1], file=sys.stderr, flush=True)
    summary = {"track": options.track, "seed": options.seed, "machine": machine, "arms": rows}
    json.dump(summary, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
