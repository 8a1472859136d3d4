"""Alternatives: for each title the candidates of its documents, and 'none of them' as the last.

An alternative has the features of three rows of a sparse matrix: of where it begins, of where it ends, and its own. The
first two it shares with others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from closedbook.reader.features import Around, left_features, none_features, right_features, span_features
from closedbook.reader.spans import Spans
from closedbook.reader.titled import Entries
from closedbook.reader.tokens import Integers, Keys, mixed, starts_of

_BITS = 22
"""A feature is known by as many bits of its key (feature hashing, Weinberger et al. 2009, section 2)."""
_TEXT_BITS = 24
NONE = 0
"""The key of the text and of the shape of 'none of them'."""


class TextCounts:
    """How many titles have each text as a candidate, but for rare collisions."""

    def __init__(self) -> None:
        self._counts = np.zeros(1 << _TEXT_BITS, np.int32)

    def add(self, spans: Spans, entries: Entries) -> None:
        """Counts the candidates of further titles."""
        title_of = entries.title_of_token[spans.first]
        pairs = np.unique((title_of << _TEXT_BITS) + _bucket(spans.texts, _TEXT_BITS))
        np.add.at(self._counts, pairs & ((1 << _TEXT_BITS) - 1), 1)

    def elsewhere(self, texts: Keys) -> Integers:
        """How many titles have each text, apart from one of them."""
        return np.maximum(self._counts[_bucket(texts, _TEXT_BITS)] - 1, 0)


@dataclass(frozen=True)
class Rows:
    """The features of rows: blocks with as many for each row (0 for none), and pairs of row and feature, in order."""

    blocks: Sequence[Keys]
    ragged: tuple[Integers, Keys]
    n_ragged: int


class FeatureIndex:
    """Numbers for the features that at least two of some rows have; others teach nothing."""

    def __init__(self, rows: Rows) -> None:
        keys = [*(block[block != 0] for block in rows.blocks), rows.ragged[1]]
        is_kept = sum(np.bincount(_bucket(of, _BITS), minlength=1 << _BITS) for of in keys) > 1
        self._numbers = np.where(is_kept, np.cumsum(is_kept) - 1, -1)
        self.n_features = int(np.sum(is_kept))

    def matrix(self, rows: Rows) -> csr_array:
        """The rows of all blocks, then the ragged ones, and an empty row."""
        indices, lengths = [], []
        for block in rows.blocks:
            numbers = np.where(block != 0, self._numbers[_bucket(block, _BITS)], -1)
            indices.append(numbers[numbers >= 0])
            lengths.append((numbers >= 0).sum(1))
        numbers = self._numbers[_bucket(rows.ragged[1], _BITS)]
        indices.append(numbers[numbers >= 0])
        lengths.append(np.bincount(rows.ragged[0][numbers >= 0], minlength=rows.n_ragged + 1))
        starts, flat = starts_of(np.concatenate(lengths)), np.concatenate(indices)
        return csr_array((np.ones(len(flat), np.float32), flat, starts), (len(starts) - 1, max(self.n_features, 1)))


@dataclass(frozen=True)
class Alternatives:
    """The alternatives of some titles; title t has those from starts[t] to starts[t + 1] - 1.

    `spans` are theirs: for 'none of them' with the keys NONE and the token -1. `rows` are three of the matrix each.
    """

    around: Around
    starts: Integers
    spans: Spans
    rows: Integers
    features: Rows


def alternatives_of(entries: Entries, spans: Spans, counts: TextCounts) -> Alternatives:
    """The alternatives of all titles of some entries, whose candidates are given."""
    around, n_titles = Around(entries.tokens), int(entries.title_of.max(initial=-1)) + 1
    title_of_token = entries.title_of_token
    begins, left = np.unique(spans.first, return_inverse=True)
    ends, right = np.unique(spans.last, return_inverse=True)
    frequencies = counts.elsewhere(spans.texts), counts.elsewhere(mixed(entries.tokens.words))
    blocks = (left_features(around, begins), right_features(around, ends), span_features(around, spans, *frequencies))
    features = Rows(blocks, none_features(around, title_of_token, n_titles), n_titles)
    n_of, n_rows = len(spans.first), np.cumsum([0, *map(len, blocks)])
    of_span = np.stack([left, n_rows[1] + right, n_rows[2] + np.arange(n_of)], 1)
    of_none = np.full((n_titles, 3), n_rows[3] + n_titles)
    of_none[:, 0] = n_rows[3] + np.arange(n_titles)
    none = np.full(n_titles, NONE, np.uint64)
    nowhere = np.full(n_titles, -1)
    title_of = np.concatenate([title_of_token[spans.first], np.arange(n_titles)])
    order = np.argsort(title_of, kind="stable")
    every = zip((spans.first, spans.last, spans.shapes, spans.texts), (nowhere, nowhere, none, none), strict=True)
    with_none = Spans(*(np.concatenate(columns) for columns in every)).take(order)
    starts = starts_of(np.bincount(title_of, minlength=n_titles))
    return Alternatives(around, starts, with_none, np.concatenate([of_span, of_none])[order], features)


def _bucket(keys: Keys, bits: int) -> Integers:
    return (keys >> np.uint64(64 - bits)).astype(np.int64)
