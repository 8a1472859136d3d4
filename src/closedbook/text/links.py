"""Facts: the pairs of a file, each linked to the documents that state it.

A document's subject is its title; a question asks about the title that it names (`TitleIndex.named_in`). The answer's
first whole-word occurrence after the title counts as the statement. That can be wrong where a document mentions the
answer for another reason first.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from closedbook.text.questions import Question
from closedbook.text.title_index import TitleIndex, title_in, titles_of
from closedbook.text.words import begins_at, ends_at, whole_words


@dataclass(frozen=True)
class Statement:
    """Where a document states an answer: [start, end) in characters of document number `document`, from 0."""

    document: int
    start: int
    end: int


@dataclass(frozen=True)
class Fact:
    """A pair, the title in its question ('' for none), and one statement per document of that title that has one."""

    question: str
    answer: str
    line: int
    title: str
    statements: tuple[Statement, ...]

    @property
    def end(self) -> int | None:
        """The smallest end of a statement, in characters of its document; None where no document states the answer."""
        return min((statement.end for statement in self.statements), default=None)


def link(pairs: Iterable[Question], documents: Sequence[str]) -> list[Fact]:
    """The fact of each pair, in order; every pair must have an answer."""
    return list(facts_of(pairs, documents, titles_of(documents)))


def facts_of(pairs: Iterable[Question], documents: Sequence[str], titles: TitleIndex) -> Iterator[Fact]:
    """As `link`, one at a time, for more pairs than should be in memory; `titles` are those of the documents."""
    for pair in pairs:
        assert pair.answer is not None, "pairs were checked when they were read"
        title = title_in(pair.text, titles)
        statements = [_statement(i, documents[i], title, pair.answer) for i in titles.get(title, ())]
        found = tuple(statement for statement in statements if statement is not None)
        yield Fact(pair.text, pair.answer, pair.line, title, found)


def mentions(name: str, answer: str) -> re.Pattern[str]:
    """A pattern whose matches are names (group 'name') and answers (group 'answer'), both as whole words.

    An answer within a name is not a mention of the answer ('Robert London'), nor the other way round, and 'Milano' does
    not mention 'Milan'.
    """
    wanted = [(name, "name"), (answer, "answer")]
    longest_first = sorted(((text, group) for text, group in wanted if text), key=lambda item: -len(item[0]))
    # One alternative each, because what counts as a word's edge depends on the first and last character of the text.
    return re.compile("|".join(rf"(?P<{group}>{whole_words(text)})" for text, group in longest_first))


def _statement(index: int, document: str, title: str, answer: str) -> Statement | None:
    """The first of the answer's `mentions` after the title; without the pattern, which takes longer to compile."""
    start = len(title)
    while (at := _find_word(document, answer, start)) >= 0:
        name = _find_word(document, title, start)
        if name < 0 or (at, -len(answer)) < (name, -len(title)):
            return Statement(index, at, at + len(answer))
        start = name + len(title)
    return None


def _find_word(document: str, text: str, start: int) -> int:
    """Where a text stands first, from `start` on, as `whole_words` has it; -1 for nowhere."""
    at = document.find(text, start)
    while at >= 0:
        if begins_at(document, at) and ends_at(document, at + len(text)):
            return at
        at = document.find(text, at + 1)
    return -1
