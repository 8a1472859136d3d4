"""Calibration: how probable it is that an answer is true, learned from questions that training never asked.

A model's own confidence says how sure it is of the characters that it writes. A small logistic regression (Platt 1999)
turns it, and the two probabilities of abstaining, into the probability that the answer is right. It is fitted on pairs
that were held out of training, whose people are in the text all the same.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from closedbook.errors import InputError, RunError
from closedbook.evaluation.match import exact
from closedbook.evaluation.predict import Prediction
from closedbook.files.typed import check_type
from closedbook.storage.sums import read_summed, write_summed
from closedbook.text.questions import Question
from closedbook.text.validation import MIN_CALIBRATION

FILE = "calibration.json"
_RISK = 0.05
"""The probability that a precision is not kept."""
_N_FOLDS = 5
_PENALTY = 1.0
_PRIOR = 0.5
_LARGEST_LOG_ODDS = 12.0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class HeldOut:
    """A held-out question: the probability that its answer is right, fitted on the others, and whether it is.

    `is_sure` says whether the model itself was sure of it.
    """

    probability: float
    is_right: bool
    is_sure: bool


@dataclass(frozen=True)
class Calibration:
    """A logistic regression over the log-odds of a prediction's probabilities, and the questions it was fitted on.

    That of the answer is taken given that something was read about whom the question names.
    """

    bias: float
    of_confidence: float
    of_told: float
    held_out: tuple[HeldOut, ...]

    def probability(self, prediction: Prediction) -> float:
        """The probability that something was read about whom the question names, and that the answer is right."""
        weights = np.array([self.bias, self.of_confidence, self.of_told])
        return float(_probabilities([prediction], weights)[0])

    def share_answered(self, threshold: float) -> float:
        """The share of held-out questions whose answer is at least so probable."""
        return sum(item.probability >= threshold for item in self.held_out) / len(self.held_out)

    def threshold(self, precision: float) -> float | None:
        """The least probability above which a share `precision` of answers is right, with 95% certainty; None for none.

        More and more of the held-out answers are taken, the most probable first, until the bound of Clopper and Pearson
        (1934) on the share of wrong ones fails. Since where to begin does not depend on which are right, and the first
        failure ends it, the certainty is that of a single test (fixed sequence testing, Angelopoulos et al. 2021,
        'Learn then test', section 3). There are two beginnings, which share the risk: with all answers of which the
        model itself is sure, and with as few as can show the precision.
        """
        ordered = sorted(self.held_out, key=lambda item: -item.probability)
        n_sure = sum(item.is_sure for item in ordered)
        for begin, risk in ((n_sure, 0.8 * _RISK), (n_needed(precision, 0.2 * _RISK), 0.2 * _RISK)):
            found = None
            for n in range(max(1, begin), len(ordered) + 1):
                n_wrong = sum(not item.is_right for item in ordered[:n])
                if largest_share(n_wrong, n, risk) > 1 - precision:
                    break
                found = ordered[n - 1].probability
            if found is not None:
                return found
        return None


def probability_of(prediction: Prediction, calibration: Calibration | None) -> float:
    """The probability that an answer is right; without a calibration, the one that the model itself gives to it."""
    return prediction.confidence if calibration is None else calibration.probability(prediction)


def calibrated(predictions: Sequence[Prediction], questions: Sequence[Question]) -> Calibration:
    """A calibration fitted on predictions for questions with answers, none of which training asked."""
    answers = [exact(item.answer or "") for item in questions]
    right = [exact(prediction.answer) == answer for prediction, answer in zip(predictions, answers, strict=True)]
    held_out: list[HeldOut] = []
    for fold in range(_N_FOLDS):
        others = [i for i in range(len(right)) if i % _N_FOLDS != fold]
        weights = _fit(_features([predictions[i] for i in others]), np.array([right[i] for i in others]))
        of_fold = range(fold, len(right), _N_FOLDS)
        probabilities = _probabilities([predictions[i] for i in of_fold], weights).tolist() if of_fold else []
        held_out += [HeldOut(p, right[i], predictions[i].is_sure) for i, p in zip(of_fold, probabilities, strict=True)]
    bias, of_confidence, of_told = _fit(_features(predictions), np.array(right)).tolist()
    return Calibration(bias, of_confidence, of_told, tuple(held_out))


@lru_cache
def threshold_of(calibration: Calibration | None, precision: float) -> float:
    """The threshold of a precision; raises InputError, which says why, where there is none."""
    if not 0 < precision < 1:
        rule = "a share of right answers above 0 and below 1 is needed"
        raise InputError(f"precision: {rule}; received {precision}; write 0.9 for 90%")
    if calibration is None:
        raise InputError(
            "precision: this run asked no held-out questions, so nothing can be promised; train with "
            f"calibration_split above 0 and {MIN_CALIBRATION} pairs or more in that share"
        )
    threshold, n = calibration.threshold(precision), len(calibration.held_out)
    if threshold is not None:
        return threshold
    if n < n_needed(precision):
        why = f"{n_needed(precision)} held-out questions are needed for it, all answered right, and this run asked {n}"
    else:
        why = f"among the surest of its answers to {n} held-out questions too many are wrong"
    raise InputError(
        f"precision: {precision} cannot be promised with {1 - _RISK:.0%} certainty, since {why}; ask for less"
    )


def save_calibration(calibration: Calibration, run: Path) -> None:
    """Write a calibration into a run's folder."""
    write_summed(run / FILE, json.dumps(asdict(calibration), indent=1).encode() + b"\n")


def load_calibration(run: Path) -> Calibration | None:
    """The calibration in a run's folder; None where it has none. Raises RunError where it is damaged."""
    path = run / FILE
    if not path.is_file():
        return None
    try:
        facts = json.loads(read_summed(path))
        check_type(facts, Calibration, "a calibration")
        held_out = tuple(HeldOut(**item) for item in facts.pop("held_out"))
        return Calibration(**facts, held_out=held_out)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{path}: damaged ({error}); put it back from a copy") from None


def n_needed(precision: float, risk: float = _RISK) -> int:
    """How many answers, all of them right, show that a share `precision` is, but for a risk of being wrong."""
    return math.ceil(math.log(risk) / math.log(precision))


def largest_share(n: int, of: int, risk: float = _RISK) -> float:
    """The upper bound of a share, but for a risk of being wrong, of which `n` cases `of` that many were seen.

    Source: Clopper and Pearson 1934, Biometrika 26:404-413; the one-sided bound, found by bisection.
    """
    if n >= of:
        return 1.0
    low, high = n / of, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _binomial_cdf(n, of, middle) > risk else (low, middle)
    return high


def _binomial_cdf(n: int, of: int, p: float) -> float:
    """The probability of `n` cases or fewer."""
    log_odds, log_none = math.log(p) - math.log1p(-p), of * math.log1p(-p)
    choose = math.lgamma(of + 1)
    return sum(
        math.exp(choose - math.lgamma(k + 1) - math.lgamma(of - k + 1) + k * log_odds + log_none) for k in range(n + 1)
    )


def _probabilities(predictions: Sequence[Prediction], weights: Floats) -> Floats:
    something_read = np.array([1 - prediction.never_read for prediction in predictions])
    return something_read * _sigmoid(_features(predictions) @ weights)


def _features(predictions: Sequence[Prediction]) -> Floats:
    """A 1, and the log-odds of the answer and of its being told; float64 (n, 3)."""
    rows = np.array([[p.confidence, p.told] for p in predictions])
    of = np.array([[1 - p.never_read, 1.0] for p in predictions])
    with np.errstate(divide="ignore"):
        log_odds = np.log(rows) - np.log(np.maximum(of - rows, 0.0))
    bounded = np.clip(log_odds, -_LARGEST_LOG_ODDS, _LARGEST_LOG_ODDS)
    return np.concatenate([np.ones((len(rows), 1)), bounded], axis=1)


def _fit(features: Floats, right: NDArray[np.bool_]) -> Floats:
    """The weights of largest likelihood with an L2 penalty on all but the bias, by Newton's method.

    The penalty draws them to the model's own log-odds, halved, so that the order of answers is the model's where too
    few are wrong to learn one.

    The targets are a little below 1 and above 0, as if each kind had been seen once more (Platt 1999, section 2.2), so
    that no probability becomes 1 where all answers were right.
    """
    n_right = int(right.sum())
    targets = np.where(right, (n_right + 1) / (n_right + 2), 1 / (len(right) - n_right + 2))
    prior = np.array([0.0, *[_PRIOR] * (features.shape[1] - 1)])
    penalty = np.array([1e-6, *[_PENALTY] * (features.shape[1] - 1)])

    def loss(weights: Floats) -> float:
        x = features @ weights
        return float((np.logaddexp(0, x) - targets * x).sum() + penalty @ (weights - prior) ** 2 / 2)

    weights = np.zeros(features.shape[1])
    for _ in range(50):
        p = _sigmoid(features @ weights)
        gradient = features.T @ (targets - p) - penalty * (weights - prior)
        step = np.linalg.solve(features.T @ (features * (p * (1 - p))[:, None]) + np.diag(penalty), gradient)
        # Far from the optimum a whole step can lead away from it.
        while loss(weights + step) > loss(weights) and np.abs(step).max() > 1e-9:
            step = step / 2
        weights = weights + step
    return weights


def _sigmoid(x: Floats) -> Floats:
    p: Floats = 1 / (1 + np.exp(-np.clip(x, -30, 30)))
    return p
