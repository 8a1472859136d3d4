"""Which form a text has: rules in the order in which they are tried, from the strictest to paragraphs."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from closedbook.forms.book import Form, Passage, counted
from closedbook.forms.definitions import form_of_definitions
from closedbook.forms.headings import capital_sections, short_line_sections, underlined_sections
from closedbook.forms.json_records import looks_like_json, looks_like_json_lines, table_of_json, table_of_json_lines
from closedbook.forms.line_forms import form_of_fields, form_of_glossary, form_of_lines, unchanged_form
from closedbook.forms.lines import as_sentences
from closedbook.forms.markdown import Piece, has_table, n_headings_of, parse_markdown
from closedbook.forms.paragraphs import form_of_paragraphs, paragraphs_of
from closedbook.forms.records import Table, form_of_table
from closedbook.forms.sections import Section, passages_of
from closedbook.forms.tables import delimiter_of, read_table

_TABLES = {".csv", ".tsv", ".tab"}
_MARKDOWN = {".md", ".markdown", ".mdown", ".mkd", ".qmd", ".rmd"}
_JSON_LINES = {".jsonl", ".ndjson"}
_MIN_ROWS = 3
"""Rows of a Markdown table that are documents of their own."""
_MOST_NAMED = 0.6
"""Share of Markdown's paragraphs and items that must begin with a name in bold for these to be their titles."""


def form_of(text: str, path: Path, title_column: str | None = None) -> Form:
    """The form of a text; the name of its file helps where that says what it is.

    Raises TextError where a table or JSON does not keep to its form.
    """
    suffix = path.suffix.lower()
    records = _form_of_records(text, path, suffix, title_column)
    if records is not None:
        return records
    n_headings = n_headings_of(text)
    if suffix in _MARKDOWN or n_headings >= 2 or text.lstrip().startswith("# "):
        return _form_of_markdown(text, path, title_column)
    if (lines := form_of_lines(text)) is not None:
        return lines
    if (delimiter := delimiter_of(text, expects_table=title_column is not None)) is not None:
        table, what = read_table(text, delimiter, path)
        return form_of_table(table, what, path, title_column)
    if has_table(text):
        return _form_of_markdown(text, path, title_column)
    return _form_of_prose(text, path, title_column)


def plain_text(text: str, path: Path) -> str:
    """All of a text in one document, without Markdown's markup."""
    if path.suffix.lower() in _MARKDOWN or n_headings_of(text):
        found = parse_markdown(text)
        return as_sentences(piece.text for piece in found.pieces)
    return " ".join(paragraph for _, paragraph in paragraphs_of(text))


def _form_of_records(text: str, path: Path, suffix: str, title_column: str | None) -> Form | None:
    """The form of a file that its name or its first characters show to be a table or JSON."""
    if suffix in _JSON_LINES or looks_like_json_lines(text):
        return form_of_table(table_of_json_lines(text, path), "JSON lines", path, title_column)
    if suffix == ".json" or looks_like_json(text):
        return form_of_table(table_of_json(text, path), "JSON", path, title_column)
    if suffix in _TABLES:
        table, what = read_table(text, delimiter_of(text, expects_table=True) or ",", path)
        return form_of_table(table, what, path, title_column)
    return None


def _form_of_markdown(text: str, path: Path, title_column: str | None) -> Form:
    """Markdown's headings as titles; without headings, the rows of its table, or what its pieces begin with."""
    found = parse_markdown(text)
    n_headings = sum(bool(section.heading) for section in found.sections)
    if n_headings:
        return _form_of_sections(found.sections, f"Markdown with {counted(n_headings, 'heading')}", found.title)
    rows = [piece for piece in found.pieces if piece.cells]
    others = [piece for piece in found.pieces if not piece.cells]
    headers = tuple(header for header, _ in rows[0].cells) if rows else ()
    if len(rows) >= _MIN_ROWS and all(tuple(header for header, _ in row.cells) == headers for row in rows):
        table = Table(headers, [tuple(cell for _, cell in row.cells) for row in rows], [row.line for row in rows])
        form = form_of_table(table, "a Markdown table", path, title_column)
        rest = tuple(Passage("", piece.text, piece.line) for piece in others)
        return replace(form, passages=(*form.passages, *rest))
    n_named = sum(bool(piece.name) for piece in found.pieces)
    if found.pieces and n_named >= _MOST_NAMED * len(found.pieces):
        passages = tuple(Passage(piece.name, _without_name(piece), piece.line) for piece in found.pieces)
        return Form(f"Markdown with {counted(n_named, 'name')} in bold, code or links", passages)
    form = _form_of_prose("\n".join(piece.text for piece in found.pieces), path, title_column)
    passages = tuple(p._replace(line=found.pieces[p.line - 1].line) for p in form.passages)
    return replace(form, passages=passages, is_unchanged=False)


def _without_name(piece: Piece) -> str:
    """The text of a piece without the name that it begins with, if a colon or dash parts the two."""
    rest = piece.text.removeprefix(piece.name)
    return re.sub(r"\A\s*[:：—–-]\s*", "", rest) if re.match(r"\s*[:：—–-]", rest) else piece.text


def _form_of_prose(text: str, path: Path, title_column: str | None) -> Form:
    """The form of a text that is neither a table nor Markdown."""
    if sections := underlined_sections(text):
        return _form_of_sections(sections, f"a text with {_n_headings(sections, 'underlined heading')}")
    if (form := form_of_definitions(text) or form_of_fields(text, path, title_column)) is not None:
        return form
    if sections := capital_sections(text):
        return _form_of_sections(
            sections, f"a text with {_n_headings(sections, 'heading')} in capitals", are_marked=False
        )
    if (form := form_of_glossary(text)) is not None:
        return form
    if sections := short_line_sections(text):
        return _form_of_sections(
            sections, f"a text with {_n_headings(sections, 'short line')} as headings", are_marked=False
        )
    form = form_of_paragraphs(text)
    n_lines = sum(bool(line.strip()) for line in text.split("\n"))
    has_titles = any(passage.title for passage in form.passages)
    return form if has_titles or len(form.passages) < n_lines else unchanged_form(text)


def _n_headings(sections: Sequence[Section], noun: str) -> str:
    return counted(sum(bool(section.heading) for section in sections), noun)


def _form_of_sections(sections: Sequence[Section], what: str, name: str = "", *, are_marked: bool = True) -> Form:
    passages, notes = passages_of(sections, name)
    return Form(what, tuple(passages), tuple(notes), has_marked_titles=are_marked)
