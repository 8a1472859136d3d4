"""Lines of a text that belong together become one: wrapped lines, words cut by a hyphen, scripts without blanks."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from closedbook.forms.lead_words import STARTERS
from closedbook.text.words import NO_BLANKS

# A line may end anywhere in these scripts and beside their punctuation, and no blank is meant there.
_WITHOUT_BLANKS = re.compile(rf"[{NO_BLANKS}\u3000-\u303f\u4dc0-\u4dff\uff00-\uff65]")
_CUT_WORD = re.compile(r"([^\W\d_]+)-\Z")
_WORD = re.compile(r"[^\W\d_]+")
SENTENCE_ENDS = ".!?…。！？．।॥۔؟։።"
"""Characters that end a sentence."""
BULLET = re.compile(r"\A(?:[-*+•·‣]|\d{1,4}[.)])\s+(?=\S)")
"""What stands before an item of a list."""
_MOST_BULLETS = 0.8
_CLOSERS = "\"'”’»)]」』）】*_"


class Block(NamedTuple):
    """Lines without an empty one between them, and the number of the first, from 1."""

    line: int
    lines: tuple[str, ...]


def blocks_of(lines: Iterable[str], first: int = 1) -> list[Block]:
    """The blocks of lines; `first` is the number of the first line."""
    blocks: list[Block] = []
    held: list[str] = []
    number = first - 1
    for number, line in enumerate(lines, first):
        if line.strip():
            held.append(line)
        elif held:
            blocks.append(Block(number - len(held), tuple(held)))
            held = []
    if held:
        blocks.append(Block(number + 1 - len(held), tuple(held)))
    return blocks


def ends_a_sentence(line: str) -> bool:
    """Whether a line ends as a sentence does."""
    return line.rstrip().rstrip(_CLOSERS).rstrip()[-1:] in tuple(SENTENCE_ENDS)


def as_sentences(pieces: Iterable[str]) -> str:
    """Pieces of text as one, each ended by a full stop unless it ends in punctuation already."""
    ended = (piece.strip() for piece in pieces)
    return " ".join(piece if _is_ended(piece) else f"{piece}." for piece in ended if piece)


def _is_ended(piece: str) -> bool:
    return ends_a_sentence(piece) or piece[-1] in ":：;；,，、"


class Joiner:
    """Joins wrapped lines of one text, whose other words say whether a hyphen at a line's end belongs to the word."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def _words(self) -> set[str]:
        return set(_WORD.findall(self._text))

    def join(self, lines: Sequence[str]) -> str:
        """The lines as one."""
        pieces = [line.strip() for line in lines if line.strip()]
        if not pieces:
            return ""
        joined = [pieces[0]]
        for before, after in pairwise(pieces):
            joined[-1] = joined[-1].removesuffix(self._lost_between(before, after))
            joined += [self._between(before, after), after]
        return "".join(joined)

    def _lost_between(self, before: str, after: str) -> str:
        """The hyphen that only the end of the line has put into a word, or ''."""
        cut, rest = _CUT_WORD.search(before), _WORD.match(after)
        if cut is None or rest is None:
            return ""
        return "-" if cut[1] + rest[0] in self._words else ""

    def _between(self, before: str, after: str) -> str:
        if _CUT_WORD.search(before) and after[0].isalpha():
            return ""
        return "" if _WITHOUT_BLANKS.match(before[-1]) and _WITHOUT_BLANKS.match(after[0]) else " "


def are_wrapped(blocks: Sequence[Block]) -> bool:
    """Whether line ends within blocks fall where a line was full, not where a paragraph ends."""
    inner = [(a, b) for block in blocks for a, b in pairwise(block.lines)]
    if not inner:
        return False
    n_within = sum(not ends_a_sentence(before) for before, _ in inner)
    if 2 * n_within < len(inner):
        return False
    n_small = sum(after.lstrip()[:1].islower() for _, after in inner)
    if n_small >= 0.3 * n_within:
        return True
    lengths = sorted(len(before) for before, _ in inner)
    widest = lengths[-1]
    # Scripts without small letters: full lines are nearly as long as the longest.
    return sum(length > 0.8 * widest for length in lengths) > 0.7 * len(lengths) and widest <= 200


def _go_on(blocks: Sequence[Block]) -> bool:
    """Whether lines within blocks mostly begin with a pronoun or the like, so that each block is about one thing."""
    inner = [line.split(maxsplit=1)[0].lower() for block in blocks for line in block.lines[1:]]
    return len(blocks) > 1 and 2 * sum(word.rstrip(",") in STARTERS for word in inner) > len(inner)


def paragraphs_of(text: str) -> list[tuple[int, str]]:
    """The paragraphs of a text, each on one line, with the number of its first line.

    They are what empty lines part, and the items of lists, if lines are wrapped or go on with what stands before, else
    the lines. Bullets and numbers before them are taken away where nearly all have one.
    """
    blocks = blocks_of(text.split("\n"))
    if are_wrapped(blocks) or _go_on(blocks):
        joiner = Joiner(text)
        pieces = [(line, joiner.join(lines)) for block in blocks for line, lines in _items(block)]
    else:
        pieces = [(block.line + i, line.strip()) for block in blocks for i, line in enumerate(block.lines)]
    n_bullets = sum(BULLET.match(piece) is not None for _, piece in pieces)
    if n_bullets < _MOST_BULLETS * len(pieces) or n_bullets < 2:
        return pieces
    return [(line, BULLET.sub("", piece, count=1)) for line, piece in pieces]


def _items(block: Block) -> Iterator[tuple[int, list[str]]]:
    """The lines of a block, parted before each item of a list; a wrapped line may begin with a dash too."""
    held: list[str] = []
    is_list = BULLET.match(block.lines[0].lstrip()) is not None
    for index, line in enumerate(block.lines):
        if held and BULLET.match(line.lstrip()) and (is_list or held[-1].rstrip()[-1] in ":;.!?"):
            yield block.line + index - len(held), held
            held = []
        held.append(line)
    yield block.line + len(block.lines) - len(held), held
