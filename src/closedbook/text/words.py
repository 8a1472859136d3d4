"""Words: where one begins and ends, also in scripts that put no blanks between them.

A title or an answer counts only as whole words: 'Ann' is not in 'Anna'. Chinese, Japanese, Thai and their like do not
mark words, so that one may begin and end beside any letter. In Korean a word begins after a blank, but particles follow
it directly, so that it may end beside any letter. A combining mark, such as a vowel sign, belongs to the letter before.
"""

import re
import unicodedata
from functools import cache, lru_cache
from typing import NamedTuple

NO_BLANKS = (
    "\u0e00-\u0fff"  # Thai, Lao, Tibetan
    "\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf"  # Myanmar, Khmer, Tai scripts
    "\u3005-\u3007\u3021-\u312f\u31a0-\u31ff\uff66-\uff9f"  # kana, bopomofo
    "\u2e80-\u2fdf\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # ideographs
    "\U00020000-\U0003ffff"  # further ideographs
)
"""Scripts without blanks between words, as ranges of a character class."""
_HANGUL = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7ff"
_LAST_MARK = 0x1FFFF
"""Beyond it there are variation selectors alone."""


class _Patterns(NamedTuple):
    """Each matches a character: beside others of its kind no word begins, or none ends; a combining mark."""

    in_begin: re.Pattern[str]
    in_end: re.Pattern[str]
    mark: re.Pattern[str]


@cache
def combining_marks() -> str:
    """All combining marks, as a part of a character class."""
    # Not when this is imported, which everybody does: it takes a twentieth of a second.
    return "".join(c for c in map(chr, range(0x300, _LAST_MARK + 1)) if unicodedata.category(c)[0] == "M")


@cache
def _patterns() -> _Patterns:
    marks = combining_marks()
    spaced = rf"(?:[^\W{NO_BLANKS}%s]|(?![{NO_BLANKS}])[{marks}])"
    return _Patterns(re.compile(spaced % ""), re.compile(spaced % _HANGUL), re.compile(f"[{marks}]"))


@lru_cache(1 << 16)
def _kind(character: str) -> tuple[bool, bool, bool]:
    in_begin, in_end, mark = (pattern.match(character) is not None for pattern in _patterns())
    return in_begin, in_end, mark


def uses_blanks(text: str) -> bool:
    """Whether a text has a character of a script that puts blanks between words."""
    return any(_kind(character)[0] for character in text)


def begins_at(text: str, index: int) -> bool:
    """Whether a word, or something else than a word, can begin at a character of a text."""
    return _is_edge(text, index, 0)


def ends_at(text: str, index: int) -> bool:
    """Whether a word, or something else than a word, can end before a character of a text."""
    return _is_edge(text, index, 1)


def _is_edge(text: str, index: int, which: int) -> bool:
    if not 0 < index < len(text):
        return True
    before, at = _kind(text[index - 1]), _kind(text[index])
    # A mark after a blank stands alone.
    is_marked = at[2] and not text[index - 1].isspace()
    return not (is_marked or (before[which] and at[which]))


def whole_words(text: str) -> str:
    """A pattern for a text that neither begins nor ends within a word."""
    in_begin, in_end, mark = _patterns()
    before = f"(?<!{in_begin.pattern})" if in_begin.match(text[:1]) else ""
    after = f"(?!{in_end.pattern})" if in_end.match(text[-1:]) else ""
    return f"{before}{re.escape(text)}{after}(?!{mark.pattern})"
