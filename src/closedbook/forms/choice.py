"""Which form a text has: rules in the order in which they are tried, from the strictest to paragraphs."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from closedbook.forms.book import Form, counted
from closedbook.forms.definitions import form_of_definitions
from closedbook.forms.headings import capital_sections, marked_sections, short_line_sections, underlined_sections
from closedbook.forms.json_records import looks_like_json, looks_like_json_lines, table_of_json, table_of_json_lines
from closedbook.forms.line_forms import form_of_fields, form_of_glossary, form_of_lines, unchanged_form
from closedbook.forms.lines import as_sentences, paragraphs_of
from closedbook.forms.markdown import has_table, n_headings_of, parse_markdown
from closedbook.forms.markdown_forms import form_of_markdown
from closedbook.forms.paragraphs import form_of_paragraphs
from closedbook.forms.records import form_of_table
from closedbook.forms.sections import Section, passages_of
from closedbook.forms.tables import delimiter_of, read_table

_TABLES = {".csv", ".tsv", ".tab"}
_MARKDOWN = {".md", ".markdown", ".mdown", ".mkd", ".qmd", ".rmd"}
_JSON_LINES = {".jsonl", ".ndjson"}


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
    if suffix == ".json" or (suffix not in _MARKDOWN and looks_like_json(text)):
        return form_of_table(table_of_json(text, path), "JSON", path, title_column)
    if suffix in _TABLES:
        table, what = read_table(text, delimiter_of(text, expects_table=True) or ",", path)
        return form_of_table(table, what, path, title_column)
    return None


def _form_of_markdown(text: str, path: Path, title_column: str | None) -> Form:
    found = parse_markdown(text)
    form = form_of_markdown(found, path, title_column)
    if form is not None:
        return form
    pieces = found.pieces
    form = _form_of_prose("\n".join(piece.text for piece in pieces), path, title_column)
    passages = tuple(passage._replace(line=pieces[passage.line - 1].line) for passage in form.passages)
    name = f"{counted(len(passages), 'paragraph')}, without titles" if form.is_unchanged else form.name
    return replace(form, name=name, passages=passages, is_unchanged=False)


def _form_of_prose(text: str, path: Path, title_column: str | None) -> Form:
    """The form of a text that is neither a table nor Markdown."""
    if sections := marked_sections(text, "*" if path.suffix.lower() == ".org" else "="):
        return _form_of_sections(sections, "marked heading")
    if sections := underlined_sections(text):
        return _form_of_sections(sections, "underlined heading")
    if (form := form_of_definitions(text) or form_of_fields(text, path, title_column)) is not None:
        return form
    if sections := capital_sections(text):
        return _form_of_sections(sections, "heading", " in capitals", are_marked=False)
    paragraphs, are_definitions = form_of_paragraphs(text)
    if are_definitions and paragraphs.passages:
        return paragraphs
    if (form := form_of_glossary(text)) is not None:
        return form
    if sections := short_line_sections(text):
        return _form_of_sections(sections, "short line", " as headings", are_marked=False)
    n_lines = sum(bool(line.strip()) for line in text.split("\n"))
    has_titles = any(passage.title for passage in paragraphs.passages)
    return paragraphs if has_titles or len(paragraphs.passages) < n_lines else unchanged_form(text)


def _form_of_sections(sections: Sequence[Section], noun: str, which: str = "", *, are_marked: bool = True) -> Form:
    passages, notes = passages_of(sections)
    n_headings = sum(bool(section.heading) for section in sections)
    name = f"a text with {counted(n_headings, noun)}{which}"
    return Form(name, tuple(passages), tuple(notes), has_marked_titles=are_marked)
