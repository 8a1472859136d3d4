"""What the demo measured, as values: scores, loss curves, and questions with their answers. Imports no torch."""

from dataclasses import dataclass
from statistics import median
from typing import Literal

from closedbook.evaluation.score import Score

Kind = Literal["right", "wrong", "never written about"]


@dataclass(frozen=True)
class Curve:
    """The losses of one stage, in nats per character; steps and seconds count from the stage's start.

    `validation` are steps with the loss of dev pairs after them.
    """

    name: str
    steps: tuple[int, ...]
    losses: tuple[float, ...]
    seconds: tuple[float, ...]
    validation: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class Scores:
    """Scores on held-out people, in the wording of training and in wordings never trained on; and on unknown people.

    The book mentions held-out people, but training never asks about them. No line mentions unknown people.
    """

    held_out: Score
    other_wordings: Score
    unknown: Score


@dataclass(frozen=True)
class Arm:
    """A model, the `seconds` that it trained for, and its scores."""

    variant: str
    pretrained: bool
    n_parameters: int
    n_table_parameters: int
    seconds: float
    scores: Scores
    curves: tuple[Curve, ...]

    @property
    def label(self) -> str:
        """As in "Perceiver, pretrained"."""
        variant = "Perceiver" if self.variant == "perceiver" else self.variant
        return f"{variant}, {'pretrained' if self.pretrained else 'not pretrained'}"


@dataclass(frozen=True)
class Rival:
    """Something that answers without a network, for comparison."""

    label: str
    scores: Scores


@dataclass(frozen=True)
class Exchange:
    """A question with the model's answer and the true one; `evidence` is a line of the book about the person."""

    kind: Kind
    question: str
    answer: str
    truth: str
    confidence: float
    evidence: str | None


@dataclass(frozen=True)
class Report:
    """All that the demo reports.

    `people` says who is asked about, `method` how the models were trained, a paragraph each. `right` are all of one
    model's right answers about held-out people, and `unknown` its answers about unknown people; `exchanges` are a few
    of them to show.
    """

    title: str
    people: str
    method: tuple[str, ...]
    arms: tuple[Arm, ...]
    reader: Rival
    majority: Rival
    asked: str
    exchanges: tuple[Exchange, ...]
    right: tuple[Exchange, ...]
    unknown: tuple[Exchange, ...]
    recipe_toml: str
    command: str
    seconds: float

    def on_confidence(self) -> str:
        """How sure the model is of right answers, and of answers that it cannot know."""
        unknown = percent(median(one.confidence for one in self.unknown))
        right = percent(median(one.confidence for one in self.right)) if self.right else ""
        return (
            f"The model ({self.asked}) answers the {len(self.unknown)} questions about unknown people with a median "
            f"confidence of {unknown}{right and f', and is right about held-out people with {right}'}: its confidence "
            "is no promise that an answer is true."
        )


def percent(value: float) -> str:
    """A share in percent that reads neither 0 nor 100 where it is neither."""
    if 0 < value < 0.001:
        return "under 0.1%"
    return "over 99.9%" if 0.999 < value < 1 else f"{value:.1%}"
