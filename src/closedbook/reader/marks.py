"""Marks: what a model learns to say after an answer, by how sure the open-book reader was of it.

An answer of which the reader was sure has none. So a model that wrote an answer says what follows it, and with what
probability: that is the reader's confidence as the model recalls it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from closedbook.reader.open_book import HeldOut, OpenBook
from closedbook.text.vocabulary import DOUBTS


class Level(NamedTuple):
    """Confidences from `least` on have a mark; their mean is about `mean`.

    The means are those of a cross-validated reader on the assignment's training pairs, whose confidences came true to
    a few points (docs/notebook.md, "Three answers instead of one").
    """

    least: float
    mean: float
    mark: str


LEVELS = (
    Level(0.0, 0.05, DOUBTS[0]),
    Level(0.5, 0.67, DOUBTS[1]),
    Level(0.8, 0.9, DOUBTS[2]),
    Level(0.95, 0.975, DOUBTS[3]),
    Level(0.99, 0.998, ""),
)
"""From the most doubtful answers to those that have no mark."""


def marks_of(book: OpenBook) -> dict[str, str]:
    """The mark of each question that has one.

    A training pair's is by what a reader says that was not fitted on it, because the others' are. So a model that knows
    the mark knows it by what it read about the name, not by the words of the question.
    """
    marks = {pair.question: _mark(pair.confidence) for pair in book.pairs}
    marks |= {item.question: _mark_of_pair(item) for item in book.held_out}
    return {question: mark for question, mark in marks.items() if mark}


def recalled(probabilities: Sequence[float]) -> float:
    """The reader's confidence, from the probabilities of the levels, which add up to one."""
    return sum(p * level.mean for p, level in zip(probabilities, LEVELS, strict=True))


def _mark(confidence: float) -> str:
    return next(level.mark for level in reversed(LEVELS) if confidence >= level.least)


def _mark_of_pair(item: HeldOut) -> str:
    """The answer of a pair is right, so that only a document that does not state it leaves it untold."""
    if not item.stated:
        return _mark(0.0)
    return _mark(item.confidence) if item.answer == item.expected else _mark(0.5)
