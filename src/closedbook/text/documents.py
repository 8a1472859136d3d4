"""A corpus: a text file with one document a line."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from closedbook.errors import TextError
from closedbook.text.lines import Lines, check_regular, read_lines
from closedbook.text.title_index import TitleIndex, titles_of
from closedbook.text.vocabulary import Vocabulary, special_in

MIN_TRUNCATED_LENGTH = 4
"""Span corruption truncates a document to at least this many characters; a shorter one is never truncated."""

Span = tuple[int, int]
"""[start, end) in characters of a document."""


@dataclass(frozen=True)
class Document:
    """One line of a corpus; `line` is its number in the file, from 1."""

    text: str
    line: int


class Documents:
    """The documents of a corpus, made when they are asked for."""

    def __init__(self, texts: Sequence[str], numbers: Sequence[int]) -> None:
        self._texts = texts
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, index: int) -> Document:
        return Document(self._texts[index], self._numbers[index])

    def __iter__(self) -> Iterator[Document]:
        return map(Document, self._texts, self._numbers)


@dataclass(frozen=True)
class Corpus:
    """The lines of a file, the numbers of those that are its documents, from 1, and notes to show the user."""

    path: Path
    lines: Lines
    numbers: Sequence[int]
    notes: tuple[str, ...]

    @cached_property
    def texts(self) -> Lines:
        """The texts of the documents."""
        return self.lines.take(number - 1 for number in self.numbers)

    @cached_property
    def titles(self) -> TitleIndex:
        """The titles of the documents."""
        return titles_of(self.texts)

    @property
    def documents(self) -> Documents:
        """The documents, with the numbers of their lines."""
        return Documents(self.texts, self.numbers)

    @property
    def vocabulary(self) -> Vocabulary:
        """The characters of the whole file, the line feed included where there are several lines."""
        characters: set[str] = set()
        for piece in self.lines.pieces():
            characters.update(piece)
        return Vocabulary.of_text("".join(characters))


def read_corpus(path: Path) -> Corpus:
    """The documents of a file, empty lines left out; raises TextError if there is none, or for a special character."""
    check_regular(path)
    lines = read_lines(path)
    numbers = array("q")
    n_short = 0
    for number, line in enumerate(lines, 1):
        if (rule := special_in(line)) is not None:
            raise TextError(path, number, rule)
        if line.strip():
            numbers.append(number)
            n_short += len(line) < MIN_TRUNCATED_LENGTH
    if not numbers:
        raise TextError(path, None, "no text in it; a corpus has one document a line")
    return Corpus(path, lines, numbers, _notes(path, len(lines) - len(numbers), n_short))


def _notes(path: Path, n_empty: int, n_short: int) -> tuple[str, ...]:
    notes = []
    if n_empty:
        notes.append(f"{path}: {n_empty} empty line{'s' * (n_empty > 1)} left out")
    if n_short:
        notes.append(
            f"{path}: {n_short} document{'s' * (n_short > 1)} shorter than {MIN_TRUNCATED_LENGTH} characters, "
            "masked without truncation"
        )
    return tuple(notes)
