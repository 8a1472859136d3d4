"""The reader's table: the alternatives of the titles with pairs, and which of them are right for each template.

A choice is a template's question about a title; its alternatives are all of the title's.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array

from closedbook.reader.alternatives import NONE, Alternatives
from closedbook.reader.answers import Answers
from closedbook.reader.choice import Choices, Floats, compact
from closedbook.reader.tokens import Booleans, Integers, Keys, ranges, starts_of
from closedbook.reader.wordings import QuestionWords


@dataclass(frozen=True)
class Question:
    """The choices of one template, about the titles `titles` of the table in their order.

    Choice c has the alternatives which[starts[c]:starts[c + 1]] of the table. `right` says whether an alternative's
    text is an answer; where none is, 'none of them' is right, and `stated` is false.
    """

    parts: Integers
    """The parts of its weights."""
    titles: Integers
    which: Integers
    starts: Integers
    texts: Keys
    right: Booleans
    stated: Booleans
    distances: Floats

    @property
    def choice_of(self) -> Integers:
        """The choice of each alternative."""
        return np.repeat(np.arange(len(self.titles)), np.diff(self.starts))

    def text_counts(self, known: Booleans) -> "TextCountsOf":
        """What is counted of the choices `known`."""
        texts, numbers = np.unique(self.texts, return_inverse=True)
        pairs = self.choice_of * np.int64(len(texts)) + numbers
        counts = (
            np.bincount(np.unique(pairs[of]) % len(texts), minlength=len(texts))
            for of in (known[self.choice_of] & self.right, known[self.choice_of])
        )
        return TextCountsOf(texts, *counts)

    def real_features(self, known: Booleans) -> Floats:
        """The real features of all alternatives for a reader that knows the answers of the choices `known`.

        An alternative's own choice does not count. Otherwise a known answer would give itself away in training, which
        it cannot do when the question is new.
        """
        own = known[self.choice_of]
        counts = self.text_counts(known).features(self.texts, own & self.right, own)
        return np.hstack([counts, self.distances])


@dataclass(frozen=True)
class TextCountsOf:
    """Of how many titles each text is an answer, and of how many a candidate; texts in order."""

    texts: Keys
    n_answer: Integers
    n_candidate: Integers

    def features(self, texts: Keys, is_own_answer: Booleans | int, is_own: Booleans | int) -> Floats:
        """The real features of some texts; one less is counted where a text is of a title that was counted."""
        at = np.minimum(np.searchsorted(self.texts, texts), len(self.texts) - 1)
        is_there = self.texts[at] == texts
        n_answer = self.n_answer[at] * is_there - is_own_answer
        n_candidate = self.n_candidate[at] * is_there - is_own
        is_more = [n_answer > 0, n_answer > 1, n_answer > 4, n_candidate == 0]
        real = [*is_more, np.log1p(n_answer), np.log((n_answer + 0.1) / (n_candidate + 1))]
        return np.where((texts == NONE)[:, None], 0.0, np.stack(real, 1)).astype(np.float32)


def question_of(
    template: int, parts: Integers, by_title: Mapping[int, Collection[str]], alternatives: Alternatives,
    answers: Answers, words: QuestionWords,
) -> Question:  # fmt: skip
    """The choices of a template, whose answers are given by titles of the table."""
    titles = np.array(list(by_title), np.int64)
    which, starts = of_titles(alternatives, titles)
    texts = alternatives.spans.texts[which]
    keys = [answers.keys(of_title) for of_title in by_title.values()]
    right = np.concatenate([np.isin(texts[b:e], of) for (b, e), of in zip(pairwise(starts), keys, strict=True)])
    stated = np.logical_or.reduceat(right, starts[:-1])
    right[starts[1:][~stated] - 1] = True
    return Question(parts, titles, which, starts, texts, right, stated, words.distances(template, alternatives, which))


def of_titles(alternatives: Alternatives, titles: Integers) -> tuple[Integers, Integers]:
    """The alternatives of some titles, and where each title's begin among them."""
    lengths = alternatives.starts[titles + 1] - alternatives.starts[titles]
    return ranges(alternatives.starts[titles], lengths), starts_of(lengths)


def batch_of(
    question: Question, choices: Integers, alternatives: Alternatives, matrix: csr_array
) -> tuple[Integers, Choices]:
    """Some choices of a question without their real features, and which of the question's alternatives they have."""
    lengths = question.starts[choices + 1] - question.starts[choices]
    items = ranges(question.starts[choices], lengths)
    rows, small, features = compact(matrix, alternatives.rows[question.which[items]])
    no_real = np.zeros((len(items), 0), np.float32)
    return items, Choices(question.parts, starts_of(lengths), rows, small, features, no_real, question.right[items])
