from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from closedbook.text.questions import Question, Questions
from closedbook.text.validation import MIN_CALIBRATION, split_pairs, validation_split

Fault = Callable[..., AbstractContextManager[None]]


def two_answers_each(n: int) -> Questions:
    """Pairs of n questions, each with two answers."""
    items = [Question(f"Who is {number}?", answer, 1) for answer in ("Ada", "Zoe") for number in range(n)]
    return Questions(Path("pairs.tsv"), tuple(items))


@pytest.mark.parametrize(("share", "n_validation"), [(0.1, 2), (0.5, 8), (0.9, 15)])
def test_a_share_of_the_questions_is_for_validation(share: float, n_validation: int):
    """All pairs of a question are on one side, every pair is on one, and both keep the file's order."""
    pairs = two_answers_each(17)
    training, validation = validation_split(pairs, share, seed=3)
    assert validation is not None
    questions = {item.text for item in validation.items}
    assert len(questions) == n_validation
    assert validation.items == tuple(item for item in pairs.items if item.text in questions)
    assert training.items == tuple(item for item in pairs.items if item.text not in questions)
    assert training.path == validation.path == pairs.path


def test_a_share_of_zero_is_no_validation():
    """All pairs are training pairs, and there are no validation pairs."""
    assert validation_split(two_answers_each(5), 0.0, seed=3) == (two_answers_each(5), None)


def test_the_split_depends_on_seed_and_question():
    """Another order draws the same questions, a greater share draws these and more, another seed draws others."""

    def drawn(pairs: Questions, share: float, seed: int) -> set[str]:
        _, validation = validation_split(pairs, share, seed)
        assert validation is not None
        return {item.text for item in validation.items}

    pairs = two_answers_each(19)
    backwards = Questions(pairs.path, pairs.items[::-1])
    assert drawn(backwards, 0.3, 3) == drawn(pairs, 0.3, 3)
    assert drawn(pairs, 0.3, 3) < drawn(pairs, 0.5, 3)
    assert drawn(pairs, 0.3, 4) != drawn(pairs, 0.3, 3)


@pytest.mark.parametrize(("share", "what"), [(0.05, "0 of its 7 questions"), (0.95, "7 of its 7 questions")])
def test_a_share_that_leaves_one_side_empty_is_refused(share: float, what: str, fault: Fault):
    """Training and validation need at least one question each."""
    with fault(Path("pairs.tsv"), None, f"validation_split {share} is {what}", "another validation_split"):
        validation_split(two_answers_each(7), share, seed=3)


def test_calibration_pairs_are_a_share_of_the_others():
    """Validation and calibration pairs are apart, and what is left is trained on."""
    pairs = two_answers_each(100)
    split = split_pairs(pairs, 0.2, 0.3, seed=1)
    assert split.validation == validation_split(pairs, 0.2, 1)[1]
    assert split.validation is not None
    assert split.calibration is not None
    parts = [part.items for part in (split.training, split.validation, split.calibration)]
    assert [len(part) for part in parts] == [2 * 56, 2 * 20, 2 * 24]
    assert {item for part in parts for item in part} == set(pairs.items)


@pytest.mark.parametrize(("n", "share"), [(5, 0.9), (100, 0.1), (100, 0.0)])
def test_too_few_calibration_pairs_are_trained_on(n: int, share: float):
    """Fewer than 20 teach nothing."""
    split = split_pairs(two_answers_each(n), 0.0, share, seed=1)
    assert round(n * share) < MIN_CALIBRATION
    assert (split.training, split.calibration) == (two_answers_each(n), None)


def test_a_split_that_holds_out_more_holds_out_the_same():
    """What a run without validation split calibrates on is held out by a run with one, if its shares add up to more."""
    pairs = two_answers_each(200)
    one, other = split_pairs(pairs, 0.0, 0.1, seed=1), split_pairs(pairs, 0.1, 0.2, seed=1)
    assert one.calibration is not None
    assert not {*one.calibration.items} & {*other.training.items}
