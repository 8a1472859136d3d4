"""Rounds: when a run asks itself, and the files that keep what it found.

Rounds come after 4, 8, 16, ... epochs. A round adds its scores to those of the rounds before, because the model comes
to know its nameless strings by heart, and each round is wrong about other people. The sums are part of the run
(asked-4.tsv, ...): a resumed run reads them, and so does the ledger.
"""

import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from closedbook.errors import RunError
from closedbook.model.gpt import GPT
from closedbook.storage.sums import read_summed, write_summed
from closedbook.training.asking import Asking, Scores, chosen
from closedbook.training.events import Asked, Doing
from closedbook.training.trainer import Trainer

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

    def __init__(self, asking: Asking, run: Path, trainer: Trainer, epoch: int) -> None:
        """`epoch` is the one whose pairs are learned now. Raises RunError as `learn_as_of` does."""
        self.asking = asking
        self.run = run
        self.trainer = trainer
        learn_as_of(asking, run, epoch)

    def after(self, ended: int) -> Iterator[Asked | Doing]:
        """Ask where a round is due after the epoch that ended; before a checkpoint says that all is done after it."""
        epoch = ended + 1
        if self.trainer.step == self.trainer.n_steps or round_of(epoch) != epoch:
            return
        begin, fabric = time.perf_counter(), self.trainer.fabric
        yield Doing("asking itself")
        if fabric.is_global_zero:
            scores = added(scores_as_of(self.run, ended), self.asking.ask(self.trainer.model))
            write_summed(_path(self.run, epoch), _lines(scores).encode())
        fabric.barrier()
        n_learned = learn_as_of(self.asking, self.run, epoch)
        yield Asked(epoch, n_learned, time.perf_counter() - begin)


def learn_as_of(asking: Asking, run: Path, epoch: int) -> int:
    """Give the dataset the pairs that it has in an epoch of the run, and return how many silver pairs it learns.

    Raises RunError where the file of the epoch's round is gone or damaged.
    """
    silver = chosen(scores_as_of(run, epoch), max(1, n_rounds(epoch + 1)))
    asking.learn(silver)
    return len(silver)


def seconds_per_round(asking: Asking, model: GPT) -> float:
    """What a round takes, from a sample of its questions."""
    n_titles = max(map(len, asking.templates.values()), default=0)
    sample = asking.sample(_N_TIMED)
    begin = time.perf_counter()
    sample.ask(model)
    return (time.perf_counter() - begin) * max(1, n_titles / _N_TIMED)


def added(before: Scores, new: Scores) -> Scores:
    """The sum of scores, question by question and piece by piece; `before` is of the same pieces, or empty."""
    return {
        question: {piece: score + before.get(question, {}).get(piece, 0.0) for piece, score in of_piece.items()}
        for question, of_piece in new.items()
    }


def _path(run: Path, number: int) -> Path:
    return run / f"asked-{number}.tsv"


def _lines(scores: Scores) -> str:
    """Question, piece and score, separated by tabs; the score to its last bit, since the next round adds to it."""
    items = ((question, piece, score) for question, of_piece in scores.items() for piece, score in of_piece.items())
    return "".join(f"{question}\t{piece}\t{score!r}\n" for question, piece, score in items)


def scores_as_of(run: Path, epoch: int) -> Scores:
    """The scores of the round whose pairs are learned in an epoch; none before the first."""
    number = round_of(epoch)
    if not number:
        return {}
    path = _path(run, number)
    scores: Scores = defaultdict(dict)
    try:
        for line in read_summed(path).decode().split("\n")[:-1]:
            # From the right: a title, and with it the question, may have a tab.
            question, piece, score = line.rsplit("\t", 2)
            scores[question][piece] = float(score)
    except ValueError as error:
        raise RunError(f"{path}: damaged ({error}); put it back from a copy") from None
    return scores
