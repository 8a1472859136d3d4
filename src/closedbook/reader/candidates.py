"""Candidates: the spans of a document that have the shape of a known answer.

A shape is the classes of a span's tokens and the characters between them: 'London' has the shape 'A', 'St. Louis'
'A. A', 'Rio de Janeiro' 'A a A', '1815' '9999'. A token is a word or a punctuation mark here, not a character.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

TokenSpan = tuple[int, int]
"""Index of the first and of the last token of a span, both included."""

_TOKEN = re.compile(r"(\w+|[^\w\s])")


class Tokens(NamedTuple):
    """A text as tokens: their text, where they stand ([start, end) in characters), and their classes.

    A word's class is 'A' if it begins with a capital, else 'a'; a number's is a '9' for each digit, five at most ('9a'
    if letters follow the digits); a punctuation mark is its own class.
    """

    text: str
    words: Sequence[str]
    positions: Sequence[tuple[int, int]]
    classes: Sequence[str]

    def text_of(self, span: TokenSpan) -> str:
        """The text of a span."""
        return self.text[self.positions[span[0]][0] : self.positions[span[1]][1]]

    def n_before(self, character: int) -> int:
        """How many tokens begin before a character of the text."""
        return bisect_left(self.positions, (character,))

    def shape(self, span: TokenSpan) -> str:
        """The classes of a span's tokens, with the characters between the tokens."""
        first, last = span
        if first == last:
            return self.classes[first]
        parts = [self.classes[first]]
        for k in range(first + 1, last + 1):
            parts += [self.text[self.positions[k - 1][1] : self.positions[k][0]], self.classes[k]]
        return "".join(parts)


def tokenize(text: str) -> Tokens:
    """The words and punctuation marks of a text, in order."""
    parts = _TOKEN.split(text)  # what stands between two tokens, and the tokens
    ends = list(accumulate(map(len, parts)))
    words = parts[1::2]
    return Tokens(text, words, list(zip(ends[::2], ends[1::2], strict=False)), list(map(_class, words)))


def count_shapes(answers: Iterable[str]) -> Counter[str]:
    """How many answers have each shape; an answer without tokens has none."""
    tokenized = [tokenize(answer) for answer in answers]
    return Counter(tokens.shape((0, len(tokens.words) - 1)) for tokens in tokenized if tokens.words)


def by_length(shapes: Iterable[str]) -> dict[int, set[str]]:
    """Shapes by their number of tokens, the shortest first."""
    lengths: dict[int, set[str]] = {}
    for shape in sorted(shapes, key=_n_tokens):
        lengths.setdefault(_n_tokens(shape), set()).add(shape)
    return lengths


def candidates(tokens: Tokens, n_title: int, shapes: Mapping[int, Collection[str]]) -> list[TokenSpan]:
    """All spans that have one of the shapes (as of `by_length`) and begin after the first `n_title` tokens."""
    n = len(tokens.words)
    spans = [
        (first, first + length - 1)
        for length, of_length in shapes.items()
        for first in range(n_title, n - length + 1)
        if tokens.shape((first, first + length - 1)) in of_length
    ]
    return sorted(spans)


def _n_tokens(shape: str) -> int:
    return len(_TOKEN.findall(shape))


@lru_cache(1 << 16)
def _class(word: str) -> str:
    if not word[0].isalnum() and word[0] != "_":
        return word
    if word.isdecimal():
        return "9" * min(len(word), 5)
    if word[0].isdecimal():
        return "9a"
    return "A" if word[0].isupper() or word[0].istitle() else "a"
