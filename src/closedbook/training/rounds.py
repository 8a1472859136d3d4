"""Rounds: when a run asks itself, and the files that keep the pairs that it learns from then on.

Rounds come after 4, 8, 16, ... epochs. The pairs of a round are part of the run (asked-4.tsv, ...): a resumed run reads
them, and so does the ledger.
"""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from closedbook.errors import RunError
from closedbook.files.durable import read_bytes, write_atomically
from closedbook.model.gpt import GPT
from closedbook.reader.open_book import SilverPair
from closedbook.text.questions import Question
from closedbook.training.asking import Asking
from closedbook.training.events import Asked
from closedbook.training.trainer import StepReport, Trainer

MIN_CONFIDENCE = 0.5
"""A silver pair is learned if the model holds it likelier than not."""

_FIRST = 4
_N_TIMED = 64


def round_of(epoch: int) -> int:
    """The epoch at whose start the pairs that are learned in `epoch` were chosen; 0 where none were yet."""
    return 0 if epoch < _FIRST else 1 << (epoch.bit_length() - 1)


def n_rounds(n_epochs: int) -> int:
    """How many rounds `n_epochs` epochs have."""
    return len({round_of(epoch) for epoch in range(n_epochs)} - {0})


class Rounds:
    """The rounds of a run, whose trainer trains on the dataset of `asking`."""

    def __init__(self, asking: Asking, run: Path, trainer: Trainer) -> None:
        """Raises RunError as `learn_as_of` does."""
        self.asking = asking
        self.run = run
        self.trainer = trainer
        learn_as_of(asking, run, trainer.position.epoch)

    def after(self, report: StepReport) -> Iterator[Asked]:
        """Ask where a round is due after this step; before the step is saved, so that a checkpoint has its pairs."""
        epoch = report.epoch + 1
        if not report.ends_epoch or report.step == report.n_steps or round_of(epoch) != epoch:
            return
        begin, fabric = time.perf_counter(), self.trainer.fabric
        if fabric.is_global_zero:
            chosen = [pair for pair in self.asking.ask(self.trainer.model) if pair.confidence > MIN_CONFIDENCE]
            write_atomically(_path(self.run, epoch), silver_lines(chosen).encode())
        fabric.barrier()
        n_learned = learn_as_of(self.asking, self.run, epoch)
        yield Asked(epoch, n_learned, time.perf_counter() - begin)


def learn_as_of(asking: Asking, run: Path, epoch: int) -> int:
    """Give the dataset the pairs that it has in an epoch of the run, and return how many silver pairs it learns.

    Raises RunError where the file of the epoch's round is gone or damaged.
    """
    number = round_of(epoch)
    silver = _read(_path(run, number)) if number else []
    asking.learn(silver)
    return len(silver)


def seconds_per_round(asking: Asking, model: GPT) -> float:
    """What a round takes, from a sample of its questions."""
    n_titles = max(map(len, asking.templates.values()), default=0)
    sample = asking.sample(_N_TIMED)
    begin = time.perf_counter()
    sample.ask(model)
    return (time.perf_counter() - begin) * max(1, n_titles / _N_TIMED)


def silver_lines(pairs: Iterable[SilverPair]) -> str:
    """Silver pairs as lines of question, answer and confidence, separated by tabs."""
    return "".join(f"{pair.question}\t{pair.answer}\t{pair.confidence:.3f}\n" for pair in pairs)


def _path(run: Path, number: int) -> Path:
    return run / f"asked-{number}.tsv"


def _read(path: Path) -> list[Question]:
    lines = read_bytes(path).decode().split("\n")[:-1]
    # From the right: a title, and with it the question, may have a tab.
    fields = [line.rsplit("\t", 2) for line in lines]
    if any(len(of_line) != 3 for of_line in fields):
        raise RunError(f"{path}: damaged; put it back from a copy")
    return [Question(question, answer, line) for line, (question, answer, _) in enumerate(fields, 1)]
