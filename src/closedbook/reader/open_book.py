"""The open-book reader: learns from pairs and their documents what an answer looks like, and writes silver pairs.

A silver pair is a question, an answer and a confidence, for every title of the corpus, whether or not it was asked
about. Only the corpus and the training pairs are read.

A question with its title cut out is a template ('Where was {} born?'). Each template has a scorer of its own, a
conditional logit over the candidates of a title's documents (`reader_table.py`, `choice.py`).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from closedbook.errors import TextError
from closedbook.reader.candidates import shapes_of
from closedbook.reader.choice import ChoiceConfig, Floats, Integers, learn, softmax
from closedbook.reader.table import Table
from closedbook.text.documents import Corpus
from closedbook.text.links import Titles, title_in, titles_of, whole_words
from closedbook.text.questions import Question, Questions

FEWEST_PAIRS = 10
"""A template is learnt from so many titles whose documents state the answer, or not at all."""
N_FOLDS = 5


@dataclass(frozen=True)
class SilverPair:
    """A question and what the reader takes for its answer, out of document `document` of the corpus, from 0.

    A training question has the answer that was given, with confidence 1, whether or not a document states it; any
    other answer is a piece of its document.
    """

    question: str
    answer: str
    confidence: float
    document: int


@dataclass(frozen=True)
class HeldOut:
    """What a reader said to a training question of which it knew neither answer nor title.

    `answer` is None where there was no candidate; `stated` tells whether the expected answer was among them.
    """

    question: str
    expected: str
    answer: str | None
    confidence: float
    stated: bool


@dataclass(frozen=True)
class OpenBook:
    """Silver pairs, what their user should be told, and what readers of four fifths of the pairs said to the others."""

    pairs: tuple[SilverPair, ...]
    notes: tuple[str, ...]
    held_out: tuple[HeldOut, ...]

    @property
    def n_right(self) -> int:
        """How many held-out answers were right, whole string."""
        return sum(item.answer == item.expected for item in self.held_out)


@dataclass(frozen=True)
class Template:
    """What stands before and behind the title in a question."""

    before: str
    behind: str

    def __str__(self) -> str:
        return self.before + "{}" + self.behind

    def ask(self, title: str) -> str:
        """The question about a title."""
        return self.before + title + self.behind


@dataclass(frozen=True)
class Linked:
    """The pairs of each template, by title, and those in which no title was found."""

    templates: Mapping[Template, Mapping[str, Sequence[Question]]]
    unlinked: Sequence[Question]


class _Said(NamedTuple):
    """The likeliest answer to a title's question, None without candidates, and its likeliest document."""

    answer: str | None
    confidence: float
    document: int


def read_open_book(corpus: Corpus, pairs: Questions, seed: int) -> OpenBook:
    """Silver pairs for every title of the corpus, in each of the pairs' templates.

    The pairs all have answers. Raises TextError where no document has a title, no question a title in it, or no
    template enough pairs.
    """
    documents = [document.text for document in corpus.documents]
    titles = titles_of(documents)
    if not titles:
        cure = "begin each with the name that questions ask about, a full stop and a blank"
        raise TextError(corpus.path, None, f"no document has a title; {cure}")
    linked = link_templates(pairs.items, titles)
    if not linked.templates:
        cure = f"ask about the names that the documents of {corpus.path} begin with"
        raise TextError(pairs.path, None, f"no question has a document's title in it; {cure}")
    notes = _notes_on_linking(linked, pairs, corpus, sum(map(len, titles.values())))
    silver: list[SilverPair] = []
    held_out: list[HeldOut] = []
    for template, asked in linked.templates.items():
        reader = _Reader(template, documents, titles, asked, seed)
        if reader.n_stated < FEWEST_PAIRS:
            found = f"the documents state {reader.n_stated} of the answers for {len(asked)} titles"
            notes.append(f"{pairs.path}: '{template}' is left out: {found}, and {FEWEST_PAIRS} are needed")
            continue
        judged, scale = reader.cross_fit()
        held_out += judged
        silver += reader.silver(scale)
        n_right = sum(item.answer == item.expected for item in judged)
        notes.append(f"'{template}': right on {n_right} of {len(judged)} held-out questions")
    if not silver:
        raise TextError(pairs.path, None, f"too few pairs to learn from; {notes[-1].partition(': ')[2]}")
    return OpenBook(tuple(silver), tuple(notes), tuple(held_out))


def link_templates(pairs: Iterable[Question], titles: Titles) -> Linked:
    """The template and title of each question, by the longest title that stands in it as whole words."""
    templates: dict[Template, dict[str, list[Question]]] = defaultdict(lambda: defaultdict(list))
    unlinked = []
    for pair in pairs:
        title = title_in(pair.text, titles)
        if not title:
            unlinked.append(pair)
            continue
        before, behind = re.split(whole_words(title), pair.text, maxsplit=1)
        templates[Template(before, behind)][title].append(pair)
    return Linked({template: dict(asked) for template, asked in templates.items()}, tuple(unlinked))


class _Reader:
    """One template's scorer."""

    def __init__(
        self,
        template: Template,
        documents: Sequence[str],
        titles: Titles,
        asked: Mapping[str, Sequence[Question]],
        seed: int,
    ) -> None:
        self.template = template
        self.titles = list(titles)
        self.given = [asked.get(title, ()) for title in self.titles]
        self.seed = seed
        answers = {title: {pair.answer or "" for pair in pairs} for title, pairs in asked.items()}
        # A shape that one title's answers alone have would be known, when that title is held out, from itself.
        shapes = shapes_of(answer for title in answers for answer in answers[title])
        self.table = Table(documents, titles, answers, {shape for shape, n in shapes.items() if n > 1})
        self.asked: Integers = np.flatnonzero([len(pairs) > 0 for pairs in self.given])

    @property
    def n_stated(self) -> int:
        """How many of the titles asked about have a given answer among their candidates."""
        return int(self.table.stated[self.asked].sum())

    def cross_fit(self) -> tuple[list[HeldOut], float]:
        """What readers of the other folds said to each pair, and the scale that makes scores into confidences.

        A fold's confidences have the scale that fits the other folds, so that they too are held out.
        """
        scores = np.zeros(len(self.table.text_of))
        folds = np.array_split(np.random.default_rng(self.seed).permutation(self.asked), N_FOLDS)
        for fold in folds:
            held = self.table.of_titles(fold)
            scores[held] = self._learnt_scores(np.setdiff1d(self.asked, fold))[held]
        scaled = scores.copy()
        for fold in folds:
            scaled[self.table.of_titles(fold)] *= self._scale(scores, np.setdiff1d(self.asked, fold))
        said = self._said(scaled)
        judged = [self._judged(k, pair, said[k]) for k in self.asked.tolist() for pair in self.given[k]]
        return judged, self._scale(scores, self.asked)

    def silver(self, scale: float) -> list[SilverPair]:
        """The silver pairs of all titles that have a candidate or a given answer, by a reader of all pairs."""
        said = self._said(self._learnt_scores(self.asked) * scale)
        silver = []
        for k, (title, given) in enumerate(zip(self.titles, self.given, strict=True)):
            silver += [SilverPair(pair.text, pair.answer or "", 1.0, self._document_of(k, pair)) for pair in given]
            answer, confidence, document = said[k]
            if not given and answer is not None:
                silver.append(SilverPair(self.template.ask(title), answer, confidence, document))
        return silver

    def _judged(self, k: int, pair: Question, said: _Said) -> HeldOut:
        assert pair.answer is not None, "pairs were checked when they were read"
        stated = pair.answer in self._texts(k)
        return HeldOut(pair.text, pair.answer, said.answer, said.confidence, stated)

    def _texts(self, k: int) -> list[str]:
        """The candidates of a title, mention by mention."""
        begin, end = self.table.starts[k], self.table.starts[k + 1] - 1
        return [self.table.texts[text] for text in self.table.text_of[begin:end]]

    def _document_of(self, k: int, pair: Question) -> int:
        """The first document of a title that has the given answer as a candidate; its first where none has."""
        texts = self._texts(k)
        place = texts.index(pair.answer) if pair.answer in texts else 0
        return int(self.table.document_of[self.table.starts[k] + place])

    def _learnt_scores(self, known: Integers) -> Floats:
        """The score of every alternative of every title, by a reader that knows the answers of some."""
        choices = self.table.choices(known)
        alternatives = self.table.of_titles(known)
        weights = learn(choices.take(known), self.table.right[alternatives], ChoiceConfig(), self.seed)
        return weights.scores(choices)

    def _scale(self, scores: Floats, which: Integers) -> float:
        """The factor on scores under which the right alternatives are likeliest.

        It is one over the temperature of Guo et al. 2017, 'On calibration of modern neural networks'.
        """
        alternatives = self.table.of_titles(which)
        starts = np.concatenate([[0], np.cumsum(np.diff(self.table.starts)[which])])
        right = self.table.right[alternatives]

        def surprise(scale: float) -> float:
            chances = np.where(right, softmax(scores[alternatives] * scale, starts), 0.0)
            return float(-np.log(np.add.reduceat(chances, starts[:-1]) + 1e-12).sum())

        return float(min(np.geomspace(0.1, 3, 60), key=surprise))

    def _said(self, scores: Floats) -> list[_Said]:
        """What is said to each title's question: the text whose mentions together are likeliest."""
        chances = softmax(scores, self.table.starts)
        said = []
        for begin, end in zip(self.table.starts[:-1].tolist(), (self.table.starts[1:] - 1).tolist(), strict=True):
            if begin == end:
                said.append(_Said(None, 0.0, int(self.table.document_of[begin])))
                continue
            texts, mentions = self.table.text_of[begin:end], chances[begin:end]
            values, which = np.unique(texts, return_inverse=True)
            sums = np.bincount(which, mentions)
            best = int(sums.argmax())
            likeliest = int(np.where(which == best, mentions, -1.0).argmax())
            # Rounding may lead out of what a probability can be: past 1, or for a hopeless candidate to 0.
            confidence = float(np.clip(sums[best], 1e-12, 1.0))
            document = int(self.table.document_of[begin + likeliest])
            said.append(_Said(self.table.texts[values[best]], confidence, document))
        return said


def _notes_on_linking(linked: Linked, pairs: Questions, corpus: Corpus, n_titled: int) -> list[str]:
    notes = []
    n_untitled = len(corpus.documents) - n_titled
    if n_untitled:
        which = f"{n_untitled} of {len(corpus.documents)} documents"
        notes.append(f"{corpus.path}: {which} without a title and so without silver pairs")
    if linked.unlinked:
        which = f"{len(linked.unlinked)} of {len(pairs.items)} questions, the first in line {linked.unlinked[0].line},"
        notes.append(f"{pairs.path}: {which} have no document's title in them and are not learnt from")
    return notes
