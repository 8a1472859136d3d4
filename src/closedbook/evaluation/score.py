"""Accuracy with its interval, and the commonest answer."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """How many of the answers equal the expected ones, whole string."""

    n_correct: int
    n_questions: int

    @property
    def accuracy(self) -> float:
        """The share of right answers, from 0 to 1."""
        return self.n_correct / self.n_questions

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% confidence interval of the accuracy (see `wilson_interval`)."""
        return wilson_interval(self.n_correct, self.n_questions)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.n_correct} of {self.n_questions}, {self.accuracy:.1%} (95% interval {low:.1%} to {high:.1%})"


def score(predictions: Sequence[str], answers: Sequence[str]) -> Score:
    """How many predictions equal their answers; raises ValueError where the lengths differ."""
    return Score(sum(p == a for p, a in zip(predictions, answers, strict=True)), len(answers))


def commonest(answers: Sequence[str]) -> str:
    """The most frequent answer; the first of them in a tie."""
    return Counter(answers).most_common(1)[0][0]


def wilson_interval(n_correct: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """The score interval of a binomial proportion; unlike the normal approximation, it is sound near 0 and 1.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference", JASA 22:209-212; the
    formula as in Newcombe 1998, Statistics in Medicine 17:857-872, method 3.
    """
    share = n_correct / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half_width = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, centre - half_width), min(1.0, centre + half_width)
