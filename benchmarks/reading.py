"""Time and memory of what surrounds the training steps: reading, preparing, making batches, counting exposures.

    python benchmarks/reading.py 10000 100000 > benchmarks/results/reading.json

For each number of people, in a process of its own, the built-in world with one line each, 500 of whom are asked about
in training. `cpu_seconds` leave out what other programs took; `resident_mib` is the memory after a part, and
`peak_growth_mib` is by how much the part raised the largest memory so far. Making the examples includes the reader,
which is measured alone before it.
"""

import argparse
import gc
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import Any, TypeVar

from closedbook.analysis.ledger.counts import Ledger, replay
from closedbook.examples.batches import Batches, Position
from closedbook.examples.datasets import EpochDataset
from closedbook.reader.open_book import read_open_book
from closedbook.recipe.recipe import FAST
from closedbook.text.documents import Corpus, read_corpus
from closedbook.text.links import Fact, link
from closedbook.text.questions import Questions, read_pairs
from closedbook.training.inputs import vocabulary_of
from closedbook.training.mixture import examples_of
from closedbook.world.world import WorldConfig, WorldFiles, write_world
from machine import facts
from runner import print_result

N_ASKED = 500
RECIPE = replace(FAST, precision="float32")

Value = TypeVar("Value")


class Parts:
    """What each part took."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, float]] = {}
        self.peak = peak_mib()

    def __call__(self, name: str, part: Callable[[], Value]) -> Value:
        wall, cpu = time.perf_counter(), time.process_time()
        value = part()
        seconds = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
        gc.collect()
        memory = {"resident_mib": resident_mib(), "peak_growth_mib": peak_mib() - self.peak}
        self.rows[name] = {what: round(figure, 2) for what, figure in (seconds | memory).items()}
        self.peak = peak_mib()
        return value


def peak_mib() -> float:
    return getrusage(RUSAGE_SELF).ru_maxrss / 1024


def resident_mib() -> float:
    status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def characters_of_epoch(dataset: EpochDataset) -> int:
    """Make an epoch's batches as training does, and count their characters as `StepReport.n_characters` does."""
    stage = RECIPE.pretrain
    batches = Batches(dataset, stage.batch_size, shuffle=stage.shuffle, seed=RECIPE.seed, window=stage.sort_window)
    return sum(int((batch.y.flip(1).cumsum(1) > 0).sum()) for batch in batches.epoch(Position(0, 0)))


def linked(pairs: Questions, corpus: Corpus) -> list[Fact]:
    return link(pairs.items, corpus.texts)


def measured(n_people: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        files = write_world(world_config(n_people), Path(folder) / "world")
        gc.collect()
        return {"people": n_people, "before_mib": round(peak_mib()), **measured_files(files)}


def measured_files(files: WorldFiles) -> dict[str, Any]:
    part = Parts()
    corpus = part("read the corpus", lambda: read_corpus(files.corpus))
    train, dev = read_pairs(files.train), read_pairs(files.dev)
    vocabulary = part("vocabulary and words", lambda: vocabulary_of(corpus, RECIPE, train))
    n_silver = part("open-book reader", lambda: len(read_open_book(corpus, train, RECIPE.seed).pairs))
    examples = part("examples", lambda: examples_of("pretrain", RECIPE, vocabulary, corpus, train))
    n_characters = part("an epoch of batches", lambda: characters_of_epoch(examples.dataset))
    known = part("facts of the dev pairs", lambda: linked(dev, corpus))
    part("their exposures in an epoch", lambda: replay(examples.dataset, Ledger(known), 0))
    return {
        "corpus_mib": round(files.corpus.stat().st_size / 2**20, 1),
        "words": len(vocabulary.words),
        "silver_pairs": n_silver,
        "parts": part.rows,
        "peak_mib": round(peak_mib()),
        "characters_a_cpu_second": round(n_characters / part.rows["an epoch of batches"]["cpu_seconds"]),
    }


def world_config(n_people: int) -> WorldConfig:
    """The people of `benchmarks/world.py scale`."""
    share = N_ASKED / n_people
    splits = {"train": share, "dev": min(share, 0.1), "test": 0.0, "withheld": 0.0}
    return WorldConfig(n_people=n_people, documents=1, attributes=("birthplace",), **splits)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("people", type=int, nargs="+")
    options = parser.parse_args()
    machine = facts()
    own = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=own, max_tasks_per_child=1) as processes:
        print_result({"sizes": list(processes.map(measured, options.people))}, machine)


if __name__ == "__main__":
    main()
