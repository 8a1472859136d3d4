"""The open-book reader: learns from pairs and their documents what an answer looks like, and writes silver pairs.

A silver pair is a question with the reader's answer and its confidence, for every title of the corpus, whether or not a
training pair asks about it. The reader sees the corpus and the training pairs and nothing else. Templates help one
another, so that one with few pairs is read too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from closedbook.errors import TextError
from closedbook.reader.best import Best
from closedbook.reader.scorer import Scorer
from closedbook.text.documents import Corpus
from closedbook.text.notes import Detail
from closedbook.text.questions import Question, Questions
from closedbook.text.templates import Linked, Template, link_templates
from closedbook.text.title_index import TitleIndex

MIN_STATED = 3
"""Nothing is read if the documents of fewer titles state an answer."""
_MOST = 0.8
_MUCH_WORK, _MAX_WORK = 50_000_000, 2_000_000_000
"""Templates times characters of the corpus that are not read, where `_MOST` pairs have a wording of their own, or ever;
the latter are some minutes."""
_MAX_NOTES = 12
"""Templates that have a note each, at most."""

ByTemplate = Mapping[Template, Mapping[str, Sequence[Question]]]

NO_DOCUMENT = -1
"""The document of a pair whose question names no title."""


@dataclass(frozen=True, slots=True)
class SilverPair:
    """A question and the reader's answer, found in document number `document` of the corpus, from 0.

    A training pair keeps its own answer, with confidence 1, even if no document states it. Any other answer is a piece
    of its document.
    """

    question: str
    answer: str
    confidence: float
    document: int


@dataclass(frozen=True)
class HeldOut:
    """A training pair and the answer of a reader that was not fitted on its title.

    `answer` is None where the title has no candidate; `stated` says whether `expected` is among the candidates.
    """

    question: str
    expected: str
    answer: str | None
    confidence: float
    stated: bool


@dataclass(frozen=True)
class OpenBook:
    """Silver pairs, notes to show the user, and cross-validated answers to the training questions."""

    pairs: tuple[SilverPair, ...]
    notes: tuple[str, ...]
    held_out: tuple[HeldOut, ...]

    @property
    def n_right(self) -> int:
        """How many held-out answers equal the expected answer."""
        return sum(item.answer == item.expected for item in self.held_out)


def read_open_book(corpus: Corpus, pairs: Questions, seed: int) -> OpenBook:
    """Silver pairs for every title of the corpus and every template of the pairs, which must have answers.

    Where documents state too few answers there are the pairs alone, with those that name no title. Raises TextError
    where no document has a title, or no question has a title in it.
    """
    titles = corpus.titles
    if not titles:
        cure = "begin each with the name that questions ask about, a full stop and a space"
        raise TextError(corpus.path, None, f"no document has a title; {cure}")
    linked = link_templates(pairs.items, titles)
    if not linked.templates:
        cure = f"ask about the names that the documents of {corpus.path} begin with"
        raise TextError(pairs.path, None, f"no question has a document's title in it; {cure}")
    notes = _notes_on_linking(linked, pairs, corpus, sum(map(len, titles.values())))
    why = f"the documents state answers for fewer than {MIN_STATED} titles"
    scorer = None
    if _is_free(linked.templates, corpus):
        why = "most questions are asked once, in words of their own, and new ones are seldom answered right"
    else:
        scorer = Scorer(corpus.texts, titles, _answers(linked.templates, titles), seed)
    if scorer is None or scorer.n_stated < MIN_STATED:
        note = f"{pairs.path}: {why}, so pairs are learned as they are and nobody else is asked about"
        every = [*_as_they_are(linked.templates, titles), *_unlinked(linked)]
        return OpenBook(tuple(every), (note,), ())
    held_out = tuple(_held_out(scorer, linked.templates, corpus.texts))
    silver = [*_as_they_are(linked.templates, titles), *_read(scorer, corpus.texts)]
    return OpenBook(tuple(silver), (*notes, *_notes_on_reading(held_out, linked.templates)), held_out)


def _is_free(templates: ByTemplate, corpus: Corpus) -> bool:
    """Whether there are too many templates to ask each about every title, as where each question has its own."""
    work = len(templates) * sum(map(len, corpus.texts))
    n_single = sum(len(by_title) == 1 for by_title in templates.values())
    n_titles = sum(map(len, templates.values()))
    return work > _MUCH_WORK if n_single > _MOST * n_titles else work > _MAX_WORK


def _answers(templates: ByTemplate, titles: TitleIndex) -> dict[Template, dict[str, list[str]]]:
    """The answers of each template by title, in the order of the corpus."""
    order = {title: number for number, title in enumerate(titles)}
    return {
        template: {
            title: [pair.answer or "" for pair in by_title[title]] for title in sorted(by_title, key=order.__getitem__)
        }
        for template, by_title in templates.items()
    }


def _held_out(scorer: Scorer, asked: ByTemplate, texts: Sequence[str]) -> Iterator[HeldOut]:
    """The held-out answer to each pair."""
    for template, best_answers in zip(scorer.templates, scorer.cross_fit(), strict=True):
        for title, best, is_stated in best_answers:
            for pair in asked[template][title]:
                yield HeldOut(pair.text, pair.answer or "", _text(best, texts), best.confidence, is_stated)


def _read(scorer: Scorer, texts: Sequence[str]) -> Iterator[SilverPair]:
    """The reader's answers about titles without a pair."""
    for template, title, best in scorer.best_answers():
        answer = _text(best, texts)
        if answer is not None:
            yield SilverPair(template.question(title), answer, best.confidence, best.document)


def _text(best: Best, texts: Sequence[str]) -> str | None:
    return texts[best.document][best.start : best.end] if best.start >= 0 else None


def _as_they_are(templates: ByTemplate, titles: TitleIndex) -> Iterator[SilverPair]:
    """The pairs themselves."""
    for by_title in templates.values():
        for title, of_title in by_title.items():
            for pair in of_title:
                yield SilverPair(pair.text, pair.answer or "", 1.0, titles[title][0])


def _unlinked(linked: Linked) -> Iterator[SilverPair]:
    return (SilverPair(pair.text, pair.answer or "", 1.0, NO_DOCUMENT) for pair in linked.unlinked)


def _notes_on_reading(held_out: Sequence[HeldOut], asked: ByTemplate) -> Iterator[str]:
    right = {item.question: item.answer == item.expected for item in held_out}
    counts = []
    for template, by_title in asked.items():
        of_template = [right[pair.text] for of_title in by_title.values() for pair in of_title]
        counts.append((template, sum(of_template), len(of_template)))
    if len(counts) <= _MAX_NOTES:
        yield from (Detail(f"'{template}': right on {n} of {of} held-out questions") for template, n, of in counts)
        return
    worst, n_worst, of_worst = min(counts, key=lambda count: (count[1] / count[2], -count[2]))
    what = f"right on {sum(right.values()):,} of {len(right):,} held-out questions in {len(counts):,} wordings"
    yield Detail(f"the reader: {what}; worst on '{worst}', {n_worst} of {of_worst}")


def _notes_on_linking(linked: Linked, pairs: Questions, corpus: Corpus, n_titled: int) -> list[str]:
    notes = []
    n_untitled = len(corpus.documents) - n_titled
    if n_untitled:
        which = f"{n_untitled} of {len(corpus.documents)} documents"
        notes.append(f"{corpus.path}: {which} have no title and so no silver pair")
    if linked.unlinked:
        which = f"{len(linked.unlinked)} of {len(pairs.items)} questions, the first in line {linked.unlinked[0].line},"
        notes.append(f"{pairs.path}: {which} have no document's title in them and are not learned from")
    return notes
