"""Does torch.compile pay? Steps of the model as it is and with compiled blocks, in turn, and the time of compilation.

    python benchmarks/compiled.py [--rounds 5] > benchmarks/results/compiled.json

Blocks share their code, so one compilation serves all of them and every width of a batch. It needs a C++ compiler.
"""

import argparse
import json
import os
import statistics
import sys
import time
from dataclasses import replace

os.environ.setdefault("GOMP_SPINCOUNT", "2000")  # before torch is imported, as the command line does

import torch
from torch.nn.functional import cross_entropy

from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT
from closedbook.recipe.recipe import COURSE
from machine import facts
from sized import FAST_AS_LARGE_AS_COURSE

VOCAB_SIZE = 256


def seconds(model: GPT, shapes: list[tuple[int, int]], is_bfloat16: bool) -> float:
    """Forward and backward over a batch of each shape, on random characters."""
    begin = time.perf_counter()
    for shape in shapes:
        idx = torch.randint(1, VOCAB_SIZE, shape)
        with torch.autocast("cpu", torch.bfloat16, enabled=is_bfloat16):
            logits = model(idx)
        cross_entropy(logits.float().flatten(0, 1), idx.flatten()).backward()
        model.zero_grad()
    return time.perf_counter() - begin


def compared(config: ModelConfig, shapes: list[tuple[int, int]], is_bfloat16: bool, n_rounds: int) -> dict[str, float]:
    """Medians over rounds, and how much longer the first step with compiled blocks takes."""
    plain, compiled = GPT(config, VOCAB_SIZE), GPT(config, VOCAB_SIZE)
    compiled.load_state_dict(plain.state_dict())
    for block in compiled.blocks:
        block.compile(dynamic=True)
    seconds(plain, shapes, is_bfloat16)
    first = seconds(compiled, shapes, is_bfloat16)
    rounds = [[seconds(model, shapes, is_bfloat16) for model in (plain, compiled)] for _ in range(n_rounds)]
    as_it_is, with_compiler = (statistics.median(times) for times in zip(*rounds, strict=True))
    return {
        "seconds_as_it_is": round(as_it_is, 3),
        "seconds_compiled": round(with_compiler, 3),
        "seconds_to_compile": round(first - with_compiler, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    n_rounds = parser.parse_args().rounds
    result = {"machine": facts(), "rounds": n_rounds}
    # One of the assignment's batches, in micro-batches sorted by length.
    micro_batches = [(16, length) for length in range(24, 128, 16)]
    result["course"] = compared(COURSE.model, micro_batches, is_bfloat16=False, n_rounds=n_rounds)
    batches = [(128, length) for length in range(32, 72, 8)]
    # Without the prefix table, whose lookup is not compiled.
    model = replace(FAST_AS_LARGE_AS_COURSE.model, prefix_table=False)
    result["fast, 4 layers"] = compared(model, batches, is_bfloat16=True, n_rounds=n_rounds)
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
