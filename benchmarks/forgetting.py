"""What finetuning forgets: accuracy on DEV before and after each epoch, by learning rate and replay.

    python benchmarks/forgetting.py CORPUS TRAIN DEV --run PRETRAINED > benchmarks/results/forgetting.json

PRETRAINED was trained on CORPUS, best with a part of TRAIN as its validation split:

    closedbook study CORPUS --pairs TRAIN --out PRETRAINED --setting guided --pretrain.steps 400 --validation-split 0.1

Each arm is trained on the pairs that PRETRAINED was trained on, by a schedule that ends with its epochs. With a
validation split, the arms without replay are trained once more, to the same weights epoch for epoch, and stop early by
the accuracy on that split; the weights that were kept then answer DEV, which chooses nothing. Arms are reported on
standard error.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "2000")  # before torch is imported, as the command line does

from closedbook.evaluation.evaluate import evaluate
from closedbook.recipe.recipe import FAST, Recipe
from closedbook.storage.run import Run, open_run
from closedbook.text.questions import Questions, read_pairs
from closedbook.text.validation import validation_split
from closedbook.training.checkpointing import Saving
from closedbook.training.events import Evaluated
from closedbook.training.stages import finetune
from machine import facts

RATES = (4e-5, 2e-4, 7e-4, 2e-3)
"""From a fiftieth of the learning rate of pretraining to all of it."""
REPLAYS = (0.0, 0.5)
PATIENCE = 2


def write_pairs(pairs: Questions, path: Path) -> Path:
    path.write_text("".join(f"{pair.text}\t{pair.answer}\n" for pair in pairs.items), encoding="utf-8")
    return path


class Arms:
    """Finetunings that start from one run, on the pairs that it was trained on."""

    def __init__(self, corpus: Path, train: Path, dev: Path, parent: Run, folder: Path) -> None:
        self.corpus, self.train, self.dev, self.parent, self.folder = corpus, train, dev, parent, folder
        self.n_runs = 0
        kept, self.split = validation_split(read_pairs(train), parent.recipe.validation_split, parent.recipe.seed)
        self.trained = write_pairs(kept, folder / "trained.tsv")

    def row(self, rate: float, replay: float, epochs: int) -> dict[str, Any]:
        """An arm: right answers to DEV, and for early stopping those to the validation split."""
        stage = replace(FAST.finetune, learning_rate=rate, replay=replay, epochs=epochs, patience=0)
        # The parent may be of another machine, for which 'auto' chose otherwise.
        recipe = replace(FAST, seed=self.parent.recipe.seed, precision=self.parent.info.precision, finetune=stage)
        begin = time.perf_counter()
        right, _ = self.right_answers(self.trained, recipe, self.dev)
        row = {"learning_rate": rate, "replay": replay, "right": right, "seconds": time.perf_counter() - begin}
        return row if self.split is None or replay else row | self.stopped_early(recipe)

    def stopped_early(self, recipe: Recipe) -> dict[str, Any]:
        """The same arm with patience, and DEV asked of the weights that it kept."""
        stage = replace(recipe.finetune, patience=PATIENCE)
        recipe = replace(recipe, validation_split=self.parent.recipe.validation_split, finetune=stage)
        right, out = self.right_answers(self.train, recipe)
        score = evaluate(open_run(out), read_pairs(self.dev)).score
        assert score is not None
        return {"held_out_right": right, "kept_epoch": right.index(max(right)), "kept_right": score.n_correct}

    def right_answers(self, pairs: Path, recipe: Recipe, dev: Path | None = None) -> tuple[list[int], Path]:
        """Right answers before and after each epoch, to DEV or to the validation split; and the run."""
        self.n_runs += 1
        out = self.folder / f"run-{self.n_runs}"
        corpus = self.corpus if recipe.finetune.replay else None
        saving = Saving(out, every_seconds=1e9)
        events = finetune(pairs, recipe, saving, parent_path=self.parent.path, corpus_path=corpus, dev_path=dev)
        return [event.score.n_correct for event in events if isinstance(event, Evaluated)], out


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs=3, type=Path, metavar="CORPUS TRAIN DEV")
    parser.add_argument("--run", type=Path, required=True, metavar="PRETRAINED")
    parser.add_argument("--epochs", type=int, default=4)
    options = parser.parse_args()
    corpus, train, dev = options.files
    machine, parent = facts(), open_run(options.run)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        arms = Arms(corpus, train, dev, parent, Path(name))
        for rate, replay in ((rate, replay) for rate in RATES for replay in REPLAYS):
            rows.append(arms.row(rate, replay, options.epochs))
            print(rows[-1], file=sys.stderr, flush=True)
    summary = {
        "run": {
            "kind": parent.info.kind,
            "steps": parent.recipe.pretrain.steps,
            "validation_split": parent.recipe.validation_split,
            "seed": parent.recipe.seed,
        },
        "machine": machine,
        "of": len(read_pairs(dev).items),
        "held_out_of": 0 if arms.split is None else len(arms.split.items),
        "patience": PATIENCE,
        "arms": rows,
    }
    json.dump(summary, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
