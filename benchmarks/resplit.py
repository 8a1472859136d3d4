"""The frozen recipe on seeded re-splits of all people whose answers are at hand: is a figure that of one split alone?

    python benchmarks/resplit.py CORPUS TRAIN DEV --track self-study --budget 4 [--splits 5]
        > benchmarks/results/resplit-self-study.json

Each split draws as many training pairs as TRAIN has from TRAIN and DEV together, and is asked about the rest. The
model's seed is that of the split; with --seeds-alone TRAIN and DEV stay as they are, and nothing else differs.
"""

import argparse
import json
import math
import os
import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from random import Random

os.environ.setdefault("GOMP_SPINCOUNT", "2000")  # before torch is imported, as in cli.py

from closedbook.recipe.recipe import FAST
from closedbook.text.questions import read_pairs
from ladder import studied, with_values
from machine import facts

# Student's t for a 95% interval of a mean of so many splits.
_T = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs=3, type=Path, metavar="CORPUS TRAIN DEV")
    parser.add_argument("--track", choices=("self-study", "extraction"), default="self-study")
    parser.add_argument("--budget", type=float)
    parser.add_argument("--steps", type=int, default=0, help="so many steps in place of a budget")
    parser.add_argument("--splits", type=int, default=5, choices=_T)
    parser.add_argument("--seeds-alone", action="store_true", help="TRAIN and DEV as they are, whatever the seed")
    options = parser.parse_args()
    corpus, train, dev = options.files
    machine = facts()
    known = list(read_pairs(train).items)
    everybody = [*known, *read_pairs(dev).items]
    results = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seed in range(options.splits):
            shuffled = everybody.copy()
            if not options.seeds_alone:
                Random(f"resplit {seed}").shuffle(shuffled)
            parts = {"train": shuffled[: len(known)], "dev": shuffled[len(known) :]}
            for part, items in parts.items():
                (folder / f"{part}.tsv").write_text("".join(f"{item.text}\t{item.answer}\n" for item in items))
            run = folder / f"run-{seed}"
            stage = "study" if options.track == "self-study" else "pretrain"
            recipe = replace(with_values(FAST, [f"{stage}.steps={options.steps}"]), seed=seed)
            files = (corpus, folder / "train.tsv", folder / "dev.tsv")
            results.append(studied(*files, run, options.track, recipe, options.budget, looks=False))
            print(f"split {seed}: {results[-1]['accuracy']:.1%}", file=sys.stderr, flush=True)
    accuracies = [result["accuracy"] for result in results]
    reach = _T[len(accuracies)] * statistics.stdev(accuracies) / math.sqrt(len(accuracies))
    mean = statistics.fmean(accuracies)
    summary = {
        "track": options.track,
        "seeds_alone": options.seeds_alone,
        "budget_minutes": options.budget,
        "steps": options.steps,
        "mean": round(mean, 4),
        "deviation": round(statistics.stdev(accuracies), 4),
        "interval_of_the_mean": [round(mean - reach, 4), round(mean + reach, 4)],
        "machine": machine,
        "splits": [{key: value for key, value in result.items() if key != "tables"} for result in results],
    }
    json.dump(summary, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
