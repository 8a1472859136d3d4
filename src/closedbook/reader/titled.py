"""The documents of all titles as tokens, title by title; the documents of one title are read together."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from closedbook.reader.tokens import Integers, Lexicon, Tokens, ranges, starts_of, tokenize

_CHUNK = 50_000
"""Tokens that are worked on together."""


class Entries(NamedTuple):
    """The documents of some titles: their tokens, and of each its title (from 0) and its number in the corpus."""

    tokens: Tokens
    title_of: Integers
    documents: Integers

    @property
    def title_of_token(self) -> Integers:
        """The title of each token's document."""
        return self.title_of[self.tokens.document_of]


class Titled:
    """All titles, in the order of the corpus; title t has the documents from begins[t] to begins[t + 1] - 1."""

    def __init__(self, documents: Sequence[str], titles: Mapping[str, Sequence[int]], lexicon: Lexicon) -> None:
        self.titles = tuple(titles)
        self.lexicon = lexicon
        self._documents = np.array([document for of_title in titles.values() for document in of_title], np.int64)
        self._begins = starts_of([len(of_title) for of_title in titles.values()])
        # A title ends with its full stop, which is no candidate.
        lengths = [len(title) + 1 for title, of_title in titles.items() for _ in of_title]
        self._tokens = tokenize((documents[number] for number in self._documents.tolist()), lexicon, lengths)

    def __len__(self) -> int:
        return len(self.titles)

    def take(self, titles: Integers) -> Entries:
        """The documents of some titles."""
        lengths = self._begins[titles + 1] - self._begins[titles]
        which = ranges(self._begins[titles], lengths)
        return Entries(self._tokens.take(which), np.repeat(np.arange(len(titles)), lengths), self._documents[which])

    def chunks(self) -> Iterator[Integers]:
        """All titles, in parts of about equal length."""
        n_tokens = np.diff(self._tokens.begins[self._begins])
        chunk_of = np.cumsum(n_tokens) // _CHUNK
        yield from np.split(np.arange(len(self)), np.flatnonzero(np.diff(chunk_of)) + 1)
