"""Tokens: the words and punctuation marks of documents, as arrays of numbers. A token is no character here.

In scripts without blanks between words each character is a token.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from closedbook.text.words import NO_BLANKS, combining_marks

Integers = NDArray[np.integer[Any]]
Keys = NDArray[np.uint64]
Booleans = NDArray[np.bool_]

IDEOGRAPH = "字"
"""The class of a character of a script without blanks."""
_STEM = 4
"""Words that have as many first letters in common count as one in `Lexicon.stems`."""
_FACTOR = np.uint64(0xD6E8FEB86659FD93)
_BATCH = 4096
"""Documents whose tokens are in memory as strings at the same time."""

_ASCII_TOKEN = re.compile(r"(\w+|[^\w\s])")
"""The same as `_token` where a text is ASCII, and several times as fast."""


@cache
def _token() -> re.Pattern[str]:
    spaced = rf"[^\W{NO_BLANKS}]"
    marks = combining_marks()
    return re.compile(rf"({spaced}+(?:[{marks}]+{spaced}*)*|[{NO_BLANKS}]|[^\w\s])")


def mixed(*parts: Keys | Integers | Booleans | int) -> Keys:
    """A number of 64 bits for each sequence of numbers; equal ones are rare for different sequences."""
    key = np.array(0x9E3779B97F4A7C15, np.uint64)
    with np.errstate(over="ignore"):
        for part in parts:
            key = (key ^ np.asarray(part).astype(np.uint64)) * _FACTOR
            key = np.asarray(key ^ (key >> np.uint64(32)))
        return np.asarray(key * _FACTOR)


class Lexicon:
    """Numbers for words, for what stands between two tokens, and for classes; those of new ones follow.

    A word's class is 'A' if it begins with a capital, else 'a'; a number's is a '9' for each digit, five at most ('9a'
    if letters follow the digits); that of a character of a script without blanks is '字'; a mark is its own class.
    """

    def __init__(self) -> None:
        self._words, self._gaps, self._classes, self._stems = (_numbering() for _ in range(4))
        self._table = np.zeros((0, 3), np.int64)

    def number(self, words: Iterable[str], gaps: Iterable[str]) -> tuple[list[int], list[int]]:
        """The numbers of some words and gaps."""
        return list(map(self._words.__getitem__, words)), list(map(self._gaps.__getitem__, gaps))

    def class_number(self, name: str) -> int:
        """The number of a class."""
        return self._classes[name]

    def _columns(self) -> Integers:
        n_known = len(self._table)
        if n_known < len(self._words):
            rows = []
            for word in islice(self._words, n_known, None):
                stem = self._stems[word.lower()[:_STEM]]
                rows.append((self._classes[class_of(word)], stem, word.isupper()))
            self._table = np.concatenate([self._table, np.array(rows, np.int64)])
        return self._table

    @property
    def classes(self) -> Integers:
        """The class of each word."""
        return self._columns()[:, 0]

    @property
    def stems(self) -> Integers:
        """The number of each word's first letters, in lower case."""
        return self._columns()[:, 1]

    @property
    def are_upper(self) -> Booleans:
        """Whether a word has capitals alone."""
        return self._columns()[:, 2] > 0

    @property
    def are_numbers(self) -> Booleans:
        """Whether a class is one of numbers."""
        return np.array([name[0] == "9" for name in self._classes], bool)


@dataclass(frozen=True)
class Tokens:
    """Documents as tokens, one document after another.

    Document d has the tokens begins[d] to begins[d + 1] - 1, the first `n_title[d]` of which are its title. A token has
    a number for its word, one for what stands between it and the token before, and [start, end) in characters of its
    document.
    """

    lexicon: Lexicon
    words: Integers
    gaps: Integers
    starts: Integers
    ends: Integers
    begins: Integers
    n_title: Integers

    def take(self, documents: Integers) -> "Tokens":
        """Some of the documents, in the given order."""
        begins = self.begins[documents]
        lengths = self.begins[documents + 1] - begins
        which = ranges(begins, lengths)
        words, gaps, starts, ends = (column[which] for column in (self.words, self.gaps, self.starts, self.ends))
        return Tokens(self.lexicon, words, gaps, starts, ends, starts_of(lengths), self.n_title[documents])

    @property
    def document_of(self) -> Integers:
        """The document of each token."""
        return np.repeat(np.arange(len(self.n_title)), np.diff(self.begins))


def tokenize(texts: Iterable[str], lexicon: Lexicon, title_lengths: Sequence[int] | None = None) -> Tokens:
    """The tokens of some texts; those that begin in the first `title_lengths` characters of each are its title."""
    columns: list[list[NDArray[np.int32]]] = [[], [], [], []]
    counts: list[int] = []
    remaining = iter(texts)
    while batch := list(islice(remaining, _BATCH)):
        # What stands between tokens, and tokens, in turn.
        parts = [(_ASCII_TOKEN if text.isascii() else _token()).split(text) for text in batch]
        flat = list(chain.from_iterable(of_text[:-1] for of_text in parts))
        counts += [len(of_text) // 2 for of_text in parts]
        ends = np.cumsum(np.fromiter(map(len, flat), np.int64, len(flat)))
        n = counts[-len(parts) :]
        base = np.repeat(np.concatenate([[0], ends])[2 * starts_of(n)[:-1]], n)
        new = (*lexicon.number(flat[1::2], flat[::2]), ends[::2] - base, ends[1::2] - base)
        for column, values in zip(columns, new, strict=True):
            column.append(np.array(values, np.int32))
    words, gaps, starts, ends = (np.concatenate([np.zeros(0, np.int32), *column]) for column in columns)
    begins = starts_of(counts)
    lengths = np.zeros(len(counts), np.int64) if title_lengths is None else np.asarray(title_lengths)
    in_title = starts < np.repeat(lengths, np.diff(begins))
    n_title = np.diff(np.concatenate([[0], np.cumsum(in_title)])[begins])
    return Tokens(lexicon, words, gaps, starts, ends, begins, n_title)


def class_of(word: str) -> str:
    """The class of a token."""
    if re.match(f"[{NO_BLANKS}]", word):
        return IDEOGRAPH if word.isalnum() else word
    if not word[0].isalnum() and word[0] != "_":
        return word
    if word.isdecimal():
        return "9" * min(len(word), 5)
    if word[0].isdecimal():
        return "9a"
    return "A" if word[0].isupper() or word[0].istitle() else "a"


def ranges(begins: Integers, lengths: Integers) -> Integers:
    """The integers from each beginning on, one range after another."""
    return np.repeat(begins - starts_of(lengths)[:-1], lengths) + np.arange(np.sum(lengths))


def starts_of(lengths: Integers | Sequence[int]) -> Integers:
    """Where ranges of these lengths begin, laid end to end, and where the last ends."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _numbering() -> defaultdict[str, int]:
    numbers: defaultdict[str, int] = defaultdict()
    numbers.default_factory = numbers.__len__
    return numbers
