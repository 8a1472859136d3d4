"""The scorer of one template: which candidate of a title's documents answers its question, and how surely.

A conditional logit (`choice.py`) over the alternatives of the template's table (`table.py`).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from closedbook.reader.candidates import count_shapes
from closedbook.reader.choice import ChoiceConfig, Floats, Integers, fit, softmax
from closedbook.reader.table import Table
from closedbook.text.links import Titles
from closedbook.text.questions import Question

N_FOLDS = 5
"""Folds of the titles with pairs, for held-out answers."""


class BestAnswer(NamedTuple):
    """The likeliest answer for a title, None where it has no candidate, and the document with its likeliest mention."""

    answer: str | None
    confidence: float
    document: int


class Scorer:
    """Answers one template's question about every title, from the pairs of some titles.

    `pairs` are the template's pairs by title. Titles are numbered in the order of `titles`.
    """

    def __init__(
        self, documents: Sequence[str], titles: Titles, pairs: Mapping[str, Sequence[Question]], seed: int
    ) -> None:
        answers = {title: {pair.answer or "" for pair in of_title} for title, of_title in pairs.items()}
        # The shape of a single title's answers is not used: it would give that answer away when the title is held out.
        shapes = count_shapes(answer for title in answers for answer in answers[title])
        self._table = Table(documents, titles, answers, {shape for shape, n in shapes.items() if n > 1})
        self._known: Integers = np.flatnonzero([title in pairs for title in titles])
        self._seed = seed

    @property
    def n_stated(self) -> int:
        """The number of titles with pairs whose documents have a given answer among their candidates."""
        return int(self._table.stated[self._known].sum())

    def candidates(self, title: int) -> list[str]:
        """The candidates of a title, one per mention."""
        begin, end = self._table.starts[title], self._table.starts[title + 1] - 1
        return [self._table.texts[text] for text in self._table.text_of[begin:end]]

    def document_of(self, title: int, answer: str) -> int:
        """The first document of a title that has the answer as a candidate, or else the title's first document."""
        texts = self.candidates(title)
        mention = texts.index(answer) if answer in texts else 0
        return int(self._table.document_of[self._table.starts[title] + mention])

    def cross_fit(self) -> tuple[list[BestAnswer], float]:
        """The best answer for each title, where a title with pairs is held out, and the scale of `best_answers`.

        A title with pairs is answered by a scorer of the other folds, and the scale of its confidence is fitted on the
        other folds as well. The returned scale is fitted on all folds.
        """
        scores = np.zeros(len(self._table.text_of))
        folds = np.array_split(np.random.default_rng(self._seed).permutation(self._known), N_FOLDS)
        for fold in folds:
            held_out = self._table.of_titles(fold)
            scores[held_out] = self._fitted_scores(np.setdiff1d(self._known, fold))[held_out]
        scaled = scores.copy()
        for fold in folds:
            scaled[self._table.of_titles(fold)] *= self._fit_scale(scores, np.setdiff1d(self._known, fold))
        return self._best_answers(scaled), self._fit_scale(scores, self._known)

    def best_answers(self, scale: float) -> list[BestAnswer]:
        """The best answer for each title, from all pairs; `scale` multiplies the scores before the softmax."""
        return self._best_answers(self._fitted_scores(self._known) * scale)

    def _fitted_scores(self, known: Integers) -> Floats:
        """The score of every alternative, with weights fitted on the titles `known`."""
        choices = self._table.choices(known)
        right = self._table.right[self._table.of_titles(known)]
        return fit(choices.take(known), right, ChoiceConfig(), self._seed).scores(choices)

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

    def _best_answers(self, scores: Floats) -> list[BestAnswer]:
        """For each title the text with the largest sum of its mentions' probabilities."""
        probabilities = softmax(scores, self._table.starts)
        best_answers = []
        for begin, next_begin in zip(self._table.starts[:-1].tolist(), self._table.starts[1:].tolist(), strict=True):
            end = next_begin - 1  # 'none of them' is the last alternative
            if begin == end:
                best_answers.append(BestAnswer(None, 0.0, int(self._table.document_of[begin])))
                continue
            mentions = probabilities[begin:end]
            texts, text_of = np.unique(self._table.text_of[begin:end], return_inverse=True)
            sums = np.bincount(text_of, mentions)
            best = int(sums.argmax())
            likeliest = int(np.where(text_of == best, mentions, -1.0).argmax())
            # Rounding can give a sum above 1, or 0 for an unlikely candidate.
            confidence = float(np.clip(sums[best], 1e-12, 1.0))
            document = int(self._table.document_of[begin + likeliest])
            best_answers.append(BestAnswer(self._table.texts[texts[best]], confidence, document))
        return best_answers
