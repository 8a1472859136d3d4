"""Weights as narrow as equal answers allow: PyTorch answers with each coding, from the narrowest on."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

from closedbook.evaluation.calibration import Calibration, probability_of
from closedbook.evaluation.predict import Prediction, predict
from closedbook.explore.weights import CODINGS, Coding, PackedWeights, pack_weights
from closedbook.model.gpt import GPT
from closedbook.text.vocabulary import Vocabulary

_WITHIN = 0.02
"""How far the probability of an answer may differ from that of the run's own weights."""


@dataclass(frozen=True)
class Answers:
    """Predictions for questions about known people, and for those about strangers, with their probabilities."""

    known: Sequence[Prediction]
    strangers: Sequence[Prediction]
    probabilities: Sequence[float]
    """Of `known`, then of `strangers`."""

    @classmethod
    def of(
        cls,
        model: GPT,
        vocabulary: Vocabulary,
        calibration: Calibration | None,
        known: Sequence[str],
        strangers: Sequence[str],
    ) -> "Answers":
        """The model's answers to questions."""
        predictions = predict(model, vocabulary, [*known, *strangers])
        probabilities = [probability_of(p, calibration) for p in predictions]
        return cls(predictions[: len(known)], predictions[len(known) :], probabilities)


@dataclass(frozen=True)
class Likeness:
    """How the page's weights answer, compared with the run's own: how many answers and states are equal.

    `furthest` is the largest difference between the probabilities of an answer about known people.
    """

    coding: Coding
    n_equal: int
    n_questions: int
    furthest: float

    @classmethod
    def of(cls, coding: Coding, own: Answers, other: Answers) -> "Likeness":
        """The likeness of the answers of other weights."""
        known = zip(own.known, other.known, strict=True)
        strangers = zip(own.strangers, other.strangers, strict=True)
        n_equal = sum((a.answer, a.ended, a.state) == (b.answer, b.ended, b.state) for a, b in known)
        n_equal += sum(a.state == b.state for a, b in strangers)  # what is made up about a stranger is no answer
        apart = (abs(a - b) for a, b in zip(own.probabilities, other.probabilities[: len(own.known)], strict=False))
        return cls(coding, n_equal, len(own.probabilities), max(apart, default=0.0))

    @property
    def is_equal(self) -> bool:
        """Whether all answers and states are the same, and no probability differs much."""
        return self.n_equal == self.n_questions and self.furthest <= _WITHIN


def narrowest(
    model: GPT, vocabulary: Vocabulary, calibration: Calibration | None, own: Answers
) -> tuple[PackedWeights, Likeness]:
    """The weights in the first coding whose answers are like the model's `own`; in the widest one where none is.

    Without any question nothing is known of the answers, so that the widest one is taken.
    """
    weights = {name: tensor.detach().float() for name, tensor in model.state_dict().items()}
    known, strangers = ([p.question for p in part] for part in (own.known, own.strangers))
    other = deepcopy(model)
    for coding in CODINGS if own.probabilities else CODINGS[-1:]:
        packed = pack_weights(weights, coding)
        other.load_state_dict(packed.values)
        likeness = Likeness.of(coding, own, Answers.of(other, vocabulary, calibration, known, strangers))
        if likeness.is_equal:
            break
    return packed, likeness
