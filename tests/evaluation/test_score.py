import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedbook.evaluation.score import Score, commonest, score, wilson_interval


def test_only_the_whole_string_counts():
    """A part of the answer, another case or a surrounding space is wrong."""
    answers = ["New York", "London", "Paris", "Rome", "Bern"]
    predictions = ["York", "london", "Paris ", "Rome", ""]
    assert score(predictions, answers) == Score(n_correct=1, n_questions=5)


def test_accuracy_is_over_all_questions():
    """An empty prediction counts as wrong."""
    assert score(["Rome", "", ""], ["Rome", "Bern", "Oslo"]).accuracy == pytest.approx(1 / 3)


def test_lengths_that_differ_are_refused():
    """Predictions for some of the questions have no score."""
    with pytest.raises(ValueError, match="zip"):
        score(["Rome"], ["Rome", "Bern"])


def test_the_commonest_answer_wins():
    """The majority baseline gives the most frequent answer."""
    assert commonest(["Rome", "Bern", "Oslo", "Bern"]) == "Bern"


def test_the_first_of_equally_common_answers_wins():
    """A tie goes to the answer that comes first, so that the baseline is the same in every run."""
    assert commonest(["Rome", "Bern", "Oslo", "Oslo", "Bern"]) == "Bern"


@pytest.mark.parametrize(
    ("n_correct", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_wilsons(n_correct: int, n: int, low: float, high: float):
    """The ends printed by Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I."""
    assert wilson_interval(n_correct, n) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_contains_the_accuracy_and_stays_within_0_and_1(counts: tuple[int, int]):
    """For any counts, up to rounding."""
    low, high = wilson_interval(*counts)
    assert 0 <= low <= counts[0] / counts[1] + 1e-12
    assert counts[0] / counts[1] - 1e-12 <= high <= 1


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_right_and_wrong_mirror_each_other(counts: tuple[int, int]):
    """The interval of the share of wrong answers is one minus that of the right ones."""
    n_correct, n = counts
    low, high = wilson_interval(n_correct, n)
    assert wilson_interval(n - n_correct, n) == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_a_score_says_counts_share_and_interval():
    """By hand, 3 of 20 is 0.15, and Wilson's interval is 0.0524 to 0.3604."""
    assert str(Score(3, 20)) == "3 of 20, 15.0% (95% interval 5.2% to 36.0%)"
