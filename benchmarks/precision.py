"""What a step costs in float32 and in bfloat16, by recipe and width: what `precision = "auto"` chooses by.

    python benchmarks/precision.py CORPUS TRAIN > benchmarks/results/precision.json
    ONEDNN_MAX_CPU_ISA=AVX512_CORE_VNNI python benchmarks/precision.py CORPUS TRAIN --arms fast
        > benchmarks/results/precision-without-bf16.json

An arm is a preset, or a preset and a width, as in fast:64. Both precisions train side by side on equal batches from
equal weights, a step each in turn. `ratio` is the median over steps of bfloat16's seconds of the processor, which other
work on the machine moves less than the clock, by float32's on the same batch. The loss is the mean of the last 10
steps. Recipe course trains by the assignment's masks, the others in setting guided.
"""

import argparse
import os
import statistics
import sys
import time
from copy import deepcopy
from pathlib import Path
from typing import Any

from closedbook.examples.batches import Batches
from closedbook.recipe.recipe import Precision, Recipe
from closedbook.text.documents import read_corpus
from closedbook.text.questions import read_pairs
from closedbook.training.device import make_fabric
from closedbook.training.inputs import split_and_checked, vocabulary_of
from closedbook.training.mixture import examples_of
from closedbook.training.prepared import new_model
from closedbook.training.trainer import Trainer
from runner import facts, one_line_errors, print_result, trial

_PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")
_N_WARM_UP = 5
_ENVIRONMENT = ("ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY", "OMP_NUM_THREADS")


def compared(arm: str, n_steps: int, corpus_path: Path, pairs_path: Path) -> dict[str, Any]:
    """The seconds of both precisions' steps."""
    preset, _, width = arm.partition(":")
    words = [f"model.n_embd={width}", "sizing=fixed"] if width else []
    setting = "assignment" if preset == "course" else "guided"
    recipe = trial(setting, preset, words, steps=n_steps).recipe
    n_steps = n_steps // 4 if preset == "course" else n_steps  # a step of course takes ten times as long
    trainers = trainers_of(recipe, corpus_path, pairs_path)
    runs = {name: trainer.run() for name, trainer in trainers.items()}
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    losses: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(n_steps):
        for name, run in runs.items():
            start = time.process_time()
            losses[name].append(next(run).loss)
            seconds[name].append(time.process_time() - start)
    pairs = list(zip(seconds["bfloat16"], seconds["float32"], strict=True))[_N_WARM_UP:]
    ratios = sorted(coarse / fine for coarse, fine in pairs)
    return {
        "arm": arm,
        "n_embd": recipe.model.n_embd,
        "n_steps": n_steps,
        "processor_seconds_a_step": {name: round(statistics.median(each), 4) for name, each in seconds.items()},
        "ratio": round(statistics.median(ratios), 3),
        "quartiles": [round(ratios[len(ratios) * quarter // 4], 3) for quarter in (1, 3)],
        "loss": {name: round(statistics.fmean(each[-10:]), 3) for name, each in losses.items()},
    }


def trainers_of(recipe: Recipe, corpus_path: Path, pairs_path: Path) -> dict[str, Trainer]:
    """A trainer for each precision, with the same weights and the same examples."""
    corpus, stage, given = read_corpus(corpus_path), recipe.pretrain, read_pairs(pairs_path)
    vocabulary = vocabulary_of(corpus, recipe, given)
    pairs = split_and_checked(given, recipe, vocabulary)[0].training
    dataset = examples_of("pretrain", recipe, vocabulary, corpus, pairs).dataset
    trainers = {}
    for precision in _PRECISIONS:
        batches = Batches(
            deepcopy(dataset), stage.batch_size, shuffle=stage.shuffle, seed=recipe.seed, window=stage.sort_window
        )
        trainers[precision] = Trainer(
            make_fabric(precision),
            new_model(recipe, vocabulary),
            batches,
            stage,
            n_documents=len(corpus.documents),
            seed=recipe.seed,
            precision=precision,
        )
    return trainers


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs=2, type=Path, metavar="CORPUS TRAIN")
    parser.add_argument("--arms", nargs="+", metavar="PRESET[:WIDTH]", default=_ARMS)
    parser.add_argument("--steps", type=int, default=60)
    options = parser.parse_args()
    machine, rows = facts(), []
    for arm in options.arms:
        rows.append(compared(arm, options.steps, *options.files))
        print(rows[-1], file=sys.stderr, flush=True)
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    print_result({"environment": environment, "arms": rows}, machine)


_ARMS = ["fast", "plain", "perceiver", "fast:64", "fast:256", "course"]

if __name__ == "__main__":
    with one_line_errors():
        main()
