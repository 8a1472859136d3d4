"""What of a Markdown text is a document: a section, an item that begins with its name, or the row of a table."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from closedbook.errors import TextError
from closedbook.forms.book import Form, Passage, counted
from closedbook.forms.lines import as_sentences
from closedbook.forms.markdown import Chapter, Markdown, Piece
from closedbook.forms.paragraphs import titles_of_definitions
from closedbook.forms.records import Table, form_of_table
from closedbook.forms.sections import Section, passages_of
from closedbook.text.questions import Question

_MIN_ROWS = 3
"""Rows of a table that are documents of their own in a text without headings."""
_MIN_ROWS_IN_SECTION = 8
"""The same in a section; a smaller table belongs to the section's text."""
_MOST_NAMED = 0.6
"""Share of items that must begin with a name for the names to be titles."""
_MOST_DISTINCT = 0.8
_MIN_ITEMS = 2
"""Items, for each heading, that are more than the list of a section."""
_MIN_PARAGRAPHS = 10
"""Paragraphs, for each heading, that are more than the text of a section."""
_PARTED = re.compile(r"\A\s*[:：—–-]\s*")


def form_of_markdown(found: Markdown, path: Path, title_column: str | None) -> Form | None:
    """The form of a Markdown text; None where it has neither headings nor named items nor a table."""
    n_headings = sum(bool(chapter.heading) for chapter in found.chapters)
    name = f"Markdown with {counted(n_headings, 'heading')}" if n_headings else "Markdown"
    if (passages := _definitions(found, n_headings)) is not None:
        return Form(f"{name} and {counted(len(passages) - n_headings, 'paragraph')} with a name first", passages)
    named = _named_pieces(found, n_headings)
    min_rows = _MIN_ROWS_IN_SECTION if n_headings else _MIN_ROWS
    taken: list[Passage] = []
    pairs: list[Question] = []
    sections: list[Section] = []
    n_rows = 0
    for chapter in found.chapters:
        rest: list[Piece] = []
        for pieces in _tables_and_others(chapter.pieces):
            table = _table(pieces, path, title_column) if len(pieces) >= min_rows else None
            rows = [] if table is None else [_under(passage, chapter) for passage in table.passages]
            pairs += table.pairs if table is not None else ()
            n_rows += len(rows)
            items = [_under(_passage(piece), chapter) for piece in pieces if not rows and piece in named]
            taken += rows + items
            rest += [piece for piece in pieces if not rows and piece not in named]
        line = rest[0].line if rest and not chapter.heading else chapter.line
        sections.append(Section(chapter.heading, chapter.level, as_sentences(piece.text for piece in rest), line))
    if not n_headings and not taken:
        return None
    kept, notes = passages_of([each for each in sections if each.heading or each.text], found.title)
    passages = tuple(sorted([*kept, *taken], key=lambda passage: passage.line))
    name += f", {len(named):,} {'items' if n_headings else 'paragraphs or items'} with a name first" if named else ""
    name += f", {counted(n_rows, 'row')} of tables" if n_rows else ""
    return Form(name, passages, tuple(notes), tuple(pairs), has_columns=n_rows > 0)


def _named_pieces(found: Markdown, n_headings: int) -> set[Piece]:
    """The pieces that are documents titled by their names: items under headings; paragraphs too where there are none.

    No piece where they are few, so that a section's list stays in its text.
    """
    pieces = [piece for piece in found.pieces if not piece.cells and (piece.is_item or not n_headings)]
    named = [piece for piece in pieces if piece.name and _without_name(piece)]
    n_characters = sum(len(piece.text) for piece in named)
    is_list = (
        len(named) >= max(1, n_headings) * _MIN_ITEMS
        and len(named) >= _MOST_NAMED * len(pieces)
        and len({piece.name for piece in named}) >= _MOST_DISTINCT * len(named)
        and 2 * n_characters >= sum(len(piece.text) for piece in found.pieces)
    )
    return set(named) if is_list else set()


def _definitions(found: Markdown, n_headings: int) -> tuple[Passage, ...] | None:
    """The paragraphs of a text that are a thing each, under a few headings; None where they are not."""
    paragraphs = [piece for piece in found.pieces if not piece.is_item and not piece.cells]
    if not n_headings or len(paragraphs) < _MIN_PARAGRAPHS * n_headings or len(paragraphs) < len(found.pieces):
        return None
    titles = titles_of_definitions([piece.text for piece in paragraphs])
    if titles is None:
        return None
    passages = [Passage(title, piece.text, piece.line) for title, piece in zip(titles, paragraphs, strict=True)]
    passages += [Passage(chapter.heading, "", chapter.line) for chapter in found.chapters if chapter.heading]
    return tuple(sorted(passages, key=lambda passage: passage.line))


def _tables_and_others(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """The pieces in their order: the rows of each table together, and what stands between tables."""
    for _, group in groupby(pieces, key=lambda piece: tuple(header for header, _ in piece.cells)):
        yield list(group)


def _table(pieces: Sequence[Piece], path: Path, title_column: str | None) -> Form | None:
    """The rows of a table as a form; None where it is no table, or no column has titles."""
    if not pieces[0].cells:
        return None
    headers = tuple(header for header, _ in pieces[0].cells)
    rows = [tuple(cell for _, cell in piece.cells) for piece in pieces]
    try:
        return form_of_table(Table(headers, rows, [piece.line for piece in pieces]), "", path, title_column)
    except TextError:
        return None


def _passage(piece: Piece) -> Passage:
    return Passage(piece.name, _without_name(piece), piece.line)


def _under(passage: Passage, chapter: Chapter) -> Passage:
    """A passage with the heading that it stands under, which may say of what kind the thing is."""
    text = as_sentences([passage.text, chapter.heading]) if passage.text else ""
    return passage._replace(text=text)


def _without_name(piece: Piece) -> str:
    """The text of a piece without the name that it begins with, if a colon or dash parts the two."""
    rest = piece.text.removeprefix(piece.name)
    if _PARTED.match(rest):
        return _PARTED.sub("", rest)
    return piece.text if any(map(str.isalnum, rest)) else ""
