"""CSV and TSV with a header line, as spreadsheets write them."""

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from closedbook.errors import TextError
from closedbook.forms.records import Table

_DELIMITERS = (",", "\t", ";", "|")
_NAMES = {",": "CSV", "\t": "TSV", ";": "CSV with semicolons", "|": "a table with bars"}
_N_SNIFFED = 50
"""Rows that tell the delimiter."""
_MIN_REGULAR = 0.9
"""Share of these rows that must have as many cells as the header."""
_MAX_HEADER = 60
_SEP_LINE = re.compile(r"\Asep=(.)\r?\n", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?[\d.,]*\d[%€$£]?")


def delimiter_of(text: str, expects_table: bool) -> str | None:
    """The delimiter of a table with a header; None where a text is none.

    `expects_table` (the file is called .csv or .tsv) accepts what would otherwise be taken for prose: two columns, and
    one column.
    """
    said = _SEP_LINE.match(text)
    if said is not None:
        return said[1]
    best, best_columns = None, 1
    for delimiter in _DELIMITERS:
        rows = list(islice(_sniffed(text, delimiter), _N_SNIFFED))
        header = _without_empty_end(rows[0]) if rows else []
        if len(rows) < 2 or not _is_header(header, strict=not expects_table):
            continue
        n_columns = len(header)
        n_regular = sum(len(row) in (n_columns, len(rows[0])) for row in rows)
        if n_columns > best_columns and n_regular >= _MIN_REGULAR * len(rows):
            best, best_columns = delimiter, n_columns
    if best is None or (best_columns == 2 and not expects_table):
        return "," if expects_table and best is None else None
    return best


def read_table(text: str, delimiter: str, path: Path) -> tuple[Table, str]:
    """The rows of a table, and the name of its form.

    Raises TextError, with the line, where the header is none, or a row has more cells than it; a shorter row is filled
    with empty cells, which spreadsheets leave out.
    """
    said = _SEP_LINE.match(text)
    skipped = 1 if said is not None else 0
    rows = _rows(text[said.end() :] if said is not None else text, delimiter, path, skipped)
    first = next(rows, None)
    if first is None:
        raise TextError(path, None, "no text in it")
    number, header = first[0], _without_empty_end(first[1])
    if not _is_header(header, strict=False):
        shown = delimiter.join(header)[:60]
        raise TextError(path, number, f"a table begins with a line of headers, each once; received {shown!r}; add one")
    cells: list[tuple[str, ...]] = []
    lines: list[int] = []
    for number, row in rows:
        if len(row) > len(header) and any(cell.strip() for cell in row[len(header) :]):
            rule = (
                f"has {len(row)} cells, and the header has {len(header)}; put a cell that has {delimiter!r} in quotes"
            )
            raise TextError(path, number, rule)
        cells.append(tuple([*row, *[""] * (len(header) - len(row))][: len(header)]))
        lines.append(number)
    if not cells:
        raise TextError(path, None, "a header and no row; a table has a row for each thing")
    return Table(tuple(map(str.strip, header)), cells, lines), _NAMES.get(delimiter, "a table")


def _sniffed(text: str, delimiter: str) -> Iterator[list[str]]:
    try:
        for row in csv.reader(lines_with_ends(text), delimiter=delimiter):
            if any(cell.strip() for cell in row):
                yield row
    except csv.Error:
        return


def lines_with_ends(text: str) -> Iterator[str]:
    """The lines with their ends, at line feeds alone."""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def _rows(text: str, delimiter: str, path: Path, skipped: int) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, each with its first line."""
    reader = csv.reader(lines_with_ends(text), delimiter=delimiter)
    begins = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield begins + skipped, row
            begins = reader.line_num + 1
    except csv.Error as error:
        cure = "is a quote missing at the end of a cell?"
        raise TextError(path, begins + skipped, f"cannot be read as a table: {error}; {cure}") from None


def _without_empty_end(row: list[str]) -> list[str]:
    """A row without the empty cells that a spreadsheet leaves at its end."""
    n = next((i for i in range(len(row), 0, -1) if row[i - 1].strip()), 0)
    return row[:n]


def _is_header(row: Sequence[str], strict: bool) -> bool:
    """Whether cells name columns: all filled and different, none a number, and, if `strict`, short and no sentence."""
    cells = [cell.strip() for cell in row]
    if not cells or any(not cell for cell in cells) or len(set(cells)) < len(cells):
        return False
    if any(_NUMBER.fullmatch(cell) for cell in cells):
        return False
    return not strict or all(len(cell) <= _MAX_HEADER and not cell.endswith((".", "!", "。")) for cell in cells)
