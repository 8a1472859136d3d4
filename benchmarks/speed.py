"""Training and answering: `course` as the assignment computes it against `fast`, in turn in one process.

    python benchmarks/speed.py CORPUS TRAIN DEV [--rounds 5] [--run RUN] > benchmarks/results/speed.json

The assignment's step: 128 rows padded to 128 characters, logits at every position, plain attention, float32. Real
characters are those of a row up to its last supervised one. The assignment answers one question after the other, 32
characters each, and recomputes the whole text for each character; ours are answered by RUN, since an untrained model
ends no answer. Medians over rounds. The share of the machine's speed in matrix products counts 6 operations per weight
of the linear layers and character computed, 6 per weight of the head and character for which logits are computed, and
those entries of attention's two products that the mask allows (Chowdhery et al. 2022, PaLM, appendix B, which counts
the masked half too); the optimizer's operations are left out.
"""

import argparse
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "2000")  # before torch is imported, as the command line does

import torch
from torch import nn
from torch.nn import functional

from closedbook.evaluation.predict import predict
from closedbook.examples.batches import Batches, Position, micro_batches
from closedbook.examples.datasets import CharCorruptionDataset, question_ids
from closedbook.model.gpt import GPT
from closedbook.recipe.recipe import COURSE, FAST, Precision
from closedbook.storage.run import open_run
from closedbook.text.documents import Corpus, read_corpus
from closedbook.text.questions import read_pairs
from closedbook.text.vocabulary import PAD_ID, Vocabulary
from closedbook.training.device import fastest_precision, make_fabric
from closedbook.training.inputs import split_and_checked, vocabulary_of
from closedbook.training.mixture import examples_of
from closedbook.training.optim.optimizer import make_optimizer
from closedbook.training.prepared import new_model
from closedbook.training.trainer import Trainer
from machine import facts, gemm_flops
from sized import FAST_AS_LARGE_AS_COURSE

AS_ASSIGNED = "course, as the assignment computes it"
TRAINERS = {
    "fast": FAST,
    "fast, 4 layers of width 256": FAST_AS_LARGE_AS_COURSE,
    "course, by this engine": COURSE,
}


class Training:
    """One way of training, timed; `step` returns real characters, and floating-point operations of matrix products."""

    def __init__(
        self, step: Callable[[], tuple[int, float]], model: GPT, optimizer: torch.optim.Optimizer, dtype: torch.dtype
    ) -> None:
        self.step, self.model, self.dtype = step, model, dtype
        self.updates: list[float] = []
        optimizer.register_step_pre_hook(lambda *_: self.updates.append(-time.perf_counter()))
        optimizer.register_step_post_hook(lambda *_: self.updates.append(time.perf_counter()))
        self.forget()

    def forget(self) -> None:
        """Drop what was measured so far."""
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
        # Measured in each round, since the machine's speed varies from minute to minute.
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


def operations(model: GPT, n_rows: int, width: int, n_logits: int) -> float:
    """Of a step's matrix products, forward and backward; logits are computed for `n_logits` characters."""
    pairs = width * (width + 1) / 2  # of a query and a key that it may attend to
    attention = 12 * model.config.n_embd * len(model.blocks) * n_rows * pairs
    return 6 * _weights(model.blocks) * n_rows * width + 6 * _weights(model.head) * n_logits + attention


def assignments_steps(documents: CharCorruptionDataset, seed: int) -> Training:
    """As the assignment computes it: no columns cut off, every logit, plain attention."""
    torch.manual_seed(seed)
    model = GPT(COURSE.model, len(documents.vocabulary))
    optimizer = make_optimizer(model, COURSE.pretrain)
    indices = count()

    def step() -> tuple[int, float]:
        rows = [documents[next(indices) % len(documents)] for _ in range(COURSE.pretrain.batch_size)]
        x, y = (torch.stack(column) for column in zip(*rows, strict=True))
        logits = model(x)
        loss = functional.cross_entropy(logits.view(-1, logits.size(-1)), y.view(-1), ignore_index=PAD_ID)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return int((y.flip(1).cumsum(1) > 0).sum()), operations(model, *x.shape, x.numel())

    return Training(step, model, optimizer, torch.float32)


def trainer_steps(trainer: Trainer, dtype: torch.dtype) -> Training:
    """As this project's trainer computes it."""
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


def answers_one_by_one(model: GPT, vocabulary: Vocabulary, questions: list[str]) -> float:
    """Questions per second, as the assignment answers them."""
    model.eval()
    start = time.perf_counter()
    with torch.no_grad():
        for question in questions:
            idx = torch.tensor([question_ids(question, vocabulary)])
            for _ in range(32):  # as the assignment does
                best = model(idx[:, -model.config.block_size :])[:, -1].argmax(-1, keepdim=True)
                idx = torch.cat((idx, best), dim=1)
    model.train()
    return len(questions) / (time.perf_counter() - start)


def all_kinds(corpus: Corpus, train: Path, precision: Precision) -> dict[str, Training]:
    """Every way of training that is compared, before its first step."""
    given = read_pairs(train)
    vocabulary = vocabulary_of(corpus, FAST, given)
    pairs = split_and_checked(given, FAST, vocabulary)[0].training
    documents = CharCorruptionDataset([d.text for d in corpus.documents], vocabulary, 128, COURSE.corruption)
    kinds = {AS_ASSIGNED: assignments_steps(documents, 0)}
    for name, recipe in TRAINERS.items():
        own: Precision = "float32" if recipe is COURSE else precision
        examples = examples_of("pretrain", recipe, vocabulary, corpus, None if recipe is COURSE else pairs)
        stage = recipe.pretrain
        batches = Batches(examples.dataset, stage.batch_size, shuffle=stage.shuffle, seed=0, window=stage.sort_window)
        model = new_model(recipe, vocabulary)
        trainer = Trainer(make_fabric(own), model, batches, stage, n_documents=len(documents), seed=0, precision=own)
        kinds[name] = trainer_steps(trainer, getattr(torch, own))
    return kinds


def measure(kinds: dict[str, Training], n_rounds: int, n_steps: int) -> dict[str, dict[str, Any]]:
    """Rows of results; ours take four times as many steps a round as the assignment's."""
    for name, kind in kinds.items():
        # The first steps are slower; in bfloat16 the first of every width.
        kind.measure(2 if name.startswith("course") else 32)
        kind.forget()
    for _ in range(n_rounds):
        for name, kind in kinds.items():
            kind.measure(n_steps if name.startswith("course") else 4 * n_steps)
    return {name: kind.row() for name, kind in kinds.items()}


def questions_a_second(
    course: GPT, ours: GPT, vocabulary: Vocabulary, our_vocabulary: Vocabulary, questions: list[str]
) -> dict[str, float]:
    """Medians of three rounds."""
    rates: dict[str, list[float]] = {"the assignment's way": [], "ours": []}
    for _ in range(3):
        rates["the assignment's way"].append(answers_one_by_one(course, vocabulary, questions[:10]))
        start = time.perf_counter()
        predict(ours, our_vocabulary, questions)
        rates["ours"].append(len(questions) / (time.perf_counter() - start))
    return {name: statistics.median(values) for name, values in rates.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs=3, type=Path, metavar="CORPUS TRAIN DEV")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4, help="the assignment's steps a round; ours are 4 times as many")
    parser.add_argument("--run", type=Path, help="a finished run of recipe fast")
    options = parser.parse_args()
    machine = facts()
    corpus = read_corpus(options.files[0])
    kinds = all_kinds(corpus, options.files[1], fastest_precision(FAST.model.n_embd))
    rows = measure(kinds, options.rounds, options.steps)
    questions = [item.text for item in read_pairs(options.files[2]).items]
    run = None if options.run is None else open_run(options.run)
    vocabulary = vocabulary_of(corpus, FAST, read_pairs(options.files[1]))
    ours = (kinds["fast"].model, vocabulary) if run is None else (run.model(), run.info.vocabulary)
    rates = questions_a_second(kinds[AS_ASSIGNED].model, ours[0], vocabulary, ours[1], questions)
    slow = rows[AS_ASSIGNED]["real_characters_a_second"]
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
