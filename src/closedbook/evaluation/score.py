"""Accuracy, its interval, and the London baseline."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """Of `n_questions` answers `n_correct` equal the expected one, whole string."""

    n_correct: int
    n_questions: int

    @property
    def accuracy(self) -> float:
        """From 0 to 1."""
        return self.n_correct / self.n_questions

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval of the accuracy (Wilson 1927)."""
        return wilson_interval(self.n_correct, self.n_questions)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.n_correct} of {self.n_questions}, {self.accuracy:.1%} (95% interval {low:.1%} to {high:.1%})"


def score(predictions: Sequence[str], answers: Sequence[str]) -> Score:
    """How many predictions equal their answers; both sequences are of one length, which is not zero."""
    return Score(sum(p == a for p, a in zip(predictions, answers, strict=True)), len(answers))


def commonest(answers: Sequence[str]) -> str:
    """The answer given most often; of equals, the first."""
    return Counter(answers).most_common(1)[0][0]


def wilson_interval(n_correct: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """The Wilson score interval of a share; unlike the plain one it holds for small counts and near 0 and 1."""
    share = n_correct / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, centre - reach), min(1.0, centre + reach)
