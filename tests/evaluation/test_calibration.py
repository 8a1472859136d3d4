"""Calibration: probabilities that come true, and precisions that hold as often as they promise."""

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedbook.errors import InputError, RunError
from closedbook.evaluation.calibration import (
    FILE,
    Calibration,
    HeldOut,
    calibrated,
    largest_share,
    load_calibration,
    n_needed,
    save_calibration,
    threshold_of,
)
from closedbook.evaluation.predict import Prediction
from closedbook.text.questions import Question


def drawn(n: int, seed: int, slope: float = 0.5, shift: float = -1.0) -> tuple[list[Prediction], list[Question]]:
    """Predictions whose answers are right with log-odds `slope` times those of the confidence, plus `shift`."""
    random = np.random.default_rng(seed)
    log_odds = random.normal(2, 2, n)
    right = random.random(n) < 1 / (1 + np.exp(-(slope * log_odds + shift)))
    predictions = [Prediction("q", "Ulm", float(1 / (1 + math.exp(-x))), True) for x in log_odds]
    return predictions, [Question("q", "Ulm" if is_right else "Rom", 1) for is_right in right]


def test_probabilities_are_those_that_answers_were_drawn_with():
    """Log-odds half as large and lower by one than the model's are found from 20,000 answers."""
    calibration = calibrated(*drawn(20_000, seed=1))
    assert calibration.of_confidence == pytest.approx(0.5, abs=0.03)
    # All answers have the largest log-odds of being told, 12, which adds to the bias.
    assert calibration.bias + 12 * calibration.of_told == pytest.approx(-1.0, abs=0.1)
    confidence = 1 / (1 + math.exp(-4))
    assert calibration.probability(Prediction("q", "a", confidence, True)) == pytest.approx(
        1 / (1 + math.exp(-1)), abs=0.02
    )


def test_what_was_never_read_about_lowers_the_probability_in_proportion():
    """The same answer, with half of the probability left for it, has half the probability of being right."""
    calibration = calibrated(*drawn(500, seed=2))
    read = calibration.probability(Prediction("q", "a", 0.8, True, 0.0, 0.9))
    assert calibration.probability(Prediction("q", "a", 0.4, True, 0.5, 0.9)) == pytest.approx(read / 2)


@given(confidence=st.floats(0, 1), never=st.floats(0, 1), told=st.floats(0, 1))
def test_every_prediction_has_a_probability(confidence: float, never: float, told: float):
    """Also where rounding lets the probabilities add up to more than one."""
    calibration = Calibration(0.3, 1.0, 0.5, ())
    assert 0 <= calibration.probability(Prediction("q", "a", confidence, True, never, told)) <= 1


def test_no_probability_is_certain_where_all_held_out_answers_were_right():
    """Thirty right answers of thirty make the next one right with 31 of 32, as Platt's targets have it."""
    predictions = [Prediction("q", "Ulm", 0.99, True)] * 30
    calibration = calibrated(predictions, [Question("q", "Ulm", 1)] * 30)
    assert calibration.probability(predictions[0]) == pytest.approx(31 / 32, abs=1e-3)


def test_the_order_is_the_models_own_where_no_held_out_answer_is_wrong():
    """A less confident answer, or one that the reader doubted, is less probable."""
    predictions = [Prediction("q", "Ulm", 0.9 + n / 1000, True, 0.0, 0.998) for n in range(60)]
    calibration = calibrated(predictions, [Question("q", "Ulm", 1)] * 60)
    sure = calibration.probability(Prediction("q", "Ulm", 0.95, True, 0.0, 0.998))
    assert calibration.probability(Prediction("q", "Ulm", 0.5, True, 0.0, 0.998)) < sure
    assert calibration.probability(Prediction("q", "Ulm", 0.95, True, 0.0, 0.5)) < sure


def test_held_out_probabilities_are_fitted_without_the_answer_itself():
    """One wrong answer among right ones of the same confidence is as probable as those of its fold."""
    predictions = [Prediction("q", "Ulm", 0.9, True)] * 40
    questions = [Question("q", "Ulm" if number else "Rom", 1) for number in range(40)]
    held_out = calibrated(predictions, questions).held_out
    wrong = next(item for item in held_out if not item.is_right)
    others = [item.probability for item in held_out if item.is_right]
    assert len(others) == 39
    # The seven others of its fold were fitted on the same answers, the rest on these and the wrong one.
    assert sorted(others, reverse=True)[:7] == [wrong.probability] * 7
    assert max(sorted(others)[:32]) < wrong.probability


@pytest.mark.parametrize(("n", "of"), [(0, 59), (1, 93), (3, 40), (17, 20)])
def test_the_largest_share_is_the_one_that_so_few_cases_make_improbable(n: int, of: int):
    """At the bound n cases or fewer have a probability of 5%, computed exactly."""
    p = Fraction(largest_share(n, of))
    probability = sum(math.comb(of, k) * p**k * (1 - p) ** (of - k) for k in range(n + 1))
    assert float(probability) == pytest.approx(0.05, abs=1e-9)


def test_the_largest_share_of_all_is_one():
    """Where every case was seen there is no smaller bound."""
    assert largest_share(7, 7) == 1.0


@pytest.mark.parametrize(("precision", "risk"), [(0.95, 0.05), (0.9, 0.05), (0.99, 0.01)])
def test_as_many_right_answers_as_a_precision_needs_show_it(precision: float, risk: float):
    """And one fewer do not."""
    n = n_needed(precision, risk)
    assert largest_share(0, n, risk) <= 1 - precision < largest_share(0, n - 1, risk)


@pytest.mark.parametrize("share_sure", [0.0, 0.5, 1.0])
def test_a_precision_holds_as_often_as_it_promises(share_sure: float):
    """In 95 of 100 draws or more, the answers above the threshold are right as often as asked for."""
    n_broken = n_found = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        probabilities = random.beta(9, 1, 200)
        right = (random.random(200) < probabilities).tolist()
        held_out = [HeldOut(p, r, p > 1 - share_sure) for p, r in zip(probabilities.tolist(), right, strict=True)]
        threshold = Calibration(0.0, 1.0, 0.0, tuple(held_out)).threshold(0.9)
        others = random.beta(9, 1, 20_000)
        n_found += threshold is not None
        n_broken += threshold is not None and others[others >= threshold].mean() < 0.9
    assert n_found > 20
    assert n_broken <= 0.05 * 200 + 2 * math.sqrt(200 * 0.05 * 0.95)


def test_a_threshold_takes_the_most_answers_that_hold():
    """Of 200 answers the last 20 are wrong, and the model is sure of 150: 95% hold until four are wrong."""
    held_out = tuple(HeldOut(1 - number / 1000, number < 180, number < 150) for number in range(200))
    calibration = Calibration(0.0, 1.0, 0.0, held_out)
    threshold = calibration.threshold(0.95)
    assert threshold == held_out[182].probability
    assert largest_share(3, 183, 0.04) <= 0.05 < largest_share(4, 184, 0.04)
    assert calibration.share_answered(threshold) == 183 / 200


def test_a_model_that_is_sure_of_too_much_is_tested_on_the_most_probable_answers():
    """Sure of all 200, of which a fifth are wrong, it still answers the most probable ones."""
    held_out = tuple(HeldOut(1 - number / 1000, number < 160, is_sure=True) for number in range(200))
    threshold = Calibration(0.0, 1.0, 0.0, held_out).threshold(0.95)
    assert threshold is not None
    n = sum(item.probability >= threshold for item in held_out)
    assert largest_share(n - 160, n, 0.01) <= 0.05 < largest_share(n - 159, n + 1, 0.01)


@pytest.mark.parametrize(
    ("calibration", "precision", "message"),
    [
        (None, 0.9, "this run asked no held-out questions"),
        (
            Calibration(0.0, 1.0, 0.0, (HeldOut(0.9, True, True),) * 50),
            0.95,
            "59 held-out questions are needed .* asked 50",
        ),
        (
            Calibration(0.0, 1.0, 0.0, (HeldOut(0.9, False, True),) * 200),
            0.95,
            "200 held-out questions too many are wrong",
        ),
        (None, 1.0, "below 1 is needed; received 1.0"),
        (None, 0.0, "above 0 and below 1 is needed; received 0.0; write 0.9 for 90%"),
    ],
)
def test_a_precision_that_cannot_be_promised_says_why(calibration: Calibration | None, precision: float, message: str):
    """One line names the reason."""
    with pytest.raises(InputError, match=message):
        threshold_of(calibration, precision)


def test_a_saved_calibration_comes_back(tmp_path: Path):
    """To the last bit; a folder without one has none."""
    calibration = calibrated(*drawn(50, seed=3))
    assert load_calibration(tmp_path) is None
    save_calibration(calibration, tmp_path)
    assert load_calibration(tmp_path) == calibration


@pytest.mark.parametrize("content", ["", "[]", "{}", json.dumps({"held_out": [1]})])
def test_a_damaged_calibration_names_its_file(tmp_path: Path, content: str):
    """Whatever is wrong with the JSON."""
    (tmp_path / FILE).write_text(content)
    with pytest.raises(RunError, match=f"{FILE}: damaged"):
        load_calibration(tmp_path)
