"""Confidence: AUROC, calibration error and risk by coverage, each by its definition."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedbook.evaluation.calibration import Calibration
from closedbook.evaluation.confidence import Confidence, auroc, confidence_of
from closedbook.evaluation.confidence_figure import draw_confidence
from closedbook.evaluation.predict import Prediction
from closedbook.evaluation.unknown import State
from closedbook.figures.pictures import as_png
from closedbook.figures.style import SMALLEST_TEXT, smallest_text

items = st.lists(st.tuples(st.sampled_from([0.1, 0.3, 0.5, 0.9]), st.booleans()), min_size=1, max_size=30)


def confidence(answers: list[tuple[float, bool]], states: list[State] | None = None) -> Confidence:
    """The confidence of answers with these probabilities, right or wrong."""
    known: list[State] = ["known"] * len(answers)
    return Confidence(
        tuple(p for p, _ in answers), tuple(right for _, right in answers), tuple(states or known), is_calibrated=True
    )


@given(items)
def test_auroc_is_the_share_of_pairs_in_order(answers: list[tuple[float, bool]]):
    """Each right answer is compared with each wrong one; a tie counts half."""
    right, wrong = ([p for p, is_right in answers if is_right == wanted] for wanted in (True, False))
    pairs = [(p > q) + (p == q) / 2 for p, q in product(right, wrong)]
    found = auroc([p for p, _ in answers], [is_right for _, is_right in answers])
    assert found == (pytest.approx(sum(pairs) / len(pairs)) if pairs else None)


@given(items)
def test_bins_hold_every_answer_once(answers: list[tuple[float, bool]]):
    """Ten bins, or one an answer where there are fewer, in the order of the probabilities, all about as large."""
    bins = confidence(answers).bins()
    sizes = [item.score.n_questions for item in bins]
    assert len(bins) == min(10, len(answers))
    assert sum(sizes) == len(answers)
    assert max(sizes) - min(sizes) <= 1
    assert [item.probability for item in bins] == sorted(item.probability for item in bins)
    assert sum(item.score.n_correct for item in bins) == sum(right for _, right in answers)


def test_the_calibration_error_weighs_bins_by_their_answers():
    """Ten answers of 90%, of which nine are right, are off by nothing; ten of 60%, all right, by 40 points."""
    exact = [(0.9, True)] * 9 + [(0.9, False)]
    # In bins of two, the ten of 90% are off by 10 points four times, and by 40 once.
    assert confidence([(0.6, True)] * 10).calibration_error == pytest.approx(0.4)
    assert confidence([(0.6, True)] * 10 + exact).calibration_error == pytest.approx((0.4 + (4 * 0.1 + 0.4) / 5) / 2)


def test_risk_counts_the_wrong_among_the_surest():
    """What the model says it does not know comes last, however probable the answer."""
    answers = [(0.9, True), (0.8, False), (0.99, False), (0.7, True)]
    curve = confidence(answers, ["known", "known", "never read", "known"]).risk_by_coverage()
    assert curve == [(0.25, 0.0), (0.5, 0.5), (0.75, pytest.approx(1 / 3)), (1.0, 0.5)]


def test_the_lines_say_what_is_known_and_how_sure():
    """How many it says it knows, the wrong ones among these, and both kinds of not knowing."""
    answers = [(0.9, True), (0.8, False), (0.2, False), (0.1, False)]
    known, sure = confidence(answers, ["known", "known", "never read", "not told"]).lines()
    assert known == "says it knows 2 of 4 (50.0%), 50.0% of these wrong; never read about 1; not told 1"
    assert sure == "confidence: right against wrong: AUROC 1.000; calibration error 30.0% (ECE, 10 bins)"


def test_a_model_that_knows_nothing_says_so():
    """Then there is no share of wrong ones, and no AUROC without a right answer."""
    lines = confidence([(0.5, False)], ["never read"]).lines()
    assert lines[0] == "says it knows 0 of 1 (0.0%); never read about 1; not told 0"
    assert "AUROC" not in lines[1]


def test_a_model_without_calibration_is_ranked_by_its_own_confidence():
    """It has no lines about it, since its confidence promises nothing."""
    predictions = [Prediction("q", "Ulm", 0.7, True)]
    plain = confidence_of(predictions, [True], None)
    assert (plain.probabilities, plain.right, plain.lines()) == ((0.7,), (True,), [])
    of_calibration = confidence_of(predictions, [True], Calibration(0.0, 0.0, 0.0, ()))
    assert of_calibration.probabilities == (0.5,)


@pytest.mark.parametrize("n", [1, 5, 200])
def test_the_figure_is_drawn_for_any_number_of_answers(n: int):
    """The same bytes each time, no warning, and text that can be read where a forge shows the figure."""
    answers = [(k / (n + 1), k % 3 > 0) for k in range(n)]
    states: list[State] = ["never read" if k % 5 == 1 else "known" for k in range(n)]
    assert as_png(draw_confidence(confidence(answers, states))) == as_png(draw_confidence(confidence(answers, states)))
    assert smallest_text(draw_confidence(confidence(answers, states))) >= SMALLEST_TEXT
