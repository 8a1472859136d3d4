"""Candidates: the spans of a document that have the shape of a known answer.

A shape is the classes of a span's tokens and the characters between them: 'London' has the shape 'A', 'St. Louis'
'A. A', 'Rio de Janeiro' 'A a A', '1815' '9999'. A token is a word or a punctuation mark here, not a character.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

TokenSpan = tuple[int, int]
"""Index of the first and of the last token of a span, both included."""

_TOKEN = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Tokens:
    """A text as tokens: their text, where they stand ([start, end) in characters), and their classes.

    A word's class is 'A' if it begins with a capital, else 'a'; a number's is a '9' for each digit, five at most ('9a'
    if letters follow the digits); a punctuation mark is its own class.
    """

    text: str
    words: tuple[str, ...]
    positions: tuple[tuple[int, int], ...]
    classes: tuple[str, ...]

    def text_of(self, span: TokenSpan) -> str:
        """The text of a span."""
        return self.text[self.positions[span[0]][0] : self.positions[span[1]][1]]

    def shape(self, span: TokenSpan) -> str:
        """The classes of a span's tokens, with the characters between the tokens."""
        first, last = span
        parts = [self.classes[first]]
        for k in range(first + 1, last + 1):
            parts += [self.text[self.positions[k - 1][1] : self.positions[k][0]], self.classes[k]]
        return "".join(parts)


def tokenize(text: str) -> Tokens:
    """The words and punctuation marks of a text, in order."""
    matches = list(_TOKEN.finditer(text))
    words = tuple(match.group() for match in matches)
    return Tokens(text, words, tuple(match.span() for match in matches), tuple(map(_class, words)))


def count_shapes(answers: Iterable[str]) -> Counter[str]:
    """How many answers have each shape; an answer without tokens has none."""
    tokenized = [tokenize(answer) for answer in answers]
    return Counter(tokens.shape((0, len(tokens.words) - 1)) for tokens in tokenized if tokens.words)


def candidates(tokens: Tokens, start: int, shapes: Collection[str]) -> list[TokenSpan]:
    """All spans that have one of the shapes and begin at character `start` or later."""
    lengths = sorted({len(_TOKEN.findall(shape)) for shape in shapes})
    found = []
    for first, (position, _) in enumerate(tokens.positions):
        if position >= start:
            spans = [(first, first + n - 1) for n in lengths if first + n <= len(tokens.words)]
            found += [span for span in spans if tokens.shape(span) in shapes]
    return found


def _class(word: str) -> str:
    if not word[0].isalnum() and word[0] != "_":
        return word
    if word.isdecimal():
        return "9" * min(len(word), 5)
    if word[0].isdecimal():
        return "9a"
    return "A" if word[0].isupper() or word[0].istitle() else "a"
