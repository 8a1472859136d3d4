"""Answers and their score."""

from dataclasses import dataclass

from closedbook.evaluation.evaluate import Baseline
from closedbook.evaluation.score import Score
from closedbook.evaluation.setting import IN_WORDS, RunSetting


@dataclass(frozen=True)
class Answer:
    """A model's answer to a question.

    `probability` is the one that the model itself gives to exactly this answer. It is not the probability that the
    answer is true: a model can be sure of what it makes up. `ended` is False where the answer was cut off after 32
    characters.
    """

    question: str
    text: str
    probability: float
    ended: bool

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Evaluation:
    """Answers to a file of pairs, and their score.

    `expected` are the file's answers, `predictions` the model's, in the order of the file. `majority` is the majority
    baseline, and `setting` is what training knew about answers; accuracies in different settings are not comparable.
    """

    predictions: tuple[Answer, ...]
    expected: tuple[str, ...]
    score: Score
    majority: Baseline
    setting: RunSetting

    @property
    def accuracy(self) -> float:
        """The share of predictions that equal the expected answer, whole string."""
        return self.score.accuracy

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval of the accuracy (Wilson 1927)."""
        return self.score.interval

    def __str__(self) -> str:
        return f"accuracy: {self.score}\n{self.majority}\nsetting: {IN_WORDS[self.setting]}"
