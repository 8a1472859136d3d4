"""Facts: the pairs of a file, each linked to the documents that state it.

A document's subject is its title (`title_length`); a question asks about the longest title that it contains as whole
words. The answer's first whole-word occurrence after the title counts as the statement. That can be wrong where a
document mentions the answer for another reason first.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
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


class TitleIndex(Mapping[str, Sequence[int]]):
    """The titles of documents, in the order of the documents; a document without a title is left out.

    Most titles have one document, so that its index is kept without a list around it.
    """

    def __init__(self, documents: Iterable[str]) -> None:
        self._first: dict[str, int] = {}
        self._more: dict[str, list[int]] = defaultdict(list)
        for index, document in enumerate(documents):
            title = document[: title_length(document)].removesuffix(". ")
            if title and self._first.setdefault(title, index) != index:
                self._more[title].append(index)

    def __getitem__(self, title: str) -> Sequence[int]:
        return [self._first[title], *self._more.get(title, ())]

    def __contains__(self, title: object) -> bool:
        return title in self._first

    def __iter__(self) -> Iterator[str]:
        return iter(self._first)

    def __len__(self) -> int:
        return len(self._first)


def titles_of(documents: Iterable[str]) -> TitleIndex:
    """The titles of documents; a document without a title is left out."""
    return TitleIndex(documents)


def title_in(question: str, titles: Titles) -> str:
    """The longest title that a question contains as whole words, the first among equals; '' where it has none."""
    edges = [match.start() for match in _WORD_EDGE.finditer(question)]
    spans = [(i, j) for i in edges for j in edges if i < j and question[i:j] in titles]
    return max((question[i:j] for i, j in spans), key=len, default="")


def link(pairs: Iterable[Question], documents: Sequence[str]) -> list[Fact]:
    """The fact of each pair, in order; every pair must have an answer."""
    return list(facts_of(pairs, documents, titles_of(documents)))


def facts_of(pairs: Iterable[Question], documents: Sequence[str], titles: Titles) -> Iterator[Fact]:
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


def whole_words(text: str) -> str:
    """A pattern for a text that neither begins nor ends within a word."""
    before = r"(?<!\w)" if re.match(r"\w", text) else ""
    after = r"(?!\w)" if re.search(r"\w\Z", text) else ""
    return f"{before}{re.escape(text)}{after}"


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
        end = at + len(text)
        begins_within = at > 0 and _is_of_word(text[0]) and _is_of_word(document[at - 1])
        ends_within = end < len(document) and _is_of_word(text[-1]) and _is_of_word(document[end])
        if not (begins_within or ends_within):
            return at
        at = document.find(text, at + 1)
    return -1


def _is_of_word(character: str) -> bool:
    return character.isalnum() or character == "_"
