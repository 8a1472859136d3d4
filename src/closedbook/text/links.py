"""Facts: the pairs of a file, each linked to the documents that state it.

A document is about whom its title names (`title_length`), and a question asks about the longest title that stands
in it as whole words. No other reading is done: the answer's first whole-word occurrence behind the title is taken
for the statement, which may be wrong where a document tells of several places.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from closedbook.text.corpus import Question
from closedbook.text.titles import title_length

Titles = Mapping[str, Sequence[int]]
_EDGE = re.compile(r"\b|(?<=\s)|(?=\s)|^|$")


@dataclass(frozen=True)
class Place:
    """Where a document states an answer: its index among the documents, and characters from the line's start."""

    document: int
    start: int
    end: int


@dataclass(frozen=True)
class Fact:
    """A pair, the title that its question names ('' for none), and where the answer stands behind that title."""

    question: str
    answer: str
    line: int
    name: str
    places: tuple[Place, ...]

    @property
    def end(self) -> int | None:
        """The least number of characters from a line's start that hold the answer; None where no document does."""
        return min((place.end for place in self.places), default=None)


def titles_of(documents: Sequence[str]) -> dict[str, list[int]]:
    """Titles without their full stop, and the documents that begin with each; what has no title is left out."""
    titles = defaultdict(list)
    for index, document in enumerate(documents):
        title = document[: title_length(document)].removesuffix(". ")
        if title:
            titles[title].append(index)
    return dict(titles)


def title_in(question: str, titles: Titles) -> str:
    """The longest title that stands in a question as whole words; of equals, the first; '' where none does."""
    edges = [match.start() for match in _EDGE.finditer(question)]
    spans = [(i, j) for i in edges for j in edges if i < j and question[i:j] in titles]
    return max((question[i:j] for i, j in spans), key=len, default="")


def link(pairs: Sequence[Question], documents: Sequence[str]) -> list[Fact]:
    """The fact of each pair, in the order of the pairs, all of which have answers."""
    titles = titles_of(documents)
    facts = []
    for pair in pairs:
        assert pair.answer is not None, "pairs were checked when they were read"
        name = title_in(pair.text, titles)
        places = [_place(i, documents[i], name, pair.answer) for i in titles.get(name, ())]
        stated = tuple(place for place in places if place is not None)
        facts.append(Fact(pair.text, pair.answer, pair.line, name, stated))
    return facts


def mentions(name: str, answer: str) -> re.Pattern[str]:
    """Finds names and answers in turn; a match is of the group 'name' or of the group 'answer'.

    A name is no statement of an answer that is a part of it ('Robert London'), nor the other way round. Both are whole
    words: 'Milano' does not state 'Milan'.
    """
    wanted = [(name, "name"), (answer, "answer")]
    longest_first = sorted(((text, group) for text, group in wanted if text), key=lambda item: -len(item[0]))
    # A group of its own for each, since what lies between a word and no word depends on the text's own ends.
    return re.compile("|".join(rf"(?P<{group}>{whole_words(text)})" for text, group in longest_first))


def whole_words(text: str) -> str:
    """A pattern for a text that neither begins nor ends within a word."""
    before = r"(?<!\w)" if re.match(r"\w", text) else ""
    behind = r"(?!\w)" if re.search(r"\w\Z", text) else ""
    return f"{before}{re.escape(text)}{behind}"


def _place(index: int, document: str, name: str, answer: str) -> Place | None:
    """The answer's first occurrence behind the title."""
    for match in mentions(name, answer).finditer(document, len(name)):
        if match.lastgroup == "answer":
            return Place(index, *match.span())
    return None
