"""Files and folders as people have them become a book."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from closedbook.errors import InputError, TextError
from closedbook.files.names import name_text
from closedbook.forms.book import Book, Form, Passage, counted, documents_of, unchanged_documents
from closedbook.forms.choice import form_of, plain_text
from closedbook.forms.kinds import NoText
from closedbook.forms.reading import read_text


def recognize(paths: Sequence[Path], title_column: str | None = None, encoding: str | None = None) -> Book:
    """The documents of files and of the files in folders, in this order.

    `title_column` is the header of the column, or the key of JSON objects, that holds the titles; `encoding` is that of
    the files where it is not UTF-8. Raises TextError, in one line with what to do, where a file is no text, has none,
    or does not keep to its form; InputError where a column is named and no file has columns.
    """
    books = [(_folder if path.is_dir() else _file)(path, title_column, encoding) for path in paths]
    documents, sentences, notes, pairs = (
        tuple(each for book in books for each in getattr(book, name))
        for name in ("documents", "sentences", "notes", "pairs")
    )
    has_columns = any(book.has_columns for book in books)
    if title_column is not None and not has_columns:
        rule = f"no file is a table or JSON objects, so that none has a column; received {title_column}; leave it out"
        raise InputError(f"--title-column: {rule}")
    return Book(documents, sentences, notes, pairs, has_columns, len(books) == 1 and books[0].is_unchanged)


def _file(path: Path, title_column: str | None, encoding: str | None) -> Book:
    text, notes = read_text(path, encoding)
    return _book(path, form_of(text, path, title_column), notes)


def _book(path: Path, form: Form, notes: Sequence[str]) -> Book:
    if form.is_unchanged:
        documents, more = unchanged_documents(form, path), list[str]()
    else:
        documents, more = documents_of(form.passages, path)
    if not documents:
        raise NoText(path, None, f"no text in it: {form.name}, and nothing under any of them")
    sentence = f"{path.name}: {form.name}: {counted(len(documents), 'document')}"
    form_notes = (f"{path}: {note}" for note in form.notes)
    is_unchanged = form.is_unchanged and not notes  # A converted file cannot be used as it is.
    return Book(tuple(documents), (sentence,), (*notes, *form_notes, *more), form.pairs, form.has_columns, is_unchanged)


def _folder(path: Path, title_column: str | None, encoding: str | None) -> Book:
    """The texts of a folder and of those in it, in the order of their names, hidden ones left out.

    A table, JSON, or a text with several headings has its own titles; any other text is one document, titled by the
    name of its file.
    """
    books, left_out = [], list[TextError]()
    for file in texts_in(path):
        try:
            text, notes = read_text(file, encoding)
        except NoText as error:
            left_out.append(error)
            continue
        books.append(_book(file, _in_folder(form_of(text, file, title_column), text, file), notes))
    if not books:
        raise left_out[0] if left_out else TextError(path, None, "a folder without a text; name one that has some")
    documents = tuple(document for book in books for document in book.documents)
    sentence = f"{path.name}: a folder of {counted(len(books), 'text')}: {counted(len(documents), 'document')}"
    notes = [note for book in books for note in book.notes]
    if left_out:
        notes.append(f"{path}: {counted(len(left_out), 'file')} left out, the first since {left_out[0]}")
    pairs = tuple(pair for book in books for pair in book.pairs)
    has_columns = any(book.has_columns for book in books)
    return Book(documents, (sentence,), tuple(notes), pairs, has_columns, is_unchanged=False)


def texts_in(folder: Path) -> Iterator[Path]:
    """The files of a folder and of those in it, in the order of their names, hidden ones left out."""
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(folder).parts):
            yield file


def _in_folder(form: Form, text: str, file: Path) -> Form:
    """The form of a text of a folder: its own where it marks several titles, else one document."""
    name = name_text(file.stem).replace("_", " ")
    if form.has_marked_titles and len(form.passages) > 1:
        return replace(form, passages=tuple(p._replace(title=p.title or name) for p in form.passages))
    title = next((passage.title for passage in form.passages if form.has_marked_titles and passage.title), name)
    return Form("a text", (Passage(title, plain_text(text, file), 1),))
