"""The scorer of one template: which candidate of a title's documents answers its question, and how surely.

A conditional logit (`choice.py`) over the alternatives of the template's table (`table.py`). It is fitted on the titles
with pairs; the others are scored one after another, so that memory does not grow with their number.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice, pairwise
from typing import NamedTuple

import numpy as np

from closedbook.reader.candidates import count_shapes
from closedbook.reader.choice import ChoiceConfig, Floats, Integers, Weights, fit, softmax
from closedbook.reader.entries import Alternative, CandidateTexts, Entries
from closedbook.reader.table import Table
from closedbook.text.questions import Question

N_FOLDS = 5
"""Folds of the titles with pairs, for held-out answers."""
_N_TITLES = 32
"""Titles that are scored together; with more, the garbage collector looks at their features again and again."""
_N_SUMS = 10_000
"""Sums of shared features' weights that are kept, at most."""


class BestAnswer(NamedTuple):
    """The likeliest answer for a title, None where it has no candidate, and the document with its likeliest mention."""

    answer: str | None
    confidence: float
    document: int


class Scorer:
    """Answers one template's question about every title, from the pairs of some titles.

    `pairs` are the template's pairs by title.
    """

    def __init__(
        self,
        documents: Sequence[str],
        titles: Mapping[str, Sequence[int]],
        pairs: Mapping[str, Sequence[Question]],
        seed: int,
    ) -> None:
        answers = {title: {pair.answer or "" for pair in of_title} for title, of_title in pairs.items()}
        # The shape of a single title's answers is not used: it would give that answer away when the title is held out.
        shapes = count_shapes(answer for title in answers for answer in answers[title])
        self._entries = Entries(documents, titles, [shape for shape, n in shapes.items() if n > 1])
        self._texts = CandidateTexts(self._entries)
        self._table = Table(self._entries, self._texts, answers)
        self._known: Integers = np.arange(len(self.titles))
        self._seed = seed

    @property
    def titles(self) -> tuple[str, ...]:
        """The titles with pairs, in the order of the corpus."""
        return self._table.titles

    @property
    def n_stated(self) -> int:
        """The number of titles with pairs whose documents have a given answer among their candidates."""
        return int(self._table.stated.sum())

    def candidates(self, title: int) -> tuple[str, ...]:
        """The candidates of a title with pairs, one per mention."""
        begin, end = self._table.starts[title], self._table.starts[title + 1] - 1
        return self._table.texts[begin:end]

    def document_of(self, title: int, answer: str) -> int:
        """The first document of a title that has the answer as a candidate, or else the title's first document."""
        texts = self.candidates(title)
        mention = texts.index(answer) if answer in texts else 0
        return int(self._table.document_of[self._table.starts[title] + mention])

    def cross_fit(self) -> tuple[list[BestAnswer], float]:
        """The best answer for each title with pairs, which is held out, and the scale of `best_answers`.

        A title is answered by a scorer of the other folds, and the scale of its confidence is fitted on the other folds
        as well. The returned scale is fitted on all folds.
        """
        table = self._table
        scores = np.zeros(len(table.texts))
        folds = np.array_split(np.random.default_rng(self._seed).permutation(self._known), N_FOLDS)
        for fold in folds:
            others = np.setdiff1d(self._known, fold)
            held_out = table.of_titles(fold)
            scores[held_out] = self._fitted(others).scores(table.choices(others))[held_out]
        scaled = scores.copy()
        for fold in folds:
            scaled[table.of_titles(fold)] *= self._fit_scale(scores, np.setdiff1d(self._known, fold))
        best_answers = list(self._best_answers(table.texts, table.document_of.tolist(), scaled, table.starts))
        return best_answers, self._fit_scale(scores, self._known)

    def best_answers(self, scale: float) -> Iterator[BestAnswer]:
        """The best answer for each title without pairs; `scale` multiplies the scores before the softmax."""
        score = AlternativeScore(self._fitted(self._known), self._table)
        entries = self._entries.without(set(self.titles))
        while chunk := list(islice(entries, _N_TITLES)):
            choices = [list(entry.alternatives(self._texts.elsewhere)) for entry in chunk]
            alternatives = list(chain.from_iterable(choices))
            yield from self._best_answers(
                [alternative.text for alternative in alternatives],
                [alternative.document for alternative in alternatives],
                np.array([score(alternative) for alternative in alternatives]) * scale,
                np.cumsum([0, *map(len, choices)]),
            )

    def _fitted(self, known: Integers) -> Weights:
        """Weights fitted on the titles `known`."""
        right = self._table.right[self._table.of_titles(known)]
        return fit(self._table.choices(known).take(known), right, ChoiceConfig(), self._seed)

    def _fit_scale(self, scores: Floats, titles: Integers) -> float:
        """The factor on scores under which the right alternatives of some titles are likeliest.

        This is temperature scaling (Guo et al. 2017, 'On calibration of modern neural networks', section 4.2), with the
        scale as one over the temperature.
        """
        alternatives = self._table.of_titles(titles)
        starts = np.concatenate([[0], np.cumsum(np.diff(self._table.starts)[titles])])
        right = self._table.right[alternatives]

        def loss(scale: float) -> float:
            probabilities = np.where(right, softmax(scores[alternatives] * scale, starts), 0.0)
            return float(-np.log(np.add.reduceat(probabilities, starts[:-1]) + 1e-12).sum())

        return float(min(np.geomspace(0.1, 3, 60), key=loss))

    def _best_answers(
        self, texts: Sequence[str], documents: Sequence[int], scores: Floats, starts: Integers
    ) -> Iterator[BestAnswer]:
        """For each choice the text with the largest sum of its mentions' probabilities."""
        probabilities = softmax(scores, starts).tolist()
        for begin, next_begin in pairwise(starts.tolist()):
            end = next_begin - 1  # 'none of them' is the last alternative
            if begin == end:
                yield BestAnswer(None, 0.0, documents[begin])
                continue
            sums: dict[str, float] = defaultdict(float)
            for text, probability in zip(texts[begin:end], probabilities[begin:end], strict=True):
                sums[text] += probability
            # Among equals the text that is a candidate first in the corpus.
            best = min(sums, key=lambda text: (-sums[text], self._texts.numbers[text]))
            likeliest = max((k for k in range(begin, end) if texts[k] == best), key=probabilities.__getitem__)
            # Rounding can give a sum above 1, or 0 for an unlikely candidate.
            yield BestAnswer(best, min(max(sums[best], 1e-12), 1.0), documents[likeliest])


class AlternativeScore:
    """w . x of an alternative of a title without pairs."""

    def __init__(self, weights: Weights, table: Table) -> None:
        self._weights: dict[str, float] = dict(zip(table.feature_names, weights.binary.tolist(), strict=True))
        rows, features = table.real_features_elsewhere()
        scores = (features @ weights.dense).tolist()
        self._of_text: dict[str, float] = {text: scores[row] for text, row in rows.items()}
        self._of_other_text: float = scores[-1]
        self._of_shared: dict[tuple[str, ...], float] = {}

    def __call__(self, alternative: Alternative) -> float:
        """The score of an alternative."""
        own, shared = alternative.features
        of_shared = self._of_shared.get(shared)
        if of_shared is None:
            if len(self._of_shared) == _N_SUMS:
                self._of_shared.clear()
            of_shared = self._of_shared[shared] = self._sum(shared)
        return self._sum(own) + of_shared + self._of_text.get(alternative.text, self._of_other_text)

    def _sum(self, names: Sequence[str]) -> float:
        weights = self._weights
        return sum([weights.get(name, 0.0) for name in names], 0.0)
