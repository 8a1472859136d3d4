"""A corpus and pairs from files of any recognized form."""

from dataclasses import dataclass, replace
from pathlib import Path

from closedbook.forms.book import counted
from closedbook.forms.choice import form_of
from closedbook.forms.pairs import recognize_pairs
from closedbook.forms.recognize import recognize
from closedbook.text.documents import Corpus, read_corpus
from closedbook.text.lines import Lines, check_regular, decode_lines
from closedbook.text.questions import Questions

_N_SAMPLED = 1 << 20
"""Bytes at the beginning of a large file: enough to see whether each line is a document."""


@dataclass(frozen=True)
class Texts:
    """The files and folders that make one corpus, and how they are read (see `recognize`)."""

    paths: tuple[Path, ...]
    title_column: str | None = None
    encoding: str | None = None

    @property
    def single(self) -> Path | None:
        """The only file or folder, if nothing is said of how it is read: a run can read it again as it is."""
        return self.paths[0] if self == Texts(self.paths[:1]) else None

    def __str__(self) -> str:
        first, *others = (str(path) for path in self.paths)
        return first if not others else f"{first} and {counted(len(others), 'other')}"


def read_texts(texts: Texts) -> tuple[Corpus, bytes | None]:
    """The documents of files and folders, and the corpus to keep of them; None for a single one, read as it is.

    The first are those that `read_corpus` reads in the second. Raises TextError, and InputError as `recognize` does.
    """
    if texts.single is not None:
        return read_book(texts.single), None
    book = recognize(texts.paths, texts.title_column, texts.encoding)
    content, name = book.written().encode(), Path(str(texts))
    lines = decode_lines(content, name)
    return Corpus(name, lines, range(1, len(lines) + 1), (*book.sentences, *book.notes)), content


def read_book(path: Path) -> Corpus:
    """The documents of a file or folder, whatever its form; its `notes` begin with what it was recognized as.

    A document's line is that of the file where there is one document a line already, else that of the recognized text,
    which `closedbook book` writes. Raises TextError where the file is no text, has none, or does not keep to its form.
    """
    check_regular(path)
    if _begins_with_a_document_a_line(path):
        return read_corpus(path)
    book = recognize([path])
    if book.is_unchanged:
        corpus = read_corpus(path)
        return replace(corpus, notes=(*corpus.notes, *book.notes))
    lines = Lines.of_bytes(book.written().encode())
    return Corpus(path, lines, range(1, len(lines) + 1), (*book.sentences, *book.notes))


def read_asked(path: Path) -> Questions:
    """The questions or pairs of a file, whatever its form; its `notes` say what was left out. Raises TextError."""
    found = recognize_pairs(path)
    return replace(found.questions, notes=found.notes)


def read_asked_pairs(path: Path) -> Questions:
    """As `read_asked`; raises TextError with the first line that is not a pair."""
    questions = read_asked(path)
    questions.answers()
    return questions


def _begins_with_a_document_a_line(path: Path) -> bool:
    """Whether a file is large, and as far as it is sampled has one document a line."""
    if not path.is_file() or path.stat().st_size <= 2 * _N_SAMPLED:
        return False
    with path.open("rb") as file:
        head = file.read(_N_SAMPLED)
    sample = head[: head.rfind(b"\n") + 1].decode(errors="replace")
    return bool(sample.strip()) and form_of(sample, path).is_unchanged
