"""Views: a document said in another way, before anything of it is masked.

Full-name repetition and reordering are augmentations of Allen-Zhu & Li 2023, 'Physics of Language Models: Part 3.1,
Knowledge Storage and Extraction': a fact that stands behind the full name, now here and now there, is more easily found
by the name alone. Theirs are made of known sentences of invented people; here rules find, in English, what may be
replaced or moved, and rather leave a thing than spoil it.

A view gives the new document and where the tagged span went, whose characters stay the same. The span lies behind
the title, and the title stays as it is, in front.
"""

import re
from collections.abc import Iterator
from random import Random

from closedbook.text.corpus import Span
from closedbook.text.titles import title_length

View = tuple[str, Span | None]
"""A document, and its tagged span where there is one."""

_FEWEST_WORDS = 3
"""Of a clause beside a comma; fewer are an item of a list."""
_MARK = re.compile(r"(?P<opens>``|[(\[{“«])|(?P<closes>''|[)\]}”»])|(?P<turns>\")| ?(?P<mark>[.!?;,]) ")
_WORD = re.compile(r"\w[\w'’-]+")
# fmt: off
_SMALL_WORDS = frozenset({
    "the", "a", "an", "in", "on", "at", "near", "of", "for", "from", "to", "with", "by",
    "de", "da", "di", "du", "del", "la", "le", "van", "von", "der", "den", "ter", "al", "el", "bin", "ibn",
})
# fmt: on
"""None of them is a part of a name to be replaced, nor is one behind them, which may be a place's ('in Byron')."""


def repeat_name(document: str, span: Span | None = None) -> View:
    """Put the title's full name where the text says 'he', 'she', or the name's first or last word alone.

    Only a title of two words or more, the first and the last with a capital, is taken for a name. A word of it is
    left that may belong to somebody or something else: beside a capital or a number ('Nancy Byron', 'May 1815'), or
    behind 'in' and the like. Pronouns are left where the document has both.
    """
    front = title_length(document)
    name = document[:front].removesuffix(". ")
    words = name.split()
    if len(words) < 2 or not (words[0][0].isupper() and words[-1][0].isupper()):
        return document, span
    parts, kept, moved = [], 0, span
    for start, end in _calls(document, front, name):
        if span is not None and start < span[1] and span[0] < end:
            continue
        parts += [document[kept:start], name]
        kept = end
        if moved is not None and span is not None and end <= span[0]:
            growth = len(name) - (end - start)
            moved = moved[0] + growth, moved[1] + growth
    return _under_its_title("".join(parts) + document[kept:], moved, document, span)


def reorder(document: str, random: Random, span: Span | None = None) -> View:
    """Put the clauses behind the title in another order; of fewer than two the document stays as it is.

    Clauses are cut at the ends of sentences, at semicolons and at such commas as have three words on both sides and
    go on in small letters or with a word of the title; never within brackets or quotes, nor within the span. The
    marks between them stay where they are, and so do capitals: the new document has the same characters.
    """
    front = title_length(document)
    clauses = _clauses(document, front, span)
    order = list(range(len(clauses)))
    if len(order) < 2:
        return document, span
    while order == sorted(order):
        random.shuffle(order)
    new, kept, moved = "", 0, span
    for place, which in zip(clauses, order, strict=True):
        start, end = clauses[which]
        new += document[kept : place[0]]
        if span is not None and start <= span[0] and span[1] <= end:
            moved = span[0] - start + len(new), span[1] - start + len(new)
        new += document[start:end]
        kept = place[1]
    return _under_its_title(new + document[kept:], moved, document, span)


def _under_its_title(new: str, moved: Span | None, document: str, span: Span | None) -> View:
    """The view, unless its title would end elsewhere, which depends on what follows ('Malcolm X. In 1952')."""
    return (new, moved) if title_length(new) == title_length(document) else (document, span)


def _calls(document: str, front: int, name: str) -> Iterator[Span]:
    """Where the document calls who bears the name by a part of it or by a pronoun, as far as can be told."""
    words = name.split()
    parts = [word for word in (words[0], words[-1]) if _WORD.fullmatch(word) and word.lower() not in _SMALL_WORDS]
    pronouns = sorted(set(re.findall(r"\b(?:he|she)\b", document[front:].lower())))
    spoken = [pronouns[0], pronouns[0].capitalize()] if len(pronouns) == 1 else []
    # The full name comes first, so that its own words are no match.
    either = "|".join(map(re.escape, [name, *parts, *spoken]))
    for match in re.compile(rf"(?<![\w'’-])(?:{either})(?![\w-])").finditer(document, front):
        following = re.match(r" (\w+)", document[match.end() :])
        goes_on_small = following is not None and following[1][0].islower()
        if match[0] == name:
            continue
        if match[0] in spoken:
            is_safe = goes_on_small
        else:
            before = re.search(r"(\S+) \Z", document[front : match.start()])
            is_free = following is None or (goes_on_small and following[1] not in words)
            is_safe = is_free and not (before and _belongs_to_what_follows(before[1], words))
        if is_safe:
            yield match.span()


def _belongs_to_what_follows(word: str, words: list[str]) -> bool:
    """Whether a word may make another name, or a place, of the word of a name behind it."""
    if not word[-1].isalnum():
        return _is_abbreviation(word)
    return not word[0].islower() or word in words or word in _SMALL_WORDS


def _clauses(document: str, front: int, span: Span | None) -> list[Span]:
    """The clauses behind the title, in order, without the marks between them and at the end."""
    end = max(front, len(document.rstrip(" .!?")), span[1] if span else 0)
    cuts = [
        cut for cut in _cuts(document, front, end) if span is None or cut.end() <= span[0] or span[1] <= cut.start()
    ]
    n_words = [len(document[start:stop].split()) for start, stop in _between(cuts, front, end)]
    of_enough_words = [
        cut
        for cut, n_before, n_behind in zip(cuts, n_words, n_words[1:], strict=False)
        if min(n_before, n_behind) >= (_FEWEST_WORDS if cut["mark"] == "," else 1)
    ]
    return _between(of_enough_words, front, end)


def _between(cuts: list[re.Match[str]], front: int, end: int) -> list[Span]:
    """What the cuts leave."""
    return list(zip([front, *(cut.end() for cut in cuts)], [*(cut.start() for cut in cuts), end], strict=True))


def _cuts(document: str, front: int, end: int) -> Iterator[re.Match[str]]:
    """The marks at which a clause may end, with the blanks around them."""
    words = document[:front].removesuffix(". ").split()
    depth, is_quoted = 0, False
    for match in _MARK.finditer(document, front, end):
        if match["opens"]:
            depth += 1
        elif match["closes"]:
            depth = max(0, depth - 1)
        elif match["turns"]:
            is_quoted = not is_quoted
        elif depth == 0 and not is_quoted and _ends_a_clause(match, words):
            yield match


def _ends_a_clause(cut: re.Match[str], words: list[str]) -> bool:
    """Whether what stands on both sides of a mark is not one thing, such as a date, a place or an abbreviation."""
    if cut["mark"] == ";":
        return True
    following = re.match(r"\w[\w'’-]*", cut.string[cut.end() :])
    if following is None:
        return False
    if cut["mark"] == ",":
        return following[0][0].islower() or following[0] in words
    before = cut.string[: cut.start() + 1].rpartition(" ")[2]
    is_abbreviation = cut["mark"] == "." and _is_abbreviation(before)
    return following[0][0].isupper() and not is_abbreviation


def _is_abbreviation(word: str) -> bool:
    """Whether a word may have its full stop from itself: 'J.', 'U.S.', 'Capt.', 'ca.', but not '1815.' or 'was.'."""
    stem = word.removesuffix(".")
    return stem != word and stem.replace(".", "").isalpha() and len(stem) <= (4 if stem[0].isupper() else 2)
