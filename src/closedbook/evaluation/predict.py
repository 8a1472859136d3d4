"""Predictions: a model's answers to questions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from closedbook.examples.datasets import question_ids
from closedbook.model.decode import Decoded, greedy
from closedbook.model.gpt import GPT
from closedbook.text.vocabulary import ABSTENTIONS, MASK_ID, NEVER_READ, NOT_TOLD, Vocabulary

LONGEST_ANSWER = 32

State = Literal["known", "never read", "not told"]
"""What a model says of its answer: that it knows it, that it read nothing about the name, or that no text says it."""

_LEAST_SURE = 0.5


@dataclass(frozen=True)
class Prediction:
    """An answer; `confidence` is the probability that the model gives to exactly this answer.

    A model can be sure of an answer that it makes up. `ended` is false where no MASK ended the answer. A model that can
    abstain gives the other two probabilities: that nothing was read about whom the question names, and that what was
    read does not say.
    """

    question: str
    answer: str
    confidence: float
    ended: bool
    never_read: float = 0.0
    not_told: float = 0.0

    @property
    def state(self) -> State:
        """What the model says of the answer."""
        if self.never_read > _LEAST_SURE:
            return "never read"
        return "not told" if self.not_told > _LEAST_SURE else "known"


def predict(model: GPT, vocabulary: Vocabulary, questions: Sequence[str]) -> list[Prediction]:
    """Greedy answers of 1 to 32 characters, in the order of the questions; KeyError on an unknown character.

    An empty answer is never right, so the model is not asked whether to give one: after a question in words that it was
    not trained on it may take the MASK for the first of a masked line, and write the second.
    """
    decoded = decode_answers(model, vocabulary, [question_ids(question, vocabulary) for question in questions])
    return [
        Prediction(
            question,
            one_line(vocabulary.decode(d.ids)),
            math.exp(d.log_probability),
            d.ended,
            *_abstentions(d, vocabulary),
        )
        for question, d in zip(questions, decoded, strict=True)
    ]


def decode_answers(
    model: GPT, vocabulary: Vocabulary, prompts: Sequence[Sequence[int]], *, n_begun: int = 0
) -> list[Decoded]:
    """The answers that `predict` gives after prompts, as token ids with their log-probabilities.

    `n_begun` is how many characters of its answer each prompt has already; then nothing more may be needed.
    """
    never = [vocabulary.stoi[c] for c in ABSTENTIONS] if vocabulary.abstains else []
    n_new = LONGEST_ANSWER - n_begun
    return greedy(model, prompts, n_new=n_new, stop=MASK_ID, may_be_empty=n_begun > 0, never=never)


def _abstentions(decoded: Decoded, vocabulary: Vocabulary) -> tuple[float, float]:
    """The probabilities of NEVER_READ and NOT_TOLD."""
    if not vocabulary.abstains or decoded.first is None:
        return 0.0, 0.0
    return math.exp(decoded.first[vocabulary.stoi[NEVER_READ]]), math.exp(decoded.first[vocabulary.stoi[NOT_TOLD]])


def one_line(answer: str) -> str:
    """An answer without line feeds and tabs, which an untrained model may write, so that it is one line of a file."""
    return " ".join(answer.split())
