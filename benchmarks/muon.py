"""Muon of our own against torch.optim.Muon: accuracy after equal steps on equal data, and what a step costs.

    python benchmarks/muon.py CORPUS TRAIN --steps 300 --seeds 0 1 > benchmarks/results/muon.json
    python benchmarks/muon.py CORPUS TRAIN --steps 300 --recipe plain > benchmarks/results/muon-plain.json
    ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 python benchmarks/muon.py CORPUS TRAIN --steps 40 --seeds 0
        --set precision=float32 > benchmarks/results/muon-avx2.json

The last is of a processor without bfloat16 products, as most laptops have.

Three arms train side by side, a step each in turn: our own Muon, torch's with its defaults (5 Newton-Schulz steps), and
torch's with 3. Learning rate, momentum 0.95, weight decay and the factor for a matrix's shape are the same. The setting
is guided; accuracy is on the validation split of TRAIN, and each arm is compared with the first by McNemar's exact
test. Medians over the steps: seconds of the clock, and seconds of the processor, which other work on the machine moves
less.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, MutableMapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from closedbook.evaluation.compare import mcnemar
from closedbook.evaluation.predict import predict
from closedbook.evaluation.score import score
from closedbook.examples.batches import Batches
from closedbook.recipe.recipe import PRESETS, Recipe
from closedbook.text.documents import read_corpus
from closedbook.text.questions import read_pairs
from closedbook.text.validation import validation_split
from closedbook.training.device import fastest_precision, make_fabric
from closedbook.training.inputs import split_and_checked, vocabulary_of
from closedbook.training.mixture import examples_of
from closedbook.training.optim import optimizer as optimizers
from closedbook.training.optim.muon import update_matrices
from closedbook.training.prepared import new_model
from closedbook.training.trainer import Trainer
from runner import facts, one_line_errors, print_result, share, trial

_ENVIRONMENT = ("ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY", "OMP_NUM_THREADS")

Update = Callable[[dict[str, Any], MutableMapping[Tensor, Any]], None]


class TorchMuon:
    """torch.optim.Muon over a group of matrices, in place of our own update."""

    def __init__(self, n_iterations: int) -> None:
        self.n_iterations = n_iterations
        self.optimizer: torch.optim.Optimizer | None = None

    def __call__(self, group: dict[str, Any], _states: MutableMapping[Tensor, Any]) -> None:
        if self.optimizer is None:
            self.optimizer = torch.optim.Muon(
                group["params"], weight_decay=group["weight_decay"], ns_steps=self.n_iterations
            )
        self.optimizer.param_groups[0]["lr"] = group["lr"]
        self.optimizer.step()


@dataclass
class Arm:
    """A trainer with its update of the matrices, and what its steps took."""

    trainer: Trainer
    update: Update
    seconds: list[float] = field(default_factory=list)
    processor_seconds: list[float] = field(default_factory=list)
    update_seconds: list[float] = field(default_factory=list)

    def timed_update(self, group: dict[str, Any], states: MutableMapping[Tensor, Any]) -> None:
        start = time.process_time()
        self.update(group, states)
        self.update_seconds.append(time.process_time() - start)


def train(arms: dict[str, Arm]) -> None:
    """All steps, one of each arm in turn."""
    runs = {name: arm.trainer.run() for name, arm in arms.items()}
    for _ in range(next(iter(arms.values())).trainer.n_steps):
        for name, arm in arms.items():
            optimizers.update_matrices = arm.timed_update  # type: ignore[assignment]
            start = time.process_time()
            arm.seconds.append(next(runs[name]).seconds)
            arm.processor_seconds.append(time.process_time() - start)


def arms_of(recipe: Recipe, corpus_path: Path, pairs_path: Path) -> dict[str, Arm]:
    """Each arm with the same weights and the same examples."""
    corpus, stage = read_corpus(corpus_path), recipe.pretrain
    given = read_pairs(pairs_path)
    vocabulary = vocabulary_of(corpus, recipe, given)
    pairs = split_and_checked(given, recipe, vocabulary)[0].training
    dataset = examples_of("pretrain", recipe, vocabulary, corpus, pairs).dataset
    precision = fastest_precision() if recipe.precision == "auto" else recipe.precision
    updates: dict[str, Update] = {
        "own": update_matrices,
        "torch.optim.Muon": TorchMuon(5),
        "torch.optim.Muon, 3 iterations": TorchMuon(3),
    }
    return {
        name: Arm(
            Trainer(
                make_fabric(precision),
                new_model(recipe, vocabulary),
                Batches(
                    deepcopy(dataset),
                    stage.batch_size,
                    shuffle=stage.shuffle,
                    seed=recipe.seed,
                    window=stage.sort_window,
                ),
                stage,
                n_documents=len(corpus.documents),
                seed=recipe.seed,
                precision=precision,
            ),
            update,
        )
        for name, update in updates.items()
    }


def rows_of(arms: dict[str, Arm], recipe: Recipe, corpus_path: Path, pairs_path: Path) -> list[dict[str, Any]]:
    """Accuracy of each arm on the people held out, and its steps' medians."""
    given = read_pairs(pairs_path)
    vocabulary = vocabulary_of(read_corpus(corpus_path), recipe, given)
    _, asked = validation_split(given, recipe.validation_split, recipe.seed)
    assert asked is not None
    right: dict[str, list[bool]] = {}
    rows = []
    for name, arm in arms.items():
        predictions = predict(arm.trainer.model, vocabulary, [item.text for item in asked.items])
        answers = [prediction.answer for prediction in predictions]
        right[name] = [a == b for a, b in zip(answers, asked.answers(), strict=True)]
        row = {
            "arm": name,
            **share(score(answers, asked.answers())),
            "seconds_a_step": round(statistics.median(arm.seconds), 5),
            "processor_seconds_a_step": round(statistics.median(arm.processor_seconds), 5),
            "processor_seconds_an_update_of_matrices": round(statistics.median(arm.update_seconds), 5),
        }
        if name != "own":
            test = mcnemar(right["own"], right[name])
            row |= {"only_own_right": test.n_only_a, "only_this_right": test.n_only_b, "p": round(test.p_value, 5)}
        rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs=2, type=Path, metavar="CORPUS TRAIN")
    parser.add_argument("--recipe", choices=PRESETS, default="fast")
    parser.add_argument("--set", nargs="*", default=[], dest="values", metavar="KEY=VALUE")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    options = parser.parse_args()
    machine = facts()
    runs = []
    for seed in options.seeds:
        values = ["validation_split=0.2", *options.values]
        recipe = trial("guided", options.recipe, values, seed=seed, steps=options.steps).recipe
        arms = arms_of(recipe, *options.files)
        train(arms)
        runs.append({"seed": seed, "arms": rows_of(arms, recipe, *options.files)})
        print(runs[-1], file=sys.stderr, flush=True)
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    compared = {"setting": "guided", "recipe": options.recipe, "set": options.values, "environment": environment}
    print_result({**compared, "runs": runs}, machine)


if __name__ == "__main__":
    with one_line_errors():
        main()
