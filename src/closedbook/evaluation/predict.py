"""Predictions: a model's answers to questions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from closedbook.examples.datasets import question_ids
from closedbook.model.decode import Decoded, greedy
from closedbook.model.gpt import GPT
from closedbook.text.vocabulary import ABSTENTIONS, MASK_ID, Vocabulary

LONGEST_ANSWER = 32


@dataclass(frozen=True)
class Prediction:
    """An answer; `confidence` is the probability that the model gives to exactly this answer.

    A model can be sure of an answer that it makes up. `ended` is false where no MASK ended the answer.
    """

    question: str
    answer: str
    confidence: float
    ended: bool


def predict(model: GPT, vocabulary: Vocabulary, questions: Sequence[str]) -> list[Prediction]:
    """Greedy answers of 1 to 32 characters, in the order of the questions; KeyError on an unknown character.

    An empty answer is never right, so the model is not asked whether to give one: after a question in words that it was
    not trained on it may take the MASK for the first of a masked line, and write the second.
    """
    decoded = decode_answers(model, vocabulary, [question_ids(question, vocabulary) for question in questions])
    return [
        Prediction(question, one_line(vocabulary.decode(d.ids)), math.exp(d.log_probability), d.ended)
        for question, d in zip(questions, decoded, strict=True)
    ]


def decode_answers(model: GPT, vocabulary: Vocabulary, prompts: Sequence[Sequence[int]]) -> list[Decoded]:
    """The answers that `predict` gives after prompts, as token ids with their log-probabilities."""
    never = [vocabulary.stoi[c] for c in ABSTENTIONS] if vocabulary.abstains else []
    return greedy(model, prompts, n_new=LONGEST_ANSWER, stop=MASK_ID, may_be_empty=False, never=never)


def one_line(answer: str) -> str:
    """An answer without line feeds and tabs, which an untrained model may write, so that it is one line of a file."""
    return " ".join(answer.split())
