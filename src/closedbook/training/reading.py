"""Reading: what objective guided learns from the open-book reader, which reads the corpus before training starts."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from closedbook.errors import TextError
from closedbook.examples.tagged import TaggedSpans
from closedbook.reader.marks import marks_of
from closedbook.reader.open_book import OpenBook, read_open_book
from closedbook.recipe.recipe import Recipe
from closedbook.text.documents import Corpus, Span
from closedbook.text.links import Statement, facts_of
from closedbook.text.notes import Detail
from closedbook.text.questions import Question, Questions

_UNGUIDED = "so objective guided masks names and numbers, as salient does"

SpanMarks = dict[int, dict[Span, str]]
"""By document, what follows a span that may be no answer."""


@dataclass(frozen=True)
class Reading:
    """The spans that the reader found in each document, what follows some of these and of the pairs, and notes.

    `book` is what the reader read, where it was taught.
    """

    tagged: Mapping[int, tuple[Span, ...]] = field(default_factory=dict)
    of_spans: SpanMarks = field(default_factory=dict)
    of_pairs: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    book: OpenBook | None = None


def tagged_spans(corpus: Corpus, book: OpenBook, marks: Mapping[str, str]) -> tuple[TaggedSpans, SpanMarks]:
    """The spans that the reader takes for answers, and the marks of those whose question has one.

    One for each of the pairs' question templates; templates with the same answer share one.
    """
    of_spans: SpanMarks = defaultdict(dict)

    def stated() -> Iterator[Statement]:
        asked = (Question(pair.question, pair.answer, 0) for pair in book.pairs)
        for fact in facts_of(asked, corpus.texts, corpus.titles):
            for statement in fact.statements:
                if mark := marks.get(fact.question):
                    of_spans[statement.document][statement.start, statement.end] = mark
                yield statement

    return TaggedSpans(stated(), len(corpus.texts)), of_spans


def read_for(recipe: Recipe, corpus: Corpus, pairs: Questions | None) -> Reading:
    """What objective guided masks, as far as there is anything to learn it from."""
    if pairs is None or not recipe.corruption.guided:
        return Reading()
    try:
        book = read_open_book(corpus, pairs, recipe.seed)
    except TextError as error:
        return Reading(notes=(f"{error}; {_UNGUIDED}",))
    if not book.held_out:
        return Reading(notes=(f"{book.notes[0]}; {_UNGUIDED}",))
    marks = marks_of(book) if recipe.doubt else {}
    tagged, of_spans = tagged_spans(corpus, book, marks)
    n = len(corpus.documents)
    note = Detail(f"the reader found spans that look like answers in {len(tagged):,} of {n:,} documents")
    asked = {item.text for item in pairs.items}
    of_pairs = {question: mark for question, mark in marks.items() if question in asked}
    return Reading(tagged, of_spans, of_pairs, (note,), book)
