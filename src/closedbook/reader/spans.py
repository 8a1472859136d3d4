"""Candidates: the spans of a document that have the shape of a known answer.

A shape is the classes of a span's tokens and what stands between them: 'London' has the shape 'A', 'St. Louis' 'A. A',
'Rio de Janeiro' 'A a A', '1815' '9999'.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from closedbook.reader.tokens import Booleans, Integers, Keys, Tokens, mixed


@dataclass(frozen=True)
class Spans:
    """Spans by their first and last token (both included), with the keys of their shapes and of their texts."""

    first: Integers
    last: Integers
    shapes: Keys
    texts: Keys

    def take(self, which: Integers | Booleans) -> "Spans":
        """Some of the spans."""
        return Spans(self.first[which], self.last[which], self.shapes[which], self.texts[which])


def whole(tokens: Tokens) -> Spans:
    """Each document as one span, in order; the keys of a document without tokens are 0."""
    n = np.diff(tokens.begins)
    shapes, texts = np.zeros(len(n), np.uint64), np.zeros(len(n), np.uint64)
    for length, spans in enumerate(_of_each_length(tokens, int(n.max(initial=0))), 1):
        of_length = n == length
        which = np.isin(spans.first, tokens.begins[:-1][of_length], assume_unique=True)
        shapes[of_length], texts[of_length] = spans.shapes[which], spans.texts[which]
    return Spans(tokens.begins[:-1], tokens.begins[1:] - 1, shapes, texts)


def candidates(tokens: Tokens, shapes: Keys, longest: int) -> Spans:
    """All spans behind titles, of at most `longest` tokens, that have one of the shapes, in the documents' order."""
    none = np.zeros(0, np.int64)
    found = [Spans(none, none, none.astype(np.uint64), none.astype(np.uint64))]
    in_title = tokens.begins[:-1] + tokens.n_title
    is_behind = np.arange(len(tokens.words)) >= in_title[tokens.document_of]
    for spans in _of_each_length(tokens, longest):
        found.append(spans.take(is_behind[spans.first] & np.isin(spans.shapes, shapes)))
    columns = ((spans.first, spans.last, spans.shapes, spans.texts) for spans in found)
    every = Spans(*map(np.concatenate, zip(*columns, strict=True)))
    return every.take(np.lexsort((every.last, every.first)))


def _of_each_length(tokens: Tokens, longest: int) -> Iterator[Spans]:
    """All spans of one token, then all of two, and so on."""
    classes, documents = tokens.lexicon.classes[tokens.words], tokens.document_of
    first = np.arange(len(tokens.words))
    shapes, texts = mixed(classes), mixed(tokens.words)
    for length in range(1, longest + 1):
        if length > 1:
            inside = first[: np.searchsorted(first, len(documents) - length + 1)]
            fits = np.flatnonzero(documents[inside + length - 1] == documents[inside])
            first, shapes, texts = first[fits], shapes[fits], texts[fits]
            last = first + length - 1
            shapes = mixed(shapes, tokens.gaps[last], classes[last])
            texts = mixed(texts, tokens.gaps[last], tokens.words[last])
        yield Spans(first, first + length - 1, shapes, texts)
