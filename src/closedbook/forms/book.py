"""A book: one-line documents with titles, made from files of any recognized form."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from closedbook.errors import TextError
from closedbook.forms.lines import as_sentences
from closedbook.text.questions import Question
from closedbook.text.titles import MAX_TITLE, title_of
from closedbook.text.vocabulary import special_in

_MAX_NAMED = 3
"""Titles that a note names, at most."""


class Passage(NamedTuple):
    """A piece of a file that becomes a document: its title ('' for none), its text, and its first line, from 1."""

    title: str
    text: str
    line: int


@dataclass(frozen=True)
class Form:
    """What a text was recognized as."""

    name: str
    """What to tell the user, as in 'Markdown with 50 headings'."""
    passages: tuple[Passage, ...]
    notes: tuple[str, ...] = ()
    pairs: tuple[Question, ...] = ()
    """Questions that a table's header asks, with the answers of its rows."""
    is_unchanged: bool = False
    """Whether the passages are lines of a corpus already, with no title apart."""
    has_columns: bool = False
    """Whether it is a table, or JSON objects, in which a column can be named."""
    has_marked_titles: bool = True
    """Whether the file itself marks its titles, by headings, columns or the like, so that nothing was guessed."""


@dataclass(frozen=True, slots=True)
class BookDocument:
    """A document, and where it comes from."""

    title: str
    """Its subject; '' for none."""
    written: str
    """The document as one line of a corpus: the title, what ends it, and the text."""
    path: Path
    line: int
    """The line of the file where it begins, from 1."""


@dataclass(frozen=True)
class Book:
    """The documents of one or several files."""

    documents: tuple[BookDocument, ...]
    sentences: tuple[str, ...]
    """For each file or folder: what it was recognized as, and how many documents it made."""
    notes: tuple[str, ...]
    """What else to show the user: what was left out, merged or converted."""
    pairs: tuple[Question, ...]
    """Pairs of tables whose headers are questions; `line` is the row's in its file."""
    has_columns: bool
    """Whether a file is a table, or JSON objects, in which a column can be named."""
    is_unchanged: bool
    """Whether every file has one document a line already, so that it can be used as it is."""

    def written(self) -> str:
        """The documents as a corpus, one a line."""
        return "".join(f"{document.written}\n" for document in self.documents)


def written(title: str, text: str) -> str:
    """A document as one line: the title ends at a full stop, or at a tab where a full stop would not end it there."""
    if not title:
        return text
    plain = f"{title}. {text}"
    return plain if title_of(plain).name == title else f"{title}\t{text}"


def on_one_line(text: str) -> str:
    """The text with every run of blanks and line ends as one blank."""
    return " ".join(text.split())


def unchanged_documents(form: Form, path: Path) -> list[BookDocument]:
    """The documents of a text that has one a line already."""
    return [BookDocument(title_of(text).name, text, path, line) for _, text, line in form.passages]


def documents_of(passages: Iterable[Passage], path: Path) -> tuple[list[BookDocument], list[str]]:
    """The documents of passages, and notes to show the user.

    A passage without text is left out, and so is the second of two that are equal. Different passages with one title
    are all kept, since a question about the title may be answered in any of them. A title too long to be one is text.
    Raises TextError for a character that is kept for us.
    """
    documents: dict[str, BookDocument] = {}
    empty: list[str] = []
    n_repeated = n_long = 0
    for passage in passages:
        title, text = on_one_line(passage.title), on_one_line(passage.text)
        if not text:
            empty.append(title)
            continue
        if len(title) > MAX_TITLE:  # a sentence of the text
            n_long += 1
            title, text = "", as_sentences([title, text])
        line = written(title, text)
        if (rule := special_in(line)) is not None:  # which JSON can spell by an escape
            raise TextError(path, passage.line, rule)
        n_repeated += line in documents
        documents.setdefault(line, BookDocument(title, line, path, passage.line))
    several = [t for t, n in Counter(d.title for d in documents.values() if d.title).items() if n > 1]
    notes = []
    if named := [title for title in empty if title]:
        notes.append(f"{path}: {counted(len(named), 'title')} without text left out ({_some(named)})")
    if n_long:
        notes.append(f"{path}: {counted(n_long, 'title')} of more than {MAX_TITLE} characters kept as text")
    if n_repeated:
        notes.append(f"{path}: {counted(n_repeated, 'document')} left out, equal to an earlier one")
    if several:
        notes.append(f"{path}: {counted(len(several), 'title')} with several documents, all kept ({_some(several)})")
    return list(documents.values()), notes


def counted(n: int, noun: str) -> str:
    """A number with its noun: '1 heading', '1,200 headings'."""
    return f"{n:,} {noun}{'s' * (n != 1)}"


def _some(titles: list[str]) -> str:
    shown = ", ".join(title if len(title) <= 40 else f"{title[:39]}…" for title in titles[:_MAX_NAMED])
    return shown + ", …" * (len(titles) > _MAX_NAMED)
