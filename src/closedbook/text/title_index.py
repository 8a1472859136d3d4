"""The titles of documents, and the one that a text names."""

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

from closedbook.text.titles import title_of
from closedbook.text.words import begins_at, ends_at

APOSTROPHES = "\u2018\u2019\u201a\u201b\u2032\u02bc\u00b4`"
QUOTES = "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb"
DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_PLAIN_SIGNS = dict.fromkeys(APOSTROPHES, "'") | dict.fromkeys(QUOTES, '"') | dict.fromkeys(DASHES, "-")
_N_FIRST = 2
"""Titles are looked for where a text has their first characters."""


class Named(NamedTuple):
    """A title, and where a text names it: [start, end) in characters; it may be spelled otherwise there."""

    start: int
    end: int
    title: str

    def as_titled(self, text: str) -> str:
        """The text with the title spelled as it is."""
        return text[: self.start] + self.title + text[self.end :]


class TitleIndex(Mapping[str, Sequence[int]]):
    """Each title, in the order of the documents, with the indices of its documents; those without a title are left out.

    Most titles have one document, so that its index is kept without a list around it.
    """

    def __init__(self, titles: Iterable[str]) -> None:
        """`titles` has the title of each document, '' for none."""
        self._first: dict[str, int] = {}
        self._more: dict[str, list[int]] = defaultdict(list)
        for index, title in enumerate(titles):
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

    def named_in(self, text: str) -> Named | None:
        """The longest title that a text has as whole words, the first among equals; None where it has none.

        Where there is none, one that is spelled a little otherwise counts: with other quotes, dashes or blanks, or in
        another case, but a title of one word only in that of its first letter. Likewise where the text has such quotes,
        dashes or blanks and the title is longer. The time is that of reading the text.
        """
        exact = self._exact.longest_in(text)
        if exact is not None and _signs(text) == text:
            return exact
        found = [named for named in (exact, self._alike.longest_in(text)) if named is not None]
        return max(found, key=lambda named: named.end - named.start, default=None)

    @cached_property
    def _exact(self) -> "_Finder":
        return _Finder(self._first)

    @cached_property
    def _alike(self) -> "_AlikeFinder":
        return _AlikeFinder(self._first)


def titles_of(documents: Iterable[str]) -> TitleIndex:
    """The titles of documents; a document without a title is left out."""
    return TitleIndex(title_of(document).name for document in documents)


def title_in(question: str, titles: TitleIndex) -> str:
    """The title that a question names (see `TitleIndex.named_in`); '' where it names none."""
    named = titles.named_in(question)
    return "" if named is None else named.title


class _Finder:
    """Finds the longest of some titles in a text."""

    def __init__(self, titles: Collection[str]) -> None:
        self._titles = titles
        lengths: dict[str, set[int]] = defaultdict(set)
        for title in titles:
            lengths[title[:_N_FIRST]].add(len(title))
        self._lengths = {first: sorted(of_first, reverse=True) for first, of_first in lengths.items()}

    def longest_in(self, text: str) -> Named | None:
        longest: Named | None = None
        for start in range(len(text)):
            for length in self._lengths_at(text, start):
                if longest is not None and length <= longest.end - longest.start:
                    break
                end = start + length
                if text[start:end] in self._titles and begins_at(text, start) and ends_at(text, end):
                    longest = Named(start, end, text[start:end])
                    break
        return longest

    def _lengths_at(self, text: str, start: int) -> Sequence[int]:
        """The lengths of titles that may stand there, the longest first."""
        first = text[start : start + _N_FIRST]
        longer = self._lengths.get(first, ())
        return [*longer, 1] if len(first) > 1 and first[0] in self._lengths else longer


class _AlikeFinder:
    """Finds titles by their plain spelling."""

    def __init__(self, titles: Iterable[str]) -> None:
        self._titles: dict[str, str] = {}
        for title in titles:
            self._titles.setdefault(_plain(title), title)
        self._plain = _Finder(self._titles)

    def longest_in(self, text: str) -> Named | None:
        found = self._plain.longest_in(_plain(text))
        if found is None:
            return None
        title = self._titles[found.title]
        has_its_case = _signs(text[found.start + 1 : found.end]) == _signs(title[1:])
        return Named(found.start, found.end, title) if " " in title or has_its_case else None


def _plain(text: str) -> str:
    """A text in lower case with plain quotes, dashes and blanks; of the same length."""
    return "".join(map(_plain_character, text))


def _signs(text: str) -> str:
    """A text with plain quotes, dashes and blanks."""
    return "".join(map(_plain_sign, text))


@lru_cache(1 << 14)
def _plain_character(character: str) -> str:
    plain = _plain_sign(character).casefold()
    return plain if len(plain) == 1 else character


@lru_cache(1 << 14)
def _plain_sign(character: str) -> str:
    """The plain form of a character: of a wide one, of a quote, of a dash, of a blank."""
    compatible = unicodedata.normalize("NFKC", character)
    if len(compatible) != 1:
        return character
    return _PLAIN_SIGNS.get(compatible, compatible)
