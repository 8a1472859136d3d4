"""Binary features of a candidate: the words around it, its position in the document, and its form.

A feature is a string that a candidate has or does not have. None is specific to a language or a kind of answer: the
weights learn which words and forms matter.
"""

from bisect import bisect
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from closedbook.reader.candidates import Tokens, TokenSpan

_PADDING = 5
"""Padding tokens at both ends, as many as the widest window of neighbours."""
_N_WORDS_BEFORE = 15
_N_WORDS_AFTER = 8
_NAMES = frozenset("AT")
_FREQUENCIES = (1, 2, 3, 6, 15, 40)
"""Bounds of the bins of a candidate's frequency in documents of other titles."""


class _Padded(NamedTuple):
    """A document's tokens, padded at both ends."""

    words: Sequence[str]
    """The tokens; a number is replaced by its class."""
    kinds: Sequence[str]
    """The same, but a capitalised word is 'T' if the title has it, else 'A'."""
    n_names: Sequence[int]
    """How many names (runs of capitalised words) began before each token."""
    nesting: Sequence[str]
    """Whether each token is in parentheses, and how many were opened before it (0, 1, or 2 for more)."""


def features(
    tokens: Tokens, title: Collection[str], spans: Sequence[TokenSpan], elsewhere: Mapping[str, int]
) -> Iterator[list[str]]:
    """The features of each candidate.

    `title` is the title's words; `elsewhere` gives, for a candidate's text, the number of other titles that have it.
    """
    padded = _pad(tokens, title)
    for first, last in spans:
        text = tokens.text_of((first, last))
        i, j = first + _PADDING, last + _PADDING
        yield [
            "bias",
            *_neighbours(padded, i, j),
            *_distant_words(padded, i, j),
            *_form(text, padded.kinds[i]),
            *_names_around(padded, i, j),
            *_lists_and_frequencies(padded, i, j, elsewhere, text),
        ]


def none_features(tokens: Tokens, n_candidates: int) -> list[str]:
    """The features that a document gives to 'none of them': its number of candidates and its uncapitalised words."""
    words = {
        f"none {_word(word, kind)}" for word, kind in zip(tokens.words, tokens.classes, strict=True) if kind != "A"
    }
    # Sorted, because the order of a set of strings differs between processes, and so would a sum of floats.
    return ["none", f"none n={min(n_candidates, 12)}", *sorted(words)]


def _pad(tokens: Tokens, title: Collection[str]) -> _Padded:
    front, back = ["^"] * _PADDING, ["$"] * _PADDING
    pairs = list(zip(tokens.words, tokens.classes, strict=True))
    words = [*front, *(_word(word, kind) for word, kind in pairs), *back]
    kinds = [*front, *(_kind(word, kind, title) for word, kind in pairs), *back]
    return _Padded(words, kinds, _count_names(kinds), _nesting(words))


def _word(word: str, kind: str) -> str:
    return kind if kind[0] == "9" else word


def _kind(word: str, kind: str, title: Collection[str]) -> str:
    if kind != "A":
        return _word(word, kind)
    return "T" if word in title else "A"


def _count_names(kinds: Sequence[str]) -> list[int]:
    counts, n = [], 0
    for k, kind in enumerate(kinds):
        counts.append(n)
        n += kind in _NAMES and kinds[k - 1] not in _NAMES
    return counts


def _nesting(words: Sequence[str]) -> list[str]:
    depth, n_opened, nesting = 0, 0, []
    for word in words:
        if word == "(":
            depth, n_opened = depth + 1, n_opened + 1
        elif word == ")":
            depth = max(0, depth - 1)
        nesting.append(f"{'in' if depth else 'out'} {min(n_opened, 2)}")
    return nesting


def _neighbours(padded: _Padded, i: int, j: int) -> Iterator[str]:
    """Words and kinds next to tokens i to j, alone and together."""
    words, kinds = padded.words, padded.kinds
    for n in (1, 2):
        yield f"w-{n}={words[i - n]}"
        yield f"w+{n}={words[j + n]}"
    yield f"w-2-1={words[i - 2]} {words[i - 1]}"
    yield f"w+1+2={words[j + 1]} {words[j + 2]}"
    yield f"w-1+1={words[i - 1]} {words[j + 1]}"
    for n in (2, 3, 4, 5):
        yield f"k-{n}={' '.join(kinds[i - n : i])}"
    for n in (2, 3, 4):
        yield f"k+{n}={' '.join(kinds[j + 1 : j + 1 + n])}"
    yield f"k-1+1={kinds[i - 1]} {kinds[j + 1]}"
    yield f"k-2+2={' '.join(kinds[i - 2 : i])} _ {' '.join(kinds[j + 1 : j + 3])}"


def _distant_words(padded: _Padded, i: int, j: int) -> Iterator[str]:
    """Uncapitalised words further off, with the number of names between: 'born', then the first name after it."""
    words, kinds, n_names = padded.words, padded.kinds, padded.n_names
    before = range(i - 1, max(i - 1 - _N_WORDS_BEFORE, _PADDING - 1), -1)
    after = range(j + 1, min(j + 1 + _N_WORDS_AFTER, len(kinds) - _PADDING))
    found = [f"<{words[k]} {min(n_names[i] - n_names[k], 3)}" for k in before if kinds[k] not in _NAMES]
    found += [f">{words[k]} {min(n_names[k] - n_names[j], 3)}" for k in after if kinds[k] not in _NAMES]
    yield from dict.fromkeys(found)


def _form(text: str, kind: str) -> Iterator[str]:
    yield f"is={text}"
    yield f"kind={kind}"
    yield f"length={min(len(text), 12)}"
    yield f"capitals={text.isupper()}"


def _names_around(padded: _Padded, i: int, j: int) -> Iterator[str]:
    """The candidate's position within a name, in parentheses, and among the document's names."""
    words, kinds = padded.words, padded.kinds
    before = next(n for n in range(1, i + 1) if kinds[i - n] not in _NAMES)
    after = next(n for n in range(1, len(kinds) - j) if kinds[j + n] not in _NAMES)
    yield f"name={min(before, 4)} {min(after, 4)}"
    yield f"name-={min(before, 4)} {words[i - before]}"
    yield f"name+={min(after, 4)} {words[j + after]}"
    yield f"nesting={padded.nesting[i]}"
    yield f"names={min(padded.n_names[i], 6)}"


def _lists_and_frequencies(padded: _Padded, i: int, j: int, elsewhere: Mapping[str, int], text: str) -> Iterator[str]:
    """The candidate's position in a list such as 'Columbus, Ohio, USA', and how frequent it is in other documents."""
    words, kinds = padded.words, padded.kinds
    n_before, start = _list_before(kinds, i)
    n_after, end = _list_after(kinds, j)
    part = f"{n_before} {n_after}"
    yield f"part={part}"
    yield f"part={part} {words[end + 1]}"
    yield f"part-={n_before} {words[start - 1]}"
    yield f"part-kinds={n_before} {' '.join(kinds[start - 2 : start])}"
    frequency = bisect(_FREQUENCIES, elsewhere.get(text, 0))
    yield f"frequency={frequency}"
    yield f"frequency={frequency} part={part}"
    yield f"frequency={frequency} {words[i - 1]}"
    if n_before:
        yield f"frequency={frequency} before={bisect(_FREQUENCIES, elsewhere.get(words[i - 2], 0))}"
    if n_after:
        yield f"frequency={frequency} after={bisect(_FREQUENCIES, elsewhere.get(words[j + 2], 0))}"


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
