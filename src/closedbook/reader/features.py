"""What the reader sees of a candidate: the words around it, its place in the document, and its own form.

A feature is a name that a candidate has or has not. None is tied to a language or to a kind of answer: which words
and forms tell is learnt.
"""

from bisect import bisect
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from closedbook.reader.candidates import Span, Tokens

_REACH = 5
_NAMES = frozenset("AT")
_FAR_BACK = 15
_FAR_AHEAD = 8
_RARITIES = (1, 2, 3, 6, 15, 40)


class _View(NamedTuple):
    """A document's tokens, with room at both ends to look over."""

    words: Sequence[str]
    """Each word as itself, a number as its number of digits."""
    kinds: Sequence[str]
    """The same, but a capitalised word of the title is 'T' and any other 'A'."""
    runs: Sequence[int]
    """How many runs of capitalised words began before each token."""
    nesting: Sequence[str]
    """Whether each token stands before, in or behind the first parentheses, or later ones."""


def features(
    tokens: Tokens, title: Collection[str], spans: Sequence[Span], elsewhere: Mapping[str, int]
) -> Iterator[list[str]]:
    """The features of each candidate, given the title's words and how many other titles have the same candidate."""
    view = _view(tokens, title)
    texts = [tokens.piece(span) for span in spans]
    for (first, last), text in zip(spans, texts, strict=True):
        i, j = first + _REACH, last + _REACH
        yield [
            "bias",
            *_around(view, i, j),
            *_anchors(view, i, j),
            *_form(text, view.kinds[i]),
            *_place(view, i, j, elsewhere, text),
        ]


def none_features(tokens: Tokens, n_candidates: int) -> list[str]:
    """The features that a document gives to 'none of them': how many candidates it has, and its plain words."""
    plain = {
        f"none {_literal(word, kind)}" for word, kind in zip(tokens.words, tokens.classes, strict=True) if kind != "A"
    }
    # Sorted, since the order of a set of strings differs between processes and sums of floats with it.
    return ["none", f"none n={min(n_candidates, 12)}", *sorted(plain)]


def _view(tokens: Tokens, title: Collection[str]) -> _View:
    front, back = ["^"] * _REACH, ["$"] * _REACH
    pairs = list(zip(tokens.words, tokens.classes, strict=True))
    words = [*front, *(_literal(word, kind) for word, kind in pairs), *back]
    kinds = [*front, *(_kind(word, kind, title) for word, kind in pairs), *back]
    return _View(words, kinds, _runs(kinds), _nesting(words))


def _literal(word: str, kind: str) -> str:
    return kind if kind[0] == "9" else word


def _kind(word: str, kind: str, title: Collection[str]) -> str:
    if kind != "A":
        return _literal(word, kind)
    return "T" if word in title else "A"


def _runs(kinds: Sequence[str]) -> list[int]:
    counts, n = [], 0
    for k, kind in enumerate(kinds):
        counts.append(n)
        n += kind in _NAMES and kinds[k - 1] not in _NAMES
    return counts


def _nesting(words: Sequence[str]) -> list[str]:
    open_now, n_opened, places = 0, 0, []
    for word in words:
        if word == "(":
            open_now, n_opened = open_now + 1, n_opened + 1
        elif word == ")":
            open_now = max(0, open_now - 1)
        places.append(f"{'in' if open_now else 'out'} {min(n_opened, 2)}")
    return places


def _around(view: _View, i: int, j: int) -> Iterator[str]:
    """Words and kinds directly before and behind, alone and together."""
    words, kinds = view.words, view.kinds
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


def _anchors(view: _View, i: int, j: int) -> Iterator[str]:
    """Words further off, with the number of capitalised runs between: 'the first name behind "born"'."""
    words, kinds, runs = view.words, view.kinds, view.runs
    before = range(i - 1, max(i - 1 - _FAR_BACK, _REACH - 1), -1)
    behind = range(j + 1, min(j + 1 + _FAR_AHEAD, len(kinds) - _REACH))
    told = [f"<{words[k]} {min(runs[i] - runs[k], 3)}" for k in before if kinds[k] not in _NAMES]
    told += [f">{words[k]} {min(runs[k] - runs[j], 3)}" for k in behind if kinds[k] not in _NAMES]
    yield from dict.fromkeys(told)


def _form(text: str, kind: str) -> Iterator[str]:
    yield f"is={text}"
    yield f"kind={kind}"
    yield f"length={min(len(text), 12)}"
    yield f"capitals={text.isupper()}"


def _place(view: _View, i: int, j: int, elsewhere: Mapping[str, int], text: str) -> Iterator[str]:
    """Where it stands among names, in parentheses and in a list such as 'Columbus, Ohio, USA'."""
    words, kinds = view.words, view.kinds
    before = next(n for n in range(1, i + 1) if kinds[i - n] not in _NAMES)
    behind = next(n for n in range(1, len(kinds) - j) if kinds[j + n] not in _NAMES)
    yield f"run={min(before, 4)} {min(behind, 4)}"
    yield f"run-={min(before, 4)} {words[i - before]}"
    yield f"run+={min(behind, 4)} {words[j + behind]}"
    yield f"nesting={view.nesting[i]}"
    yield f"runs={min(view.runs[i], 6)}"
    n_before, start = _list_before(kinds, i)
    n_behind, end = _list_behind(kinds, j)
    part = f"{n_before} {n_behind}"
    yield f"part={part}"
    yield f"part={part} {words[end + 1]}"
    yield f"part-={n_before} {words[start - 1]}"
    yield f"part-kinds={n_before} {' '.join(kinds[start - 2 : start])}"
    rarity = bisect(_RARITIES, elsewhere.get(text, 0))
    yield f"rarity={rarity}"
    yield f"rarity={rarity} part={part}"
    yield f"rarity={rarity} {words[i - 1]}"
    if n_before:
        yield f"rarity={rarity} before={bisect(_RARITIES, elsewhere.get(words[i - 2], 0))}"
    if n_behind:
        yield f"rarity={rarity} behind={bisect(_RARITIES, elsewhere.get(words[j + 2], 0))}"


def _list_before(kinds: Sequence[str], i: int) -> tuple[int, int]:
    """How many names a list has before token `i`, each followed by a comma, and where the first begins."""
    n = 0
    while n < 3 and kinds[i - 1] == "," and kinds[i - 2] in _NAMES:
        n, i = n + 1, i - 2
        while kinds[i - 1] in _NAMES:
            i -= 1
    return n, i


def _list_behind(kinds: Sequence[str], j: int) -> tuple[int, int]:
    """How many names a list has behind token `j`, each after a comma, and where the last ends."""
    n = 0
    while n < 3 and kinds[j + 1] == "," and kinds[j + 2] in _NAMES:
        n, j = n + 1, j + 2
        while kinds[j + 1] in _NAMES:
            j += 1
    return n, j
