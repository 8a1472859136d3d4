"""What the demo measured, as values: scores, loss curves, and questions with their answers. Imports no torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Literal

from closedbook.evaluation.score import Score
from closedbook.evaluation.unknown import State, unknown_in_words

if TYPE_CHECKING:
    from closedbook.evaluation.confidence import Confidence

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
    """Scores on held-out people, in the wording of training and in wordings never trained on; and made-up answers.

    The book mentions held-out people, but training never asks about them. No line mentions unknown people: any answer
    about one is made up, and `made_up` counts them.
    """

    held_out: Score
    other_wordings: Score
    made_up: Score


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
    """A question with the model's answer and the true one; `evidence` is a line of the book about the person.

    `state` is what the model says of its answer; `probability` is calibrated where the model is.
    """

    kind: Kind
    question: str
    answer: str
    truth: str
    probability: float
    state: State
    evidence: str | None

    def in_words(self) -> str:
        """What the model answers, and the truth."""
        if self.state == "known":
            return f"the model says {self.answer!r} ({percent(self.probability)}); the truth is {self.truth!r}"
        return f"the model says '{unknown_in_words(self.question, self.state)}'; the truth is {self.truth!r}"


@dataclass(frozen=True)
class Report:
    """All that the demo reports.

    `people` says who is asked about, `method` how the models were trained, a paragraph each. `held_out` and `unknown`
    are one model's answers about people whom the book mentions and about people of whom nobody wrote a line;
    `confidence` is the model's, over both.
    """

    title: str
    people: str
    method: tuple[str, ...]
    arms: tuple[Arm, ...]
    reader: Rival
    majority: Rival
    asked: str
    held_out: tuple[Exchange, ...]
    unknown: tuple[Exchange, ...]
    confidence: "Confidence"
    recipe_toml: str
    command: str
    seconds: float

    @property
    def right(self) -> tuple[Exchange, ...]:
        """The right answers about held-out people."""
        return tuple(one for one in self.held_out if one.kind == "right")

    @property
    def shown(self) -> tuple[Exchange, ...]:
        """Two right answers, a wrong one if there is one, and two about unknown people.

        They are those in the middle of their kind by probability, and so neither the surest nor the least sure.
        """
        wrong = [one for one in self.held_out if one.kind == "wrong"]
        return (*_middle(self.right, 2), *_middle(wrong, 1), *_middle(self.unknown, 2))

    def outcome(self) -> str:
        """What came out, in two sentences."""
        n_silent = sum(one.state != "known" for one in self.unknown)
        others = "".join(
            f"; not pretrained, {arm.scores.held_out.n_correct}"
            for arm in self.arms
            if not arm.pretrained and f"{arm.variant}, pretrained" == self.asked
        )
        return (
            f"Asked about {len(self.held_out)} people whom it has read about, in questions that it was not trained on, "
            f"a tiny transformer ({self.asked}) gives {len(self.right)} right answers with the book closed{others}. "
            f"It says that it does not know {n_silent} of {len(self.unknown)} people nobody wrote about."
        )

    def on_confidence(self) -> str:
        """Of whom the model says that it does not know them, and how sure it is of right answers."""
        n_unread = sum(one.state == "never read" for one in self.unknown)
        known = ""
        if self.right:
            n_wrongly = sum(one.state != "known" for one in self.right)
            sure = percent(median(one.probability for one in self.right))
            known = (
                f" Of its {len(self.right)} right answers about held-out people it takes {n_wrongly} for unknown; "
                f"their median probability is {sure}."
            )
        return (
            f"The model ({self.asked}) says of {n_unread} of the {len(self.unknown)} unknown people that it read "
            f"nothing about them; it learned to say so from names that nobody has.{known} {self._on_probability()}"
        )

    def _on_probability(self) -> str:
        """What a probability means, and how far it comes true."""
        if not self.confidence.is_calibrated:
            return "A probability is what the model itself gives to exactly this answer, not that of its being true."
        area = self.confidence.auroc
        ranked = "" if area is None else f" They tell right answers from wrong ones with an AUROC of {area:.3f}."
        return (
            "A probability is that of the answer's being right, learned from training pairs that were held out. Over "
            "held-out and unknown people, probabilities and shares of right answers differ by "
            f"{percent(self.confidence.calibration_error)} on average (ECE).{ranked}"
        )


def _middle(exchanges: Sequence[Exchange], n: int) -> Sequence[Exchange]:
    ordered = sorted(exchanges, key=lambda one: (one.state == "known", one.probability))
    begin = max(0, (len(ordered) - n) // 2)
    return ordered[begin : begin + n]


def percent(value: float) -> str:
    """A share in percent that reads neither 0 nor 100 where it is neither."""
    if 0 < value < 0.001:
        return "under 0.1%"
    return "over 99.9%" if 0.999 < value < 1 else f"{value:.1%}"
