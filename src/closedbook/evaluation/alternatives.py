"""Alternatives: what else a model might answer, each with the probability that the model gives it."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from closedbook.evaluation.predict import decode_answers, one_line
from closedbook.examples.datasets import question_ids
from closedbook.model.decode import greedy
from closedbook.model.gpt import GPT
from closedbook.text.vocabulary import ABSTENTIONS, MASK_ID, PAD_ID, Vocabulary


class Alternative(NamedTuple):
    """An answer and the probability that the model gives to exactly this answer."""

    answer: str
    probability: float


def alternatives(model: GPT, vocabulary: Vocabulary, questions: Sequence[str], n: int) -> list[list[Alternative]]:
    """For each question the greedy answers after the `n` likeliest first characters, the most probable first."""
    prompts = [question_ids(question, vocabulary) for question in questions]
    never = {PAD_ID, MASK_ID, *vocabulary.ids_of(ABSTENTIONS)}
    begun: list[tuple[int, int, float]] = []
    for number, decoded in enumerate(greedy(model, prompts, n_new=1, stop=MASK_ID)):
        first = decoded.first or ()
        likeliest = sorted((i for i in range(len(first)) if i not in never), key=lambda i: -first[i])[:n]
        begun += [(number, i, first[i]) for i in likeliest]
    rest = decode_answers(model, vocabulary, [[*prompts[number], i] for number, i, _ in begun], n_begun=1)
    found: list[list[Alternative]] = [[] for _ in questions]
    for (number, i, log_p), decoded in zip(begun, rest, strict=True):
        answer = one_line(vocabulary.decode([i, *decoded.ids]))
        found[number].append(Alternative(answer, math.exp(log_p + decoded.log_probability)))
    return [sorted(of_question, key=lambda item: -item.probability) for of_question in found]
