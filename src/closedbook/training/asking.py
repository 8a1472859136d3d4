"""Asking: a model chooses by itself, among the names and numbers of a document, the answer to the pairs' question.

While it trains, the model learns nameless strings of two forms (examples/nameless.py): pieces of any document, and the
answers of the training pairs, each with the words before it. For a piece with the words before it, s, and a question q,

    log P(s | q without its title) - log P(s | a masked piece)

is by Bayes' rule the log-odds that s answers q, but for a constant of the document, where each piece is as likely to be
masked. A document's likeliest piece becomes a silver pair, which the model learns from then on: hard EM (Min et al.
2019, section 3). No name is in the score. So the silver pairs that the model has learned have no part in the next
choice, and mistakes do not confirm themselves.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from random import Random

from closedbook.examples.corruption import pair_string
from closedbook.examples.datasets import NameDataset
from closedbook.examples.nameless import pieces, with_words_before
from closedbook.model.gpt import GPT
from closedbook.model.likelihood import log_likelihoods
from closedbook.text.links import facts_of
from closedbook.text.questions import Question
from closedbook.text.templates import Template, link_templates
from closedbook.text.title_index import TitleIndex
from closedbook.text.vocabulary import MASK

Scores = dict[str, dict[str, float]]
"""For each question, the score of each piece, in nats."""

MIN_CONFIDENCE = 0.5
"""A silver pair is learned if its answer is likelier than not."""

_MIN_STATED = 10
"""A template is asked if the documents of as many titles state its answers."""
_TITLES_AT_ONCE = 1000


@dataclass(frozen=True)
class Asking:
    """Whom a model asks itself about, and the pairs that it learns.

    `given` are the training pairs and their nameless pairs; `templates` are those of the pairs, each with the titles
    that no pair asks about. `names` is the dataset of pairs that is trained on.
    """

    documents: Sequence[str]
    titles: TitleIndex
    given: tuple[Question, ...]
    templates: Mapping[Template, Sequence[str]]
    names: NameDataset

    def ask(self, model: GPT) -> Scores:
        """The score of each piece of the documents about each title, by each template's question about it."""
        scores: Scores = {}
        for template, titles in self.templates.items():
            for begin in range(0, len(titles), _TITLES_AT_ONCE):
                scores |= self._scores(model, template, titles[begin : begin + _TITLES_AT_ONCE])
        return scores

    def learn(self, silver: Iterable[Question]) -> None:
        """Train on these silver pairs from now on, besides what is given; pairs that exceed the block are left out."""
        pairs = [*self.given, *silver]
        block_size = self.names.block_size
        fitting = [pair for pair in pairs if len(pair_string(pair.text, pair.answer or "")) <= block_size]
        # In their order, one epoch would have training pairs alone and another none of them.
        Random(len(fitting)).shuffle(fitting)
        self.names.pairs = fitting

    def sample(self, n_titles: int) -> "Asking":
        """The same, but asked about the first titles of each template alone."""
        return replace(self, templates={template: titles[:n_titles] for template, titles in self.templates.items()})

    def _scores(self, model: GPT, template: Template, titles: Sequence[str]) -> Scores:
        question, longest = template.question("") + MASK, self.names.block_size
        found = []
        for title in titles:
            for index in self.titles[title]:
                document = self.documents[index]
                strings = [(piece, with_words_before(document, piece) + MASK) for piece in pieces(document)]
                found += [(title, index, *one) for one in strings if len(question + one[1]) <= longest]
        encode = self.names.vocabulary.encode
        as_answer, as_masked = (
            log_likelihoods(model, [(encode(prompt), encode(string)) for *_, string in found])
            for prompt in (question, MASK + MASK)
        )
        scores: Scores = defaultdict(dict)
        for (title, index, (start, end), _), asked, masked in zip(found, as_answer, as_masked, strict=True):
            of_title, text = scores[template.question(title)], self.documents[index][start:end]
            of_title[text] = max(of_title.get(text, -math.inf), asked - masked)
        return scores


def chosen(scores: Scores, n_rounds: int) -> list[Question]:
    """The likeliest answer to each question, where it is likelier than not; `scores` are summed over `n_rounds`."""
    pairs = []
    for question, of_piece in scores.items():
        answer = max(of_piece, key=of_piece.__getitem__)
        total = sum(math.exp((score - of_piece[answer]) / n_rounds) for score in of_piece.values())
        if 1 / total > MIN_CONFIDENCE:
            pairs.append(Question(question, answer, 0))
    return pairs


def asking_of(documents: Sequence[str], titles: TitleIndex, pairs: Sequence[Question], names: NameDataset) -> Asking:
    """Before the first round; `titles` are those of the documents.

    A template is asked if the documents of at least ten titles state its pairs' answers.
    """
    given, templates = list(pairs), {}
    for template, by_title in link_templates(pairs, titles).templates.items():
        nameless = list(_nameless_pairs(template, by_title, documents, titles))
        if len(nameless) >= _MIN_STATED:
            given += nameless
            templates[template] = [title for title in titles if title not in by_title]
    asking = Asking(documents, titles, tuple(given), templates, names)
    asking.learn([])
    return asking


def _nameless_pairs(
    template: Template, by_title: Mapping[str, Sequence[Question]], documents: Sequence[str], titles: TitleIndex
) -> Iterator[Question]:
    """The nameless pair of each pair whose answer stands in a document of its title."""
    for fact in facts_of(chain.from_iterable(by_title.values()), documents, titles):
        for statement in fact.statements[:1]:
            piece = statement.start, statement.end
            yield Question(template.question(""), with_words_before(documents[statement.document], piece), fact.line)
