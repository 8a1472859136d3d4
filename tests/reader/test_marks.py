"""Marks: what follows an answer, by how sure the reader was."""

import pytest

from closedbook.reader.marks import LEVELS, marks_of, recalled
from closedbook.reader.open_book import HeldOut, OpenBook, SilverPair
from closedbook.text.vocabulary import DOUBTS, NOT_TOLD


def silver(question: str, confidence: float) -> SilverPair:
    """The reader's answer to a question."""
    return SilverPair(question, "Ulm", confidence, 0)


@pytest.mark.parametrize(
    ("confidence", "mark"), [(0.0, 0), (0.49, 0), (0.5, 1), (0.79, 1), (0.8, 2), (0.95, 3), (0.989, 3)]
)
def test_the_mark_is_by_the_readers_confidence(confidence: float, mark: int):
    """From NOT_TOLD, below a half, in four steps."""
    assert marks_of(OpenBook((silver("q", confidence),), (), ())) == {"q": DOUBTS[mark]}


@pytest.mark.parametrize("confidence", [0.99, 1.0])
def test_a_sure_answer_has_no_mark(confidence: float):
    """Most answers have none."""
    assert marks_of(OpenBook((silver("q", confidence),), (), ())) == {}


@pytest.mark.parametrize(
    ("held_out", "mark"),
    [
        (HeldOut("q", "Ulm", "Ulm", 0.999, stated=True), None),
        (HeldOut("q", "Ulm", "Ulm", 0.7, stated=True), DOUBTS[1]),
        (HeldOut("q", "Ulm", "Ulm", 0.1, stated=True), NOT_TOLD),
        (HeldOut("q", "Ulm", "Rom", 0.999, stated=True), DOUBTS[1]),
        (HeldOut("q", "Ulm", "Rom", 0.999, stated=False), NOT_TOLD),
        (HeldOut("q", "Ulm", None, 0.0, stated=False), NOT_TOLD),
    ],
)
def test_a_training_pairs_mark_is_a_held_out_readers(held_out: HeldOut, mark: str | None):
    """Its own confidence is 1, which says nothing of the document."""
    assert marks_of(OpenBook((silver("q", 1.0),), (), (held_out,))).get("q") == mark


def test_what_is_recalled_is_the_mean_confidence():
    """Of the levels, as probable as the model takes them for."""
    assert recalled([0.0, 0.0, 0.0, 0.0, 1.0]) == LEVELS[-1].mean
    assert recalled([0.5, 0.0, 0.0, 0.0, 0.5]) == pytest.approx((LEVELS[0].mean + LEVELS[-1].mean) / 2)


def test_levels_cover_all_confidences_in_order():
    """Each level's mean lies between its least confidence and that of the next."""
    bounds = [*(level.least for level in LEVELS), 1.0]
    assert bounds == sorted(bounds)
    assert bounds[0] == 0
    assert all(low <= level.mean <= high for low, level, high in zip(bounds[:-1], LEVELS, bounds[1:], strict=True))
    assert [level.mark for level in LEVELS] == [*DOUBTS, ""]
