"""The scorer: which candidate of a title's documents answers a template's question, and how surely.

One conditional logit (`choice.py`) for all templates. It is fitted on the titles with pairs; the others are scored in
chunks, so that memory does not grow with their number.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from closedbook.reader.alternatives import NONE, Alternatives, FeatureIndex, TextCounts, alternatives_of
from closedbook.reader.answers import read_answers
from closedbook.reader.best import Best, best_of
from closedbook.reader.choice import ChoiceConfig, Choices, Floats, Weights, fit, softmax
from closedbook.reader.spans import candidates
from closedbook.reader.table import Question, TextCountsOf, batch_of, of_titles, question_of
from closedbook.reader.titled import Entries, Titled
from closedbook.reader.tokens import Booleans, Integers, Lexicon
from closedbook.reader.wordings import QuestionWords, parts_of
from closedbook.text.templates import Template

N_FOLDS = 5
"""Folds of the titles with pairs, for held-out answers."""
_BLOCK = 64
"""Templates that are asked together."""
_SCALES = np.geomspace(0.1, 3, 60)
_MIN_SCALE = 30
"""A template with fewer titles has the scale of all."""


class _Batch(NamedTuple):
    template: int
    fold: int
    items: Integers
    """The numbers of its alternatives in the template's question."""
    choices: Choices


class _Learned(NamedTuple):
    """What is known of a template when others are asked about: titles with pairs, counts, weights of real features."""

    template: int
    known: Integers
    counts: TextCountsOf
    real: Floats


class Scorer:
    """Answers all templates' questions about every title, from the answers by title of some."""

    def __init__(
        self,
        documents: Sequence[str],
        titles: Mapping[str, Sequence[int]],
        asked: Mapping[Template, Mapping[str, Sequence[str]]],
        seed: int,
    ) -> None:
        self._seed, self._config = seed, ChoiceConfig()
        self.templates = tuple(asked)
        self._titled = Titled(documents, titles, Lexicon())
        self._read(asked)
        self._make_batches()

    def _read(self, asked: Mapping[Template, Mapping[str, Sequence[str]]]) -> None:
        """Makes the table, and the question of each template."""
        numbers = {title: number for number, title in enumerate(self._titled.titles)}
        self._known = np.unique([numbers[title] for by_title in asked.values() for title in by_title])
        row_of = {int(number): row for row, number in enumerate(self._known)}
        by_row = [{row_of[numbers[title]]: of for title, of in by_title.items()} for by_title in asked.values()]
        every = {row: [text for of in by_row for text in of.get(row, ())] for row in row_of.values()}
        entries, lexicon = self._titled.take(self._known), self._titled.lexicon
        self._answers = read_answers(every, entries, lexicon)
        self._shapes = np.unique(self._answers.shapes)
        self._counts = TextCounts()
        for chunk in self._titled.chunks():
            of_chunk = self._titled.take(chunk)
            self._counts.add(candidates(of_chunk.tokens, self._shapes, self._answers.longest), of_chunk)
        self._table = self._alternatives(entries)
        self._index = FeatureIndex(self._table.features)
        self._words = QuestionWords(self.templates, lexicon)
        parts = parts_of(self._words.words, [len(by_title) for by_title in asked.values()])
        self._questions = tuple(
            question_of(template, parts[template], dict(sorted(of.items())), self._table, self._answers, self._words)
            for template, of in enumerate(by_row)
        )

    def _make_batches(self) -> None:
        """Batches of choices of one template and one fold."""
        order = np.random.default_rng(self._seed).permutation(len(self._known))
        self._fold_of = np.zeros(len(order), np.int64)
        for fold, of_fold in enumerate(np.array_split(order, N_FOLDS)):
            self._fold_of[of_fold] = fold
        n = sum(len(question.titles) for question in self._questions)
        size = int(np.clip(n // self._config.min_batches, 1, self._config.batch_size))
        matrix = self._index.matrix(self._table.features)
        self._batches = []
        for template, question in enumerate(self._questions):
            for fold in range(N_FOLDS):
                which = np.flatnonzero(self._fold_of[question.titles] == fold)
                for choices in np.array_split(which, -(-len(which) // size)) if len(which) else ():
                    batch = batch_of(question, choices, self._table, matrix)
                    self._batches.append(_Batch(template, fold, *batch))

    @property
    def n_stated(self) -> int:
        """How many titles have a document that states an answer."""
        return len(np.unique(np.concatenate([question.titles[question.stated] for question in self._questions])))

    def _alternatives(self, entries: Entries) -> Alternatives:
        spans = candidates(entries.tokens, self._shapes, self._answers.longest)
        return alternatives_of(entries, spans, self._counts)

    def _fitted(self, folds: Booleans) -> tuple[Weights, list[Choices]]:
        """Weights fitted on the titles of some folds, and the choices of all batches with their real features."""
        known = folds[self._fold_of]
        real = [question.real_features(known[question.titles]) for question in self._questions]
        every = [replace(batch.choices, real=real[batch.template][batch.items]) for batch in self._batches]
        taught = [choices for choices, batch in zip(every, self._batches, strict=True) if folds[batch.fold]]
        return fit(taught, self._index.n_features, self._config, self._seed), every

    def cross_fit(self) -> list[list[tuple[str, Best, bool]]]:
        """For each template the best answer about each of its titles, which is held out, and whether it is stated.

        A title is answered by weights of the other folds, by the shapes that their answers have, and the scale of its
        confidence is fitted on the other folds as well.
        """
        scores = self._held_out_scores()
        scales, self._scales = self._fitted_scales(scores)
        entries = self._titled.take(self._known)
        found = []
        for template, question in enumerate(self._questions):
            scale = scales[template, self._fold_of[question.titles][question.choice_of]]
            probabilities = softmax(scores[template] * scale, question.starts)
            best = best_of(self._table, entries, question.which, question.starts, probabilities)
            titles = [self._titled.titles[number] for number in self._known[question.titles]]
            found.append(list(zip(titles, best, question.stated.tolist(), strict=True)))
        return found

    def _held_out_scores(self) -> list[Floats]:
        scores: list[Floats] = [np.zeros(len(question.which)) for question in self._questions]
        for fold in np.unique(self._fold_of):
            others = np.arange(N_FOLDS) != fold
            if not others[self._fold_of].any():
                continue
            weights, every = self._fitted(others)
            shapes = self._answers.shapes_of(others[self._fold_of])
            for choices, batch in zip(every, self._batches, strict=True):
                if batch.fold == fold:
                    question = self._questions[batch.template]
                    of_batch = self._table.spans.shapes[question.which[batch.items]]
                    is_found = np.isin(of_batch, shapes) | (of_batch == NONE)
                    scores[batch.template][batch.items] = np.where(is_found, weights.scores(choices), -1e4)
        return scores

    def _fitted_scales(self, scores: Sequence[Floats]) -> tuple[Floats, Floats]:
        """The factors on scores under which the right alternatives are likeliest: without each fold, and of all folds.

        This is temperature scaling (Guo et al. 2017, 'On calibration of modern neural networks', section 4.2), with the
        scale as one over the temperature. A template of few titles has the scale of all templates.
        """
        losses = np.zeros((len(scores), len(_SCALES), N_FOLDS))
        for template, question in enumerate(self._questions):
            folds = self._fold_of[question.titles]
            for k, scale in enumerate(_SCALES):
                of_choices = _losses(question, scores[template] * scale)
                losses[template, k] = np.bincount(folds, of_choices, N_FOLDS)
        few = [len(question.titles) < _MIN_SCALE for question in self._questions]
        losses[few] = losses.sum(0)
        total = losses.sum(2)
        return _SCALES[(total[:, :, None] - losses).argmin(1)], _SCALES[total.argmin(1)]

    def best_answers(self) -> Iterator[tuple[Template, str, Best]]:
        """A template, a title and the best answer, for each template and each title without a pair of it."""
        weights, _ = self._fitted(np.ones(N_FOLDS, bool))
        every = range(len(self._questions))
        for block in (every[begin : begin + _BLOCK] for begin in every[::_BLOCK]):
            binary = np.stack([weights.binary.of(self._questions[template].parts) for template in block], 1)
            learned = [self._learned(template, weights) for template in block]
            for chunk in self._titled.chunks():
                entries = self._titled.take(chunk)
                alternatives = self._alternatives(entries)
                of_rows = self._index.matrix(alternatives.features) @ binary
                for column, one in enumerate(learned):
                    yield from self._about_others(one, chunk, entries, alternatives, of_rows[:, column])

    def _learned(self, template: int, weights: Weights) -> _Learned:
        question = self._questions[template]
        counts = question.text_counts(np.ones(len(question.titles), bool))
        return _Learned(template, self._known[question.titles], counts, weights.real.of(question.parts))

    def _about_others(
        self, learned: _Learned, chunk: Integers, entries: Entries, alternatives: Alternatives, of_rows: Floats
    ) -> Iterator[tuple[Template, str, Best]]:
        """The best answer of one template about each title of a chunk that has no pair of it."""
        new = np.flatnonzero(~np.isin(chunk, learned.known))
        if not len(new):
            return
        which, starts = of_titles(alternatives, new)
        counts = learned.counts.features(alternatives.spans.texts[which], 0, 0)
        real = np.hstack([counts, self._words.distances(learned.template, alternatives, which)])
        scores = of_rows[alternatives.rows[which]].sum(1) + real @ learned.real
        probabilities = softmax(scores * self._scales[learned.template], starts)
        best = best_of(alternatives, entries, which, starts, probabilities)
        for title, one in zip(chunk[new].tolist(), best, strict=True):
            yield self.templates[learned.template], self._titled.titles[title], one


def _losses(question: Question, scores: Floats) -> Floats:
    """Minus the log of the right alternatives' probability in each choice."""
    probabilities = np.where(question.right, softmax(scores, question.starts), 0.0)
    losses: Floats = -np.log(np.add.reduceat(probabilities, question.starts[:-1]) + 1e-12)
    return losses
