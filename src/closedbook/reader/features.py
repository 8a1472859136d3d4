"""Binary features of a candidate: the words around it, its position in the document, and its form.

A feature is a string that a candidate has or does not have. None is specific to a language or a kind of answer: the
weights learn which words and forms matter.

Many features depend on the kinds of a document's tokens alone. They are made once for each sequence of kinds, which
the lines of a corpus can share.
"""

from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from closedbook.reader.candidates import Tokens, TokenSpan

_PADDING = 5
"""Padding tokens at both ends, as many as the widest window of neighbours."""
_FRONT, _BACK = ("^",) * _PADDING, ("$",) * _PADDING
_N_WORDS_BEFORE = 15
_N_WORDS_AFTER = 8
_NAMES = frozenset("AT")
_FREQUENCIES = (1, 2, 3, 6, 15, 40)
"""Bounds of the bins of a candidate's frequency in documents of other titles."""
_N_PATTERNS = 1024
"""Sequences of kinds whose features are kept, at most."""


class Features(NamedTuple):
    """The features of an alternative: `shared` is the same tuple for equal kinds around it, `own` are the others."""

    own: list[str]
    shared: tuple[str, ...]


class _Around(NamedTuple):
    """What the kinds around tokens i to j give: features, and the candidate's position in a list of names."""

    features: tuple[str, ...]
    n_before: int
    start: int
    """The first token of the list."""
    n_after: int
    end: int
    """The last token of the list."""


class Pattern:
    """The kinds of a document's tokens, padded at both ends.

    A kind is the word itself, but a number's is its class, and a capitalised word's is 'T' if the title has it, else
    'A'.
    """

    def __init__(self, kinds: Sequence[str]) -> None:
        self.kinds = kinds
        self.n_names = _count_names(kinds)
        self.nesting = _nesting(kinds)
        self._around: dict[TokenSpan, _Around] = {}
        self._none: dict[int, tuple[str, ...]] = {}

    def around(self, i: int, j: int) -> _Around:
        """What the kinds around tokens i to j give."""
        found = self._around.get((i, j))
        if found is None:
            found = self._around[i, j] = _around(self, i, j)
        return found

    def none(self, n_candidates: int) -> tuple[str, ...]:
        """The features that the document gives to 'none of them'."""
        found = self._none.get(n_candidates)
        if found is None:
            words = {f"none {kind}" for kind in self.kinds[_PADDING:-_PADDING] if kind not in _NAMES}
            # Sorted, because the order of a set of strings differs between processes, and so would a sum of floats.
            found = self._none[n_candidates] = ("none", f"none n={min(n_candidates, 12)}", *sorted(words))
        return found


Patterns = Callable[[tuple[str, ...]], Pattern]


class Context:
    """A document's tokens as its candidates see them; the first `n_title` are its title."""

    def __init__(self, tokens: Tokens, n_title: int, patterns: Patterns) -> None:
        title = tokens.words[:n_title]
        words = [kind if kind[0] == "9" else word for word, kind in zip(tokens.words, tokens.classes, strict=True)]
        kinds = [
            ("T" if word in title else "A") if kind == "A" else word
            for word, kind in zip(words, tokens.classes, strict=True)
        ]
        self._tokens = tokens
        self._words = [*_FRONT, *words, *_BACK]
        self._pattern = patterns((*_FRONT, *kinds, *_BACK))

    def features(self, span: TokenSpan, elsewhere: Callable[[str], int]) -> Features:
        """The features of a candidate; `elsewhere` gives, for its text, the number of other titles that have it."""
        words, text = self._words, self._tokens.text_of(span)
        i, j = span[0] + _PADDING, span[1] + _PADDING
        around = self._pattern.around(i, j)
        frequencies = _lists_and_frequencies(words, i, j, around, elsewhere, text)
        return Features(["bias", *_neighbours(words, i, j), *_form(text), *frequencies], around.features)

    def none_features(self, n_candidates: int) -> tuple[str, ...]:
        """The features that a document gives to 'none of them': its number of candidates and uncapitalised words."""
        return self._pattern.none(n_candidates)


def kept_patterns() -> Patterns:
    """Makes the pattern of some kinds, and keeps those that were asked for last."""
    return lru_cache(_N_PATTERNS)(Pattern)


def _around(pattern: Pattern, i: int, j: int) -> _Around:
    kinds = pattern.kinds
    n_before, start = _list_before(kinds, i)
    n_after, end = _list_after(kinds, j)
    found = (
        *_neighbouring_kinds(kinds, i, j),
        *_distant_words(pattern, i, j),
        f"kind={kinds[i]}",
        *_names_around(pattern, i, j),
        f"part={n_before} {n_after}",
        f"part-kinds={n_before} {' '.join(kinds[start - 2 : start])}",
    )
    return _Around(found, n_before, start, n_after, end)


def _count_names(kinds: Sequence[str]) -> list[int]:
    """How many names (runs of capitalised words) began before each token."""
    counts, n = [], 0
    for k, kind in enumerate(kinds):
        counts.append(n)
        n += kind in _NAMES and kinds[k - 1] not in _NAMES
    return counts


def _nesting(kinds: Sequence[str]) -> list[str]:
    """Whether each token is in parentheses, and how many were opened before it (0, 1, or 2 for more)."""
    depth, n_opened, nesting = 0, 0, []
    for kind in kinds:
        if kind == "(":
            depth, n_opened = depth + 1, n_opened + 1
        elif kind == ")":
            depth = max(0, depth - 1)
        nesting.append(f"{'in' if depth else 'out'} {min(n_opened, 2)}")
    return nesting


def _neighbours(words: Sequence[str], i: int, j: int) -> tuple[str, ...]:
    """Words next to tokens i to j, alone and together."""
    before, after = words[i - 1], words[j + 1]
    before_2, after_2 = words[i - 2], words[j + 2]
    return (
        f"w-1={before}",
        f"w+1={after}",
        f"w-2={before_2}",
        f"w+2={after_2}",
        f"w-2-1={before_2} {before}",
        f"w+1+2={after} {after_2}",
        f"w-1+1={before} {after}",
    )


def _neighbouring_kinds(kinds: Sequence[str], i: int, j: int) -> Iterator[str]:
    for n in (2, 3, 4, 5):
        yield f"k-{n}={' '.join(kinds[i - n : i])}"
    for n in (2, 3, 4):
        yield f"k+{n}={' '.join(kinds[j + 1 : j + 1 + n])}"
    yield f"k-1+1={kinds[i - 1]} {kinds[j + 1]}"
    yield f"k-2+2={' '.join(kinds[i - 2 : i])} _ {' '.join(kinds[j + 1 : j + 3])}"


def _distant_words(pattern: Pattern, i: int, j: int) -> Iterator[str]:
    """Uncapitalised words further off, with the number of names between: 'born', then the first name after it."""
    kinds, n_names = pattern.kinds, pattern.n_names
    before = range(i - 1, max(i - 1 - _N_WORDS_BEFORE, _PADDING - 1), -1)
    after = range(j + 1, min(j + 1 + _N_WORDS_AFTER, len(kinds) - _PADDING))
    found = [f"<{kinds[k]} {min(n_names[i] - n_names[k], 3)}" for k in before if kinds[k] not in _NAMES]
    found += [f">{kinds[k]} {min(n_names[k] - n_names[j], 3)}" for k in after if kinds[k] not in _NAMES]
    yield from dict.fromkeys(found)


def _form(text: str) -> tuple[str, str, str]:
    return f"is={text}", f"length={min(len(text), 12)}", f"capitals={text.isupper()}"


def _names_around(pattern: Pattern, i: int, j: int) -> Iterator[str]:
    """The candidate's position within a name, in parentheses, and among the document's names."""
    kinds = pattern.kinds
    before = next(n for n in range(1, i + 1) if kinds[i - n] not in _NAMES)
    after = next(n for n in range(1, len(kinds) - j) if kinds[j + n] not in _NAMES)
    yield f"name={min(before, 4)} {min(after, 4)}"
    yield f"name-={min(before, 4)} {kinds[i - before]}"
    yield f"name+={min(after, 4)} {kinds[j + after]}"
    yield f"nesting={pattern.nesting[i]}"
    yield f"names={min(pattern.n_names[i], 6)}"


def _lists_and_frequencies(
    words: Sequence[str], i: int, j: int, around: _Around, elsewhere: Callable[[str], int], text: str
) -> list[str]:
    """The candidate's position in a list such as 'Columbus, Ohio, USA', and how frequent it is in other documents."""
    n_before, n_after = around.n_before, around.n_after
    part = f"part={n_before} {n_after}"
    frequency = f"frequency={bisect(_FREQUENCIES, elsewhere(text))}"
    found = [
        f"{part} {words[around.end + 1]}",
        f"part-={n_before} {words[around.start - 1]}",
        frequency,
        f"{frequency} {part}",
        f"{frequency} {words[i - 1]}",
    ]
    if n_before:
        found.append(f"{frequency} before={bisect(_FREQUENCIES, elsewhere(words[i - 2]))}")
    if n_after:
        found.append(f"{frequency} after={bisect(_FREQUENCIES, elsewhere(words[j + 2]))}")
    return found


def _list_before(kinds: Sequence[str], i: int) -> tuple[int, int]:
    """The number of names before token `i` in its list, each followed by a comma, and where the first begins."""
    n = 0
    while n < 3 and kinds[i - 1] == "," and kinds[i - 2] in _NAMES:
        n, i = n + 1, i - 2
        while kinds[i - 1] in _NAMES:
            i -= 1
    return n, i


def _list_after(kinds: Sequence[str], j: int) -> tuple[int, int]:
    """The number of names after token `j` in its list, each after a comma, and where the last ends."""
    n = 0
    while n < 3 and kinds[j + 1] == "," and kinds[j + 2] in _NAMES:
        n, j = n + 1, j + 2
        while kinds[j + 1] in _NAMES:
            j += 1
    return n, j
