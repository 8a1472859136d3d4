"""Entries: the documents of a title, read together, with their candidates; and the texts that candidates have."""

from array import array
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from closedbook.reader.candidates import Tokens, TokenSpan, by_length, candidates, tokenize
from closedbook.reader.features import Context, Features, Patterns, kept_patterns

NONE = 0
"""The number of the text of 'none of them'."""


class Alternative(NamedTuple):
    """What may answer a title's question: a candidate, or 'none of them', whose text is ''."""

    text: str
    document: int
    features: Features


class Entry(NamedTuple):
    """A title's documents: index, tokens, candidates; their first `n_title` tokens are the title and its full stop."""

    n_title: int
    documents: list[tuple[int, Tokens, list[TokenSpan]]]
    patterns: Patterns

    def texts(self) -> list[str]:
        """The texts of the candidates, one for each mention."""
        return [tokens.text_of(span) for _, tokens, spans in self.documents for span in spans]

    def alternatives(self, elsewhere: Callable[[str], int]) -> Iterator[Alternative]:
        """Each candidate, and then 'none of them'."""
        none: list[tuple[str, ...]] = []
        for document, tokens, spans in self.documents:
            context = Context(tokens, self.n_title, self.patterns)
            for span in spans:
                yield Alternative(tokens.text_of(span), document, context.features(span, elsewhere))
            none.append(context.none_features(len(spans)))
        shared = none[0] if len(none) == 1 else tuple(dict.fromkeys(chain.from_iterable(none)))
        yield Alternative("", self.documents[0][0], Features([], shared))


class Entries:
    """The entries of all titles, each made anew when it is asked for: a corpus can have more than fit into memory."""

    def __init__(self, documents: Sequence[str], titles: Mapping[str, Sequence[int]], shapes: Iterable[str]) -> None:
        """Candidates have one of the shapes and stand after the title."""
        self.titles = titles
        self._documents = documents
        self._shapes = by_length(shapes)
        self._patterns = kept_patterns()

    def __iter__(self) -> Iterator[Entry]:
        return map(self.__getitem__, self.titles)

    def without(self, titles: Container[str]) -> Iterator[Entry]:
        """The entries of the other titles."""
        return (self[title] for title in self.titles if title not in titles)

    def __getitem__(self, title: str) -> Entry:
        found = []
        start = len(title) + 1  # after the full stop, which is no candidate
        for document in self.titles[title]:
            tokens = tokenize(self._documents[document])
            n_title = tokens.n_before(start)
            found.append((document, tokens, candidates(tokens, n_title, self._shapes)))
        return Entry(n_title, found, self._patterns)


class CandidateTexts:
    """The texts of all candidates, numbered by first appearance after NONE, and how many titles have each."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.numbers = {"": NONE}
        self._n_titles = array("q", [1])
        for entry in entries:
            for text in dict.fromkeys(entry.texts()):
                number = self.numbers.setdefault(text, len(self.numbers))
                if number == len(self._n_titles):
                    self._n_titles.append(0)
                self._n_titles[number] += 1

    def __len__(self) -> int:
        return len(self.numbers)

    def elsewhere(self, text: str) -> int:
        """How many titles have a candidate with this text, apart from one of them."""
        number = self.numbers.get(text)
        return 0 if number is None else self._n_titles[number] - 1
