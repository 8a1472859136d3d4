"""Cost against context: a training step of vanilla and of the strided Perceiver, as texts grow longer.

    python benchmarks/context.py > benchmarks/results/context.json

Recipe fast with four layers of width 256 and without a prefix table, whose lookup goes along a text character by
character in both variants; 16,384 random characters per batch at every length, from 1,024 rows of 16 to one of 16,384.
The number of latents is the square root of the length, rounded up to a power of 2, and segments have length / latents
characters. A step is the trainer's own: forward, backward, clipping, Muon. Medians over rounds, each of which takes one
step of every length and variant.

Peak memory is the maximum resident set size (ru_maxrss) of a separate process that takes two such steps: Python and
torch's libraries, weights, optimizer state and activations. It is given with the process's size before the model.
"""

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any, get_args

os.environ.setdefault("GOMP_SPINCOUNT", "2000")  # before torch is imported, as the command line does

import torch

from closedbook.examples.batches import Batches
from closedbook.examples.datasets import Example
from closedbook.model.config import ModelConfig, Variant
from closedbook.model.gpt import GPT
from closedbook.recipe.recipe import FAST, Precision
from closedbook.text.vocabulary import MASK_ID
from closedbook.training.device import fastest_precision, make_fabric
from closedbook.training.trainer import StepReport, Trainer
from machine import facts
from sized import FAST_AS_LARGE_AS_COURSE

LENGTHS = (16, 128, 512, 1024, 4096, 16384)
CHARACTERS = 16384
VOCABULARY = 256  # as large as the birthplace corpus's


class RandomText:
    """Rows of random characters, all of them supervised."""

    def __init__(self, n_rows: int, length: int) -> None:
        self.epoch = 0
        self.text = torch.randint(MASK_ID + 1, VOCABULARY, (n_rows, length + 1))

    def __len__(self) -> int:
        return len(self.text)

    def __getitem__(self, index: int) -> Example:
        return self.text[index, :-1], self.text[index, 1:]


def shape(variant: Variant, length: int) -> ModelConfig:
    latents = 2 ** math.ceil(math.log2(length) / 2)
    shared = replace(FAST_AS_LARGE_AS_COURSE.model, prefix_table=False, block_size=length)
    return (
        shared
        if variant == "vanilla"
        else replace(shared, variant="perceiver", latent_mask="strided", bottleneck_dim=latents)
    )


def steps(variant: Variant, length: int, precision: Precision) -> Iterator[StepReport]:
    torch.manual_seed(0)
    n_rows = CHARACTERS // length
    model = GPT(shape(variant, length), VOCABULARY)
    stage = replace(FAST.pretrain, batch_size=n_rows, steps=1000)
    batches = Batches(RandomText(n_rows, length), n_rows, shuffle=False, seed=0)
    fabric = make_fabric(precision)
    return Trainer(fabric, model, batches, stage, n_documents=n_rows, seed=0, precision=precision).run()


def peak_gib() -> float:
    """The maximum resident set size of this process so far."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 3)


def alone(variant: Variant, length: int, precision: Precision) -> None:
    """The whole work of a separate process."""
    before = peak_gib()
    run = steps(variant, length, precision)
    for _ in range(2):  # the first one creates the optimizer's state
        next(run)
    print(json.dumps({"before_the_model": before, "peak": peak_gib()}))


def memory(variant: Variant, length: int, precision: Precision) -> dict[str, float]:
    words = [sys.executable, __file__, "--alone", variant, str(length), precision]
    found: dict[str, float] = json.loads(subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout)
    return found


def measure(lengths: list[int], n_rounds: int, precision: Precision) -> list[dict[str, Any]]:
    kinds = [(length, variant) for length in lengths for variant in get_args(Variant)]
    # Before any training here: a forked child starts with the parent's size.
    memories = {kind: memory(kind[1], kind[0], precision) for kind in kinds}
    runs = {kind: steps(kind[1], kind[0], precision) for kind in kinds}
    for run in runs.values():
        next(run)  # the first step is slower
    seconds: dict[tuple[int, Variant], list[float]] = {kind: [] for kind in kinds}
    for number in range(1, n_rounds + 1):
        for kind, run in runs.items():
            seconds[kind].append(next(run).seconds)
        print(f"round {number} of {n_rounds}", file=sys.stderr)
    return [row(length, seconds, memories) for length in lengths]


def row(
    length: int, seconds: dict[tuple[int, Variant], list[float]], memories: dict[tuple[int, Variant], dict[str, float]]
) -> dict[str, Any]:
    """The results of one length."""
    config = shape("perceiver", length)
    found: dict[str, Any] = {
        "characters": length,
        "rows": CHARACTERS // length,
        "latents": config.bottleneck_dim,
        "segment_size": config.segment_size,
    }
    for variant in get_args(Variant):
        took = seconds[length, variant]
        found[variant] = {
            "seconds_a_step": round(statistics.median(took), 3),
            "fastest_and_slowest": [round(min(took), 3), round(max(took), 3)],
            "seconds_a_1000_characters": round(1000 * statistics.median(took) / CHARACTERS, 5),
            "memory_gib": memories[length, variant],
        }
    vanilla, perceiver = found["vanilla"], found["perceiver"]
    found["vanilla_over_perceiver"] = {
        "seconds": round(vanilla["seconds_a_step"] / perceiver["seconds_a_step"], 2),
        "memory": round(vanilla["memory_gib"]["peak"] / perceiver["memory_gib"]["peak"], 2),
    }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS, metavar="N")
    parser.add_argument("--alone", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone is not None:
        variant, length, precision = options.alone
        alone(variant, int(length), precision)
        return
    machine = facts()
    precision = fastest_precision(FAST_AS_LARGE_AS_COURSE.model.n_embd)
    rows = measure(options.lengths, options.rounds, precision)
    dearer = [row["characters"] for row in rows if row["vanilla_over_perceiver"]["seconds"] < 1]
    result = {
        "machine": machine,
        "precision": precision,
        "characters_a_batch": CHARACTERS,
        "rounds": options.rounds,
        "model": {**asdict(shape("perceiver", LENGTHS[0])), "block_size": "by length", "bottleneck_dim": "by length"},
        "rows": rows,
        "perceiver_dearer_at": dearer,
    }
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
