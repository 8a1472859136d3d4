"""Spelling: a text that people typed, in the characters and the wording that a run knows.

A curly quote, a wide letter or a no-break blank is read as the plain one where the run knows only that one, and the
other way round; an accent is dropped where the run knows only the bare letter. A question about a title in words that
no training pair had is asked in the nearest of theirs.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

from closedbook.text.questions import Questions, by_name
from closedbook.text.templates import Template
from closedbook.text.title_index import APOSTROPHES, DASHES, QUOTES, TitleIndex
from closedbook.text.vocabulary import Vocabulary
from closedbook.text.wordings import Wordings

_ALIKE = (
    f"'{APOSTROPHES}",
    f'"{QUOTES}',
    f"-{DASHES}\u30fc\uff0d",
    "?\uff1f\u061f\u037e\u2047\ufe56",
    "!\uff01\ufe57",
    ".\uff0e\u3002\uff61\u0964\u06d4\u1362",
    ",\uff0c\u3001\u060c\uff64",
    ";\uff1b\u061b",
    ":\uff1a",
    "(\uff08",
    ")\uff09",
)
"""Signs that mean the same, the plainest first."""
_SIGNS = {sign: signs for signs in _ALIKE for sign in signs}


class Spelling:
    """How a run spells what people typed."""

    def __init__(self, vocabulary: Vocabulary, *, is_reworded: bool = True) -> None:
        self._vocabulary, self._is_reworded = vocabulary, is_reworded
        self._read_as: dict[str, str] = {}

    def of(self, text: str) -> str:
        """The text in the run's characters, titles and wordings; unknown characters stay."""
        spelled = "".join(map(self._character, unicodedata.normalize("NFC", text)))
        named = self._titles.named_in(spelled) if self._vocabulary.titles else None
        if named is None:
            return spelled
        asked = Template(spelled[: named.start], spelled[named.end :])
        return (self._wordings.nearest(asked) if self._is_reworded else asked).question(named.title)

    @cached_property
    def _titles(self) -> TitleIndex:
        return TitleIndex(self._vocabulary.titles)

    @cached_property
    def _wordings(self) -> Wordings:
        return Wordings([Template(before, after) for before, after in self._vocabulary.wordings])

    def of_another_text(self, questions: Questions) -> list[str]:
        """A note to show the user where no question, as it is spelled, names a title of the run, which has some."""
        if not self._vocabulary.titles or any(self._titles.named_in(item.text) for item in questions.items):
            return []
        where = "" if questions.path is None else f"{questions.path}: "
        return [f"{where}no question names a title of the run's text, so that it has read nothing about any of them"]

    def _character(self, character: str) -> str:
        known = self._vocabulary.stoi
        if character in known:
            return character
        if character not in self._read_as:
            alike = (found for found in _candidates(character) if known.keys() >= set(found))
            self._read_as[character] = next(alike, character)
        return self._read_as[character]

    def note(self, typed: str, spelled: str) -> str | None:
        """One line on what was read otherwise and on what is unknown; None where the text is as it was typed."""
        unknown = [] if not self._vocabulary.is_open else self._vocabulary.unknown(spelled)
        parts = [f"{by_name(unknown)}: not in the run's vocabulary"] if unknown else []
        if spelled != unicodedata.normalize("NFC", typed):
            parts.insert(0, f"read as {spelled!r}")
        return "; ".join(parts) or None


def spelled(questions: Questions, spelling: Spelling) -> tuple[Questions, list[str]]:
    """The questions in the run's characters, answers as they are; and at most one note to show the user."""
    items = tuple(replace(item, text=spelling.of(item.text)) for item in questions.items)
    notes = [
        (item.line, note)
        for item, typed in zip(items, questions.items, strict=True)
        if (note := spelling.note(typed.text, item.text)) is not None
    ]
    questions = replace(questions, items=items)
    if not notes:
        return questions, []
    more = f", and {len(notes) - 1} more lines are spelled otherwise" if len(notes) > 1 else ""
    where = "" if questions.path is None else f"{questions.path}, "
    return questions, [f"{where}line {notes[0][0]}: {notes[0][1]}{more}"]


def _candidates(character: str) -> Iterator[str]:
    """What may stand for an unknown character, the nearest first; '' for one that nobody sees."""
    category = unicodedata.category(character)
    if category == "Cf":
        yield ""
    if category == "Zs":
        yield " "
    yield from _SIGNS.get(character, "")
    yield from _SIGNS.get(_compatible(character), "")
    yield _compatible(character)
    if character.isascii() and character.isprintable() and character != " ":
        yield chr(ord(character) + 0xFEE0)  # its wide form
    decomposed = unicodedata.normalize("NFD", character)
    yield decomposed
    yield _bare(decomposed)
    yield character.lower()
    yield character.upper()
    yield "..." if character == "\N{HORIZONTAL ELLIPSIS}" else character
    yield _bare(decomposed).lower()
    yield _bare(decomposed).upper()


def _compatible(character: str) -> str:
    return unicodedata.normalize("NFKC", character)


def _bare(decomposed: str) -> str:
    """A letter without its accents; the accent itself where it stands alone."""
    return "".join(c for c in decomposed if not unicodedata.combining(c)) or decomposed
