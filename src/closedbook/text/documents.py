"""A corpus: a text file with one document a line."""

from dataclasses import dataclass
from pathlib import Path

from closedbook.errors import TextError
from closedbook.text.lines import check_regular, read_lines
from closedbook.text.vocabulary import MASK, PAD, Vocabulary

MIN_TRUNCATED_LENGTH = 4
"""Span corruption truncates a document to at least this many characters; a shorter one is never truncated."""

Span = tuple[int, int]
"""[start, end) in characters of a document."""


@dataclass(frozen=True)
class Document:
    """One line of a corpus; `line` is its number in the file, from 1."""

    text: str
    line: int


@dataclass(frozen=True)
class Corpus:
    """The documents of a file, all of its text, and notes to show the user."""

    path: Path
    text: str
    documents: tuple[Document, ...]
    notes: tuple[str, ...]

    @property
    def vocabulary(self) -> Vocabulary:
        """The characters of the whole file, the line feed included where there are several lines."""
        return Vocabulary.of_text(self.text)


def read_corpus(path: Path) -> Corpus:
    """The documents of a file, empty lines left out; raises TextError if there is none, or if PAD or MASK occurs."""
    check_regular(path)
    lines = read_lines(path)
    for number, line in enumerate(lines, 1):
        for special, name in ((PAD, "padding"), (MASK, "the mask")):
            if special in line:
                raise TextError(
                    path,
                    number,
                    f"the character {special!r} stands for {name} here and cannot be in a corpus; "
                    "replace it by another",
                )
    documents = tuple(Document(line, number) for number, line in enumerate(lines, 1) if line.strip())
    if not documents:
        raise TextError(path, None, "no text in it; a corpus has one document a line")
    n_empty = len(lines) - len(documents)
    n_short = sum(len(document.text) < MIN_TRUNCATED_LENGTH for document in documents)
    notes = []
    if n_empty:
        notes.append(f"{path}: {n_empty} empty line{'s' * (n_empty > 1)} left out")
    if n_short:
        notes.append(
            f"{path}: {n_short} document{'s' * (n_short > 1)} shorter than {MIN_TRUNCATED_LENGTH} characters, "
            "masked without truncation"
        )
    return Corpus(path, "\n".join(lines), documents, tuple(notes))
