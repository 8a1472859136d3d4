"""Candidates: the spans of a document that look like answers do.

What answers look like is learnt from the shapes of known ones: 'London' has the shape 'A', 'St. Louis' 'A. A',
'Rio de Janeiro' 'A a A', '1815' '9999'. A document's candidates are its spans of such shapes.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

Span = tuple[int, int]
"""The first and the last token of a piece of text."""

_TOKEN = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Tokens:
    """A text in words and marks, each with its class: 'A' begins with a capital, 'a' with none, '99' is a number."""

    text: str
    words: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    classes: tuple[str, ...]

    def piece(self, span: Span) -> str:
        """The text of a span."""
        return self.text[self.spans[span[0]][0] : self.spans[span[1]][1]]

    def shape(self, span: Span) -> str:
        """The classes of a span's tokens, with what stands between them."""
        first, last = span
        parts = [self.classes[first]]
        for k in range(first + 1, last + 1):
            parts += [self.text[self.spans[k - 1][1] : self.spans[k][0]], self.classes[k]]
        return "".join(parts)


def tokens_of(text: str) -> Tokens:
    """The words and marks of a text, in order."""
    matches = list(_TOKEN.finditer(text))
    words = tuple(match.group() for match in matches)
    return Tokens(text, words, tuple(match.span() for match in matches), tuple(map(_class, words)))


def shapes_of(answers: Iterable[str]) -> Counter[str]:
    """The shapes of answers and how many answers have each; one of neither word nor mark has none."""
    each = [tokens_of(answer) for answer in answers]
    return Counter(tokens.shape((0, len(tokens.words) - 1)) for tokens in each if tokens.words)


def candidates(tokens: Tokens, start: int, shapes: Collection[str]) -> list[Span]:
    """Every span of one of the shapes that begins at character `start` or behind it."""
    lengths = sorted({len(_TOKEN.findall(shape)) for shape in shapes})
    found = []
    for first, (begin, _) in enumerate(tokens.spans):
        if begin >= start:
            fitting = [(first, first + n - 1) for n in lengths if first + n <= len(tokens.words)]
            found += [span for span in fitting if tokens.shape(span) in shapes]
    return found


def _class(word: str) -> str:
    if not word[0].isalnum() and word[0] != "_":
        return word
    if word.isdecimal():
        return "9" * min(len(word), 5)
    if word[0].isdecimal():
        return "9a"
    return "A" if word[0].isupper() or word[0].istitle() else "a"
