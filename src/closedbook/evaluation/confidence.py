"""Confidence: whether a model knows what it knows, over questions whose answers are known to us.

Answers are ranked by the probability that they are right: the calibrated one where the run has a calibration, else the
probability that the model itself gives to the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from closedbook.evaluation.calibration import Calibration, probability_of
from closedbook.evaluation.predict import Prediction
from closedbook.evaluation.score import Score
from closedbook.evaluation.unknown import State

N_BINS = 10


class Bin(NamedTuple):
    """Answers of about the same probability: the mean of it, and how many of them are right."""

    probability: float
    score: Score


@dataclass(frozen=True)
class Confidence:
    """The probability of each answer, whether it is right, and the state that the model gives."""

    probabilities: tuple[float, ...]
    right: tuple[bool, ...]
    states: tuple[State, ...]
    is_calibrated: bool

    @property
    def known(self) -> Score:
        """How many of the answers that the model says it knows are right."""
        of = [right for right, state in zip(self.right, self.states, strict=True) if state == "known"]
        return Score(sum(of), len(of))

    @property
    def auroc(self) -> float | None:
        """The share of pairs of a right and a wrong answer in which the right one is more probable; None without any.

        Half of a tie counts. This is the area under the ROC curve (Hanley and McNeil 1982).
        """
        return auroc(self.probabilities, self.right)

    @property
    def calibration_error(self) -> float:
        """The expected calibration error over ten bins of as many answers each (Naeini et al. 2015; Nguyen 2015)."""
        error = sum(abs(item.probability - item.score.accuracy) * item.score.n_questions for item in self.bins())
        return error / len(self.right)

    def bins(self) -> list[Bin]:
        """Ten bins of as many answers each, the least probable first; fewer where there are fewer answers."""
        order = np.argsort(self.probabilities, kind="stable")
        parts = np.array_split(order, min(N_BINS, len(order)))
        probabilities, right = np.array(self.probabilities), np.array(self.right)
        return [Bin(float(probabilities[part].mean()), Score(int(right[part].sum()), len(part))) for part in parts]

    def risk_by_coverage(self) -> list[tuple[float, float]]:
        """For the most probable answer, the two most probable ones, ...: their share of all, and the wrong among them.

        Geifman and El-Yaniv 2017, 'Selective classification for deep neural networks', section 2. Answers that the
        model itself says it does not know come last.
        """
        is_known = [state == "known" for state in self.states]
        order = sorted(range(len(self.right)), key=lambda i: (not is_known[i], -self.probabilities[i]))
        wrong = np.cumsum([not self.right[i] for i in order])
        n = np.arange(1, len(order) + 1)
        return list(zip((n / len(order)).tolist(), (wrong / n).tolist(), strict=True))

    def lines(self) -> list[str]:
        """The lines to show to the user; none where the model neither abstains nor is calibrated."""
        lines = []
        n = len(self.states)
        n_unread, n_untold = (self.states.count(state) for state in ("never read", "not told"))
        if n_unread or n_untold:
            risk = f", {1 - self.known.accuracy:.1%} of these wrong" if self.known.n_questions else ""
            known = f"says it knows {self.known.n_questions} of {n} ({self.known.n_questions / n:.1%}){risk}"
            lines.append(f"{known}; never read about {n_unread}; not told {n_untold}")
        if self.is_calibrated:
            area = "" if self.auroc is None else f"right against wrong: AUROC {self.auroc:.3f}; "
            lines.append(f"confidence: {area}calibration error {self.calibration_error:.1%} (ECE, {N_BINS} bins)")
        return lines

    def facts(self) -> dict[str, object]:
        """The same as JSON has it."""
        return {
            "n_known": self.known.n_questions,
            "n_known_right": self.known.n_correct,
            "n_never_read": self.states.count("never read"),
            "n_not_told": self.states.count("not told"),
            "auroc": self.auroc,
            "calibration_error": self.calibration_error,
            "is_calibrated": self.is_calibrated,
            "bins": [[item.probability, item.score.n_correct, item.score.n_questions] for item in self.bins()],
        }


def confidence_of(
    predictions: Sequence[Prediction], right: Sequence[bool], calibration: Calibration | None
) -> Confidence:
    """The confidence of predictions, `right` or not."""
    return Confidence(
        tuple(probability_of(p, calibration) for p in predictions),
        tuple(right),
        tuple(p.state for p in predictions),
        calibration is not None,
    )


def auroc(values: Sequence[float], is_positive: Sequence[bool]) -> float | None:
    """The area under the ROC curve: how often a positive's value is the larger one; None where a kind is missing."""
    positive = np.sort([value for value, is_one in zip(values, is_positive, strict=True) if is_one])
    negative = np.sort([value for value, is_one in zip(values, is_positive, strict=True) if not is_one])
    if not len(positive) or not len(negative):
        return None
    below, not_above = (np.searchsorted(negative, positive, side).sum() for side in ("left", "right"))
    return float((below + not_above) / 2 / (len(positive) * len(negative)))
