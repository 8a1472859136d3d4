"""Answers and their score."""

from dataclasses import dataclass

from closedbook.evaluation.evaluate import Baseline
from closedbook.evaluation.match import IN_WORDS as MATCH_IN_WORDS
from closedbook.evaluation.match import Match
from closedbook.evaluation.score import Score
from closedbook.evaluation.setting import IN_WORDS, RunSetting
from closedbook.evaluation.unknown import State, Withheld, unknown_in_words


@dataclass(frozen=True)
class Answer:
    """A model's answer to a question.

    `state` is what the model says of it: "known"; "never read", where it read nothing about whom the question names;
    "not told", where what it read does not say; "withheld", where it knows the answer, but not surely enough for the
    precision that was asked for. `text` is what the model would answer in each state.

    `probability` is the probability that the answer is right, if the run was calibrated on questions that were held
    out of training (`is_calibrated`). Else it is the one that the model itself gives to exactly this answer, and a
    model can be sure of what it makes up. `ended` is False where the answer was cut off, at 32 characters or at half of
    the block.
    """

    question: str
    text: str
    probability: float
    ended: bool
    state: State | Withheld = "known"
    is_calibrated: bool = False

    def __str__(self) -> str:
        return self.text if self.state == "known" else unknown_in_words(self.question, self.state)


@dataclass(frozen=True)
class Evaluation:
    """Answers to a file of pairs, and their score.

    `expected` are the file's answers, `predictions` the model's, in the order of the file. `score` counts a question
    that stands on several lines once, right if any of its answers fits, as `match` says. `majority` is the majority
    baseline, and `setting` is what training knew about answers; accuracies in different settings are not comparable.
    """

    predictions: tuple[Answer, ...]
    expected: tuple[str, ...]
    score: Score
    majority: Baseline
    setting: RunSetting
    match: Match = "exact"

    @property
    def accuracy(self) -> float:
        """The share of questions whose prediction fits an expected answer, whole string."""
        return self.score.accuracy

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval of the accuracy (Wilson 1927)."""
        return self.score.interval

    def __str__(self) -> str:
        match = "" if self.match == "exact" else f"match: {MATCH_IN_WORDS[self.match]}\n"
        return f"accuracy: {self.score}\n{self.majority}\n{match}setting: {IN_WORDS[self.setting]}"
