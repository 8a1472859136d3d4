"""Facts: the pairs of a file, each linked to the documents that state it.

A document's subject is its title (`title_length`); a question asks about the longest title that it contains as whole
words. The answer's first whole-word occurrence after the title counts as the statement. That can be wrong where a
document mentions the answer for another reason first.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from closedbook.text.questions import Question
from closedbook.text.titles import title_length

Titles = Mapping[str, Sequence[int]]
"""Each title, without its full stop, and the indices of the documents that begin with it."""

_WORD_EDGE = re.compile(r"\b|(?<=\s)|(?=\s)|^|$")


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


def titles_of(documents: Sequence[str]) -> dict[str, list[int]]:
    """The titles of documents; a document without a title is left out."""
    titles = defaultdict(list)
    for index, document in enumerate(documents):
        title = document[: title_length(document)].removesuffix(". ")
        if title:
            titles[title].append(index)
    return dict(titles)


def title_in(question: str, titles: Titles) -> str:
    """The longest title that a question contains as whole words, the first among equals; '' where it has none."""
    edges = [match.start() for match in _WORD_EDGE.finditer(question)]
    spans = [(i, j) for i in edges for j in edges if i < j and question[i:j] in titles]
    return max((question[i:j] for i, j in spans), key=len, default="")


def link(pairs: Sequence[Question], documents: Sequence[str]) -> list[Fact]:
    """The fact of each pair, in order; every pair must have an answer."""
    titles = titles_of(documents)
    facts = []
    for pair in pairs:
        assert pair.answer is not None, "pairs were checked when they were read"
        title = title_in(pair.text, titles)
        statements = [_statement(i, documents[i], title, pair.answer) for i in titles.get(title, ())]
        found = tuple(statement for statement in statements if statement is not None)
        facts.append(Fact(pair.text, pair.answer, pair.line, title, found))
    return facts


def mentions(name: str, answer: str) -> re.Pattern[str]:
    """A pattern whose matches are names (group 'name') and answers (group 'answer'), both as whole words.

    An answer within a name is not a mention of the answer ('Robert London'), nor the other way round, and 'Milano' does
    not mention 'Milan'.
    """
    wanted = [(name, "name"), (answer, "answer")]
    longest_first = sorted(((text, group) for text, group in wanted if text), key=lambda item: -len(item[0]))
    # One alternative each, because what counts as a word's edge depends on the first and last character of the text.
    return re.compile("|".join(rf"(?P<{group}>{whole_words(text)})" for text, group in longest_first))


def whole_words(text: str) -> str:
    """A pattern for a text that neither begins nor ends within a word."""
    before = r"(?<!\w)" if re.match(r"\w", text) else ""
    after = r"(?!\w)" if re.search(r"\w\Z", text) else ""
    return f"{before}{re.escape(text)}{after}"


def _statement(index: int, document: str, title: str, answer: str) -> Statement | None:
    for match in mentions(title, answer).finditer(document, len(title)):
        if match.lastgroup == "answer":
            return Statement(index, *match.span())
    return None
