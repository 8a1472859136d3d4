"""Training and answering, `course` as the assignment computes it against `fast`, interleaved in one run.

    python benchmarks/speed.py CORPUS TRAIN DEV [--rounds 5] [--run RUN] > benchmarks/results/speed.json

The assignment's step: 128 rows padded to 128 characters, logits at every place, plain attention, float32. Real
characters are those that stand in a row up to its last supervised one. The assignment's answers: one question after the
other, 32 characters each, all read anew for each; ours by RUN, as a model that has learnt nothing ends no answer.
Medians over the rounds. The share of the machine's speed in matrix products counts 6 operations a weight of the maps
and a character computed, as many a weight of the head and a character it is asked of, and of attention's two products
what is not hidden (Chowdhery et al. 2022, PaLM, appendix B, which counts the hidden half too); none of the optimizer's.
"""

import argparse
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "2000")  # before torch is imported, as in cli.py

import torch
from torch import nn
from torch.nn import functional

from closedbook.evaluation.predict import LONGEST_ANSWER, predict
from closedbook.examples.batches import Batches, Position, micro_batches
from closedbook.examples.datasets import CharCorruptionDataset, question_ids
from closedbook.model.gpt import GPT
from closedbook.recipe.recipe import COURSE, FAST
from closedbook.storage.run import open_run
from closedbook.text.documents import read_corpus
from closedbook.text.questions import read_pairs
from closedbook.text.vocabulary import PAD_ID
from closedbook.training.device import fastest_precision, make_fabric
from closedbook.training.mixture import examples_of
from closedbook.training.optim.optimizer import make_optimizer
from closedbook.training.stages import new_model, training_pairs, vocabulary_of
from closedbook.training.trainer import Trainer
from machine import facts, gemm_flops
from sized import FAST_AS_LARGE_AS_COURSE


class Training:
    """Steps of a kind, each timed; `step` returns real characters, and floating-point operations in products."""

    def __init__(
        self, step: Callable[[], tuple[int, float]], model: GPT, optimizer: torch.optim.Optimizer, dtype: torch.dtype
    ) -> None:
        self.step, self.model, self.dtype = step, model, dtype
        self.updates: list[float] = []
        optimizer.register_step_pre_hook(lambda *_: self.updates.append(-time.perf_counter()))
        optimizer.register_step_post_hook(lambda *_: self.updates.append(time.perf_counter()))
        self.forget()

    def forget(self) -> None:
        """What was measured so far."""
        self.seconds: list[float] = []
        self.real: list[float] = []
        self.flops: list[float] = []
        self.optimizer_share: list[float] = []
        self.gemm_share: list[float] = []

    def measure(self, n_steps: int) -> None:
        self.updates.clear()
        start = time.perf_counter()
        counts = [self.step() for _ in range(n_steps)]
        took = time.perf_counter() - start
        self.seconds.append(took / n_steps)
        self.real.append(sum(real for real, _ in counts) / took)
        self.flops.append(sum(flops for _, flops in counts) / took)
        self.optimizer_share.append(sum(self.updates) / took)
        # Beside each round, as the machine's speed is not the same from one minute to the next.
        self.gemm_share.append(self.flops[-1] / gemm_flops(self.dtype))

    def row(self) -> dict[str, Any]:
        """Medians over the rounds."""
        return {
            "parameters": self.model.n_parameters,
            "weights_in_products": _weights(self.model.blocks) + _weights(self.model.head),
            "precision": str(self.dtype).removeprefix("torch."),
            "seconds_a_step": round(statistics.median(self.seconds), 4),
            "real_characters_a_second": round(statistics.median(self.real)),
            "gflops": round(statistics.median(self.flops) / 1e9),
            "share_of_time_in_the_optimizer": round(statistics.median(self.optimizer_share), 3),
            "share_of_gemm_speed": round(statistics.median(self.gemm_share), 3),
        }


def _weights(part: nn.Module) -> int:
    return sum(p.numel() for p in part.parameters() if p.dim() == 2)


def operations(model: GPT, n_rows: int, width: int, n_asked: int) -> float:
    """Of the products of a step, forward and backward, over so many rows; the head is asked of `n_asked` characters."""
    pairs = width * (width + 1) / 2  # of a query and a key that it sees
    attention = 12 * model.config.n_embd * len(model.blocks) * n_rows * pairs
    return 6 * _weights(model.blocks) * n_rows * width + 6 * _weights(model.head) * n_asked + attention


def assignments_steps(documents: CharCorruptionDataset, seed: int) -> Training:
    """As the assignment computes it: nothing cut, every logit, plain attention."""
    torch.manual_seed(seed)
    model = GPT(COURSE.model, len(documents.vocabulary))
    optimizer = make_optimizer(model, COURSE.pretrain)
    numbers = iter(range(10**9))

    def step() -> tuple[int, float]:
        rows = [documents[next(numbers) % len(documents)] for _ in range(COURSE.pretrain.batch_size)]
        x, y = (torch.stack(column) for column in zip(*rows, strict=True))
        logits = model(x)
        loss = functional.cross_entropy(logits.view(-1, logits.size(-1)), y.view(-1), ignore_index=PAD_ID)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return int((y.flip(1).cumsum(1) > 0).sum()), operations(model, *x.shape, x.numel())

    return Training(step, model, optimizer, torch.float32)


def engine_steps(trainer: Trainer, dtype: torch.dtype) -> Training:
    steps: Iterator[Any] = trainer.run()
    flops: list[float] = []
    batches = trainer.batches.epoch

    def watched(start: Position) -> Iterator[Any]:
        for batch in batches(start):
            parts = micro_batches(batch.x, batch.y, trainer.stage.accumulate)
            flops.append(sum(operations(trainer.model, *x.shape, int((y != PAD_ID).sum())) for x, y in parts))
            yield batch

    trainer.batches.epoch = watched  # type: ignore[method-assign]

    def step() -> tuple[int, float]:
        n_real = next(steps).n_characters
        return n_real, flops[-1]

    return Training(step, trainer.model, trainer.optimizer.optimizer, dtype)


def answers_one_by_one(model: GPT, vocabulary: Any, questions: list[str]) -> float:
    """Questions a second, as the assignment answers."""
    model.eval()
    start = time.perf_counter()
    with torch.no_grad():
        for question in questions:
            idx = torch.tensor([question_ids(question, vocabulary)])
            for _ in range(LONGEST_ANSWER):
                best = model(idx[:, -model.config.block_size :])[:, -1].argmax(-1, keepdim=True)
                idx = torch.cat((idx, best), dim=1)
    model.train()
    return len(questions) / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs=3, type=Path, metavar="CORPUS TRAIN DEV")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4, help="the assignment's steps a round; ours are 4 times as many")
    parser.add_argument("--run", type=Path, help="a run of recipe fast that has ended")
    options = parser.parse_args()
    machine = facts()
    corpus, train = read_corpus(options.files[0]), options.files[1]
    vocabulary = vocabulary_of(corpus, FAST)
    pairs, _ = training_pairs(train, FAST, vocabulary)
    precision = fastest_precision(FAST.model.n_embd)
    dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
    documents = CharCorruptionDataset([d.text for d in corpus.documents], vocabulary, 128, COURSE.corruption)
    kinds = {"course, as the assignment computes it": assignments_steps(documents, 0)}
    models = {
        "fast": FAST,
        "fast, 4 layers of width 256": FAST_AS_LARGE_AS_COURSE,
        "course, by this engine": COURSE,
    }
    for name, recipe in models.items():
        own = "float32" if recipe is COURSE else precision
        examples = examples_of("pretrain", recipe, vocabulary, corpus, None if recipe is COURSE else pairs)
        stage = recipe.pretrain
        batches = Batches(examples.dataset, stage.batch_size, shuffle=stage.shuffle, seed=0, window=stage.sort_window)
        model = new_model(recipe, vocabulary)
        trainer = Trainer(make_fabric(own), model, batches, stage, n_documents=len(documents), seed=0, precision=own)
        kinds[name] = engine_steps(trainer, torch.float32 if recipe is COURSE else dtype)
    for name, kind in kinds.items():
        # The first steps are slower than any that follow, in bfloat16 all that meet a width for the first time.
        kind.measure(2 if name.startswith("course") else 32)
        kind.forget()
    for _ in range(options.rounds):
        for name, kind in kinds.items():
            kind.measure(options.steps if name.startswith("course") else 4 * options.steps)
    questions = [item.text for item in read_pairs(options.files[2]).items]
    course, fast = kinds["course, as the assignment computes it"].model, kinds["fast"].model
    run = None if options.run is None else open_run(options.run)
    asked, words = (fast, vocabulary) if run is None else (run.model(), run.info.vocabulary)
    answering: dict[str, list[float]] = {"the assignment's way": [], "ours": []}
    for _ in range(3):
        answering["the assignment's way"].append(answers_one_by_one(course, vocabulary, questions[:10]))
        start = time.perf_counter()
        predict(asked, words, questions)
        answering["ours"].append(len(questions) / (time.perf_counter() - start))
    rows = {name: kind.row() for name, kind in kinds.items()}
    slow = rows["course, as the assignment computes it"]["real_characters_a_second"]
    rates = {name: statistics.median(values) for name, values in answering.items()}
    result = {
        "machine": machine,
        "training": rows,
        "real_characters_a_second_over_the_assignments": {
            name: round(row["real_characters_a_second"] / slow, 1) for name, row in rows.items()
        },
        "questions_a_second": {name: round(rate, 1) for name, rate in rates.items()},
        "seconds_for_all_questions": round(len(questions) / rates["ours"], 2),
        "answering_over_the_assignments": round(rates["ours"] / rates["the assignment's way"], 1),
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
