"""The answers of the pairs: the keys of their texts, and the shapes that candidates may have."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from closedbook.reader.spans import candidates, whole
from closedbook.reader.titled import Entries
from closedbook.reader.tokens import Booleans, Integers, Keys, Lexicon, tokenize

_MAX_CANDIDATES = 6
"""Candidates for each token, at most: the shapes of the fewest titles' answers are left out."""


@dataclass(frozen=True)
class Answers:
    """The keys of texts and shapes by text, without those that have no token; and which title's answers have a shape.

    Title `titles[k]` has an answer of the shape `shapes[k]`.
    """

    texts: Mapping[str, int]
    titles: Integers
    shapes: Keys
    longest: int
    """Tokens of the longest answer that has one of the shapes."""

    def keys(self, texts: Iterable[str]) -> Keys:
        """The keys of some texts."""
        return np.array([self.texts[text] for text in texts if text in self.texts], np.uint64)

    def shapes_of(self, known: Booleans) -> Keys:
        """The shapes of the answers of some titles."""
        return np.unique(self.shapes[known[self.titles]])


def read_answers(of_titles: Mapping[int, Collection[str]], asked: Entries, lexicon: Lexicon) -> Answers:
    """The answers by title; candidates are counted in the documents of the titles with pairs."""
    every = list(dict.fromkeys(text for texts in of_titles.values() for text in texts))
    tokens = tokenize(every, lexicon)
    n_tokens, spans = np.diff(tokens.begins), whole(tokens)
    shape_of = {text: shape for text, shape, n in zip(every, spans.shapes.tolist(), n_tokens, strict=True) if n}
    text_of = {text: key for text, key in zip(every, spans.texts.tolist(), strict=True) if text in shape_of}
    pairs = {(title, shape_of[text]) for title, texts in of_titles.items() for text in texts if text in shape_of}
    length_of = dict(zip(spans.shapes.tolist(), n_tokens.tolist(), strict=True))
    kept = _affordable(Counter(shape for _, shape in pairs), length_of, asked)
    titles, shapes = zip(*sorted(pair for pair in pairs if pair[1] in kept), strict=True) if kept else ((), ())
    longest = max((length_of[shape] for shape in kept), default=0)
    return Answers(text_of, np.array(titles, np.int64), np.array(shapes, np.uint64), longest)


def _affordable(n_titles: Mapping[int, int], length_of: Mapping[int, int], asked: Entries) -> set[int]:
    """The shapes of most titles' answers, as many as give not too many candidates."""
    every = np.array(list(n_titles), np.uint64)
    longest = max((length_of[shape] for shape in n_titles), default=0)
    found = Counter(candidates(asked.tokens, every, longest).shapes.tolist())
    kept, n = set(), 0
    for shape in sorted(n_titles, key=lambda shape: (-n_titles[shape], length_of[shape], shape)):
        n += found[shape]
        if n > _MAX_CANDIDATES * len(asked.tokens.words):
            break
        kept.add(shape)
    return kept
