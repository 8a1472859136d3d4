"""Binary features of a candidate: the words around it, its position in the document, and its form.

A feature is a key that a candidate has or does not have; 0 is none. No feature is specific to a language or a kind of
answer: the weights learn which words and forms matter. Most depend on where the candidate begins, or on where it ends;
these are made once for each token.
"""

from collections.abc import Sequence
from functools import cached_property
from itertools import count

import numpy as np

from closedbook.reader.spans import Spans
from closedbook.reader.tokens import IDEOGRAPH, Booleans, Integers, Keys, Tokens, mixed

_N_WORDS_BEFORE = 15
_N_WORDS_AFTER = 8
_FREQUENCIES = np.array([1, 2, 3, 6, 15, 40])
"""Bounds of the bins of a candidate's frequency in documents of other titles."""
_FRONT, _BACK, _NAME, _TITLE, _CLASS = -1, -2, -3, -4, -5
"""In place of a word's number: outside of documents, a capitalised word, one of the title; and below, numbers."""


class Around:
    """What stands around the tokens of some documents.

    A token's *kind* is its word, but for a number its class, and for a capitalised word 'name', or 'title' if the title
    has it.
    """

    def __init__(self, tokens: Tokens) -> None:
        lexicon, n = tokens.lexicon, len(tokens.words)
        classes = lexicon.classes[tokens.words]
        self.tokens = tokens
        self.index = np.arange(n)
        self.begin = np.repeat(tokens.begins[:-1], np.diff(tokens.begins))
        self.end = np.repeat(tokens.begins[1:], np.diff(tokens.begins))
        self.words = np.where(lexicon.are_numbers[classes], _CLASS - classes, tokens.words)
        capital, ideograph = (classes == lexicon.class_number(name) for name in ("A", IDEOGRAPH))
        documents = tokens.document_of * np.int64(1 << 32) + tokens.words
        in_title = np.isin(documents, documents[self.index - self.begin < tokens.n_title[tokens.document_of]])
        of_title = (capital | ideograph) & in_title
        self.kinds = np.where(of_title, _TITLE, np.where(capital, _NAME, self.words))
        self.are_names = capital
        self.n_names = _counted_before(capital & (self.before(capital, 1, fill=0) == 0), self.begin)
        comma = lexicon.number([","], [])[0][0]
        self.are_commas = tokens.words == comma
        self._find_runs()

    def before(self, values: Integers | Booleans, distance: int, fill: int = _FRONT) -> Integers:
        """The value of the token at a distance before each token."""
        return self.at(values, self.index - distance, fill)

    def after(self, values: Integers | Booleans, distance: int, fill: int = _BACK) -> Integers:
        """The value of the token at a distance after each token."""
        return self.at(values, self.index + distance, fill)

    def at(self, values: Integers | Booleans, where: Integers, fill: int) -> Integers:
        """The value at another token of the same document, for each token."""
        inside = (where >= self.begin) & (where < self.end)
        return np.where(inside, values[np.where(inside, where, 0)].astype(np.int64), fill)

    def _find_runs(self) -> None:
        """Where the last token before each that is no name stands, and the next one after it."""
        other = np.where(self.are_names, -1, self.index)
        last = np.maximum.accumulate(other) if len(other) else other
        self.previous_other = np.maximum(self.before(last, 1), self.begin - 1)
        other = np.where(self.are_names, len(other), self.index)
        following = np.minimum.accumulate(other[::-1])[::-1] if len(other) else other
        self.next_other = np.minimum(self.after(following, 1, fill=len(other)), self.end)

    @cached_property
    def listed_before(self) -> tuple[Integers, Integers]:
        """The number of names before each token in its list, each followed by a comma, and where the first begins."""
        n, start = np.zeros_like(self.index), self.index
        for _ in range(3):
            is_listed = (self.at(self.are_commas, start - 1, 0) & self.at(self.are_names, start - 2, 0)) > 0
            n = n + is_listed
            start = np.where(is_listed, self.at(self.previous_other, start - 2, 0) + 1, start)
        return n, start

    @cached_property
    def listed_after(self) -> tuple[Integers, Integers]:
        """The number of names after each token in its list, each after a comma, and where the last ends."""
        n, end = np.zeros_like(self.index), self.index
        for _ in range(3):
            is_listed = (self.at(self.are_commas, end + 1, 0) & self.at(self.are_names, end + 2, 0)) > 0
            n = n + is_listed
            end = np.where(is_listed, self.at(self.next_other, end + 2, 0) - 1, end)
        return n, end


def _counted_before(which: Booleans, begin: Integers) -> Integers:
    """How many of the tokens `which` stand before each in its document."""
    counts = np.concatenate([[0], np.cumsum(which)])
    return counts[:-1] - counts[begin] if len(begin) else counts[:-1]


def left_features(around: Around, tokens: Integers) -> Keys:
    """The features of a candidate that begins at each of some tokens: (tokens, features)."""
    w, k, index = around.words, around.kinds, around.index
    n_listed, start = around.listed_before
    words = [around.before(w, d) for d in (1, 2)]
    kinds = [around.before(k, d) for d in range(1, 6)]
    n_before = np.minimum(index - around.previous_other, 4)
    marks, _ = around.tokens.lexicon.number("()", [])
    opened, closed = (_counted_before(around.tokens.words == mark, around.begin) for mark in marks)
    rows = [
        words[:1], words[1:], words, kinds[:2], kinds[:3], kinds[:4], kinds[:5], [k], [w],
        [n_listed, around.at(k, start - 2, _FRONT), around.at(k, start - 1, _FRONT)],
        [n_listed, around.at(w, start - 1, _FRONT)],
        [n_before, around.at(k, around.previous_other, _FRONT)],
        [opened > closed, np.minimum(opened, 2)],
        [np.minimum(around.n_names, 6)],
    ]  # fmt: skip
    keys = _keys(rows, 100)
    for distance in range(1, _N_WORDS_BEFORE + 1):
        kind, n_names = around.before(k, distance), around.before(around.n_names, distance)
        is_word = (kind != _FRONT) & (around.before(around.are_names, distance, 0) == 0)
        keys.append(np.where(is_word, mixed(200, kind, np.minimum(around.n_names - n_names, 3)), 0))
    return np.stack([key[tokens] for key in keys], 1)


def right_features(around: Around, tokens: Integers) -> Keys:
    """The features of a candidate that ends at each of some tokens: (tokens, features)."""
    w, k = around.words, around.kinds
    words = [around.after(w, d) for d in (1, 2)]
    kinds = [around.after(k, d) for d in range(1, 5)]
    n_after = np.minimum(around.next_other - around.index, 4)
    rows = [words[:1], words, kinds[:2], kinds[:3], kinds[:4], [w], [n_after, around.at(k, around.next_other, _BACK)]]
    keys = _keys(rows, 300)
    for distance in range(1, _N_WORDS_AFTER + 1):
        kind, n_names = around.after(k, distance), around.after(around.n_names, distance)
        is_word = (kind != _BACK) & (around.after(around.are_names, distance, 0) == 0)
        keys.append(np.where(is_word, mixed(400, kind, np.minimum(n_names - around.n_names, 3)), 0))
    return np.stack([key[tokens] for key in keys], 1)


def span_features(around: Around, spans: Spans, frequency: Integers, of_single: Integers) -> Keys:
    """The features of candidates that depend on both ends: (candidates, features).

    `frequency` says in how many other titles' documents a candidate stands, `of_single` the same of each token alone.
    """
    i, j, w, k = spans.first, spans.last, around.words, around.kinds
    (n_before, _), (n_after, end) = around.listed_before, around.listed_after
    before, after = n_before[i], n_after[j]
    w1, w2 = around.before(w, 1)[i], around.after(w, 1)[j]
    k1, k2 = (around.before(k, d)[i] for d in (1, 2))
    k3, k4 = (around.after(k, d)[j] for d in (1, 2))
    in_name = np.minimum(i - around.previous_other[i], 4), np.minimum(around.next_other[j] - j, 4)
    own, single = np.searchsorted(_FREQUENCIES, frequency, "right"), np.searchsorted(_FREQUENCIES, of_single, "right")
    length = np.minimum(around.tokens.ends[j] - around.tokens.starts[i], 12)
    is_upper = np.concatenate([[0], np.cumsum(~around.tokens.lexicon.are_upper[around.tokens.words])])
    rows = [
        [np.zeros_like(i)], [w1, w2], [k1, k3], [k1, k2, k3, k4], [*in_name], [before, after],
        [before, after, around.at(w, end + 1, _BACK)[j]], [spans.texts], [spans.shapes], [length],
        [is_upper[j + 1] == is_upper[i]], [own], [own, before, after], [own, w1],
    ]  # fmt: skip
    keys = _keys(rows, 500)
    keys.append(np.where(before > 0, mixed(600, own, around.before(single, 2, 0)[i]), 0))
    keys.append(np.where(after > 0, mixed(601, own, around.after(single, 2, 0)[j]), 0))
    return np.stack(keys, 1)


def none_features(around: Around, title_of: Integers, n_titles: int) -> tuple[Integers, Keys]:
    """The features of each title's 'none of them' as pairs of title and feature, in order.

    There is one that all have, and one for each kind of the title's tokens that is no name.
    """
    which = ~around.are_names
    keys = np.concatenate([mixed(700, around.kinds[which]), np.full(n_titles, mixed(701))])
    titles = np.concatenate([title_of[which], np.arange(n_titles)])
    order = np.lexsort((keys, titles))
    keys, titles = keys[order], titles[order]
    is_new = np.concatenate([[True], (keys[1:] != keys[:-1]) | (titles[1:] != titles[:-1])])[: len(keys)]
    return titles[is_new], keys[is_new]


def _keys(rows: Sequence[Sequence[Integers | Booleans]], first: int) -> list[Keys]:
    return [mixed(number, *values) for number, values in zip(count(first), rows)]  # count has no end
