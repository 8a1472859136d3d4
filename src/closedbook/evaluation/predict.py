"""Predictions: a model's answers to questions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from closedbook.evaluation.unknown import State
from closedbook.examples.datasets import question_ids
from closedbook.model.decode import Decoded, greedy
from closedbook.model.gpt import GPT
from closedbook.reader.marks import recalled
from closedbook.text.vocabulary import DOUBTS, MASK_ID, NEVER_READ, Vocabulary

_LONGEST_ANSWER = 32

_LIKELIER_THAN_NOT = 0.5
# Between the means of the two surest of reader.marks.LEVELS.
_SURE = 0.985


@dataclass(frozen=True)
class Prediction:
    """An answer; `confidence` is the probability that the model gives to exactly this answer.

    A model can be sure of an answer that it makes up. `ended` is false where no MASK ended the answer. A model that can
    abstain gives two more probabilities: that nothing was read about whom the question names, and that the answer is
    what the text says, as sure of it as the open-book reader was.
    """

    question: str
    answer: str
    confidence: float
    ended: bool
    never_read: float = 0.0
    told: float = 1.0

    @property
    def is_sure(self) -> bool:
        """Whether the model is sure of the answer, and that the text says it."""
        return self.state == "known" and self.told >= _SURE and self.confidence >= _LIKELIER_THAN_NOT

    @property
    def state(self) -> State:
        """What the model says of the answer."""
        if self.never_read > _LIKELIER_THAN_NOT:
            return "never read"
        return "known" if self.told > _LIKELIER_THAN_NOT else "not told"


def longest_answer(vocabulary: Vocabulary, block_size: int) -> int:
    """The most characters of an answer: 32 as in the assignment, in an open vocabulary also half of the block."""
    return max(_LONGEST_ANSWER, block_size // 2) if vocabulary.is_open else _LONGEST_ANSWER


def predict(model: GPT, vocabulary: Vocabulary, questions: Sequence[str]) -> list[Prediction]:
    """Greedy answers of one character or more, in the order of the questions; InputError on an unknown character.

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
    never = vocabulary.ids_of((NEVER_READ,))
    n_new = longest_answer(vocabulary, model.config.block_size) - n_begun
    return greedy(model, prompts, n_new=n_new, stop=_ends(vocabulary), may_be_empty=n_begun > 0, never=never)


def written(decoded: Decoded, vocabulary: Vocabulary) -> list[int]:
    """The ids of an answer, with its likeliest end if it ended."""
    if decoded.last is None:
        return list(decoded.ids)
    return [*decoded.ids, _ends(vocabulary)[decoded.last.index(max(decoded.last))]]


def _ends(vocabulary: Vocabulary) -> list[int]:
    """The ids that end an answer: those of marks in the order of LEVELS, whose last has none, so that MASK ends it."""
    return [*vocabulary.ids_of(DOUBTS), MASK_ID]


def _abstentions(decoded: Decoded, vocabulary: Vocabulary) -> tuple[float, float]:
    """The probability of NEVER_READ, and the reader's confidence that the end of the answer recalls."""
    if not vocabulary.abstains or decoded.first is None:
        return 0.0, 1.0
    never_read = math.exp(decoded.first[vocabulary.stoi[NEVER_READ]])
    if decoded.last is None:
        return never_read, 1.0
    ends = [math.exp(log_p) for log_p in decoded.last]
    return never_read, recalled([p / sum(ends) for p in ends])


def one_line(answer: str) -> str:
    """An answer without line feeds and tabs, which an untrained model may write, so that it is one line of a file."""
    return " ".join(answer.split())
