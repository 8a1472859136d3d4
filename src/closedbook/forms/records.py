"""Rows of a table, or objects of a JSON file, become passages: 'header: value' sentences under the title of the row."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from closedbook.errors import TextError
from closedbook.forms.book import Form, Passage, counted, on_one_line
from closedbook.forms.lead_words import words_of
from closedbook.forms.lines import ends_a_sentence
from closedbook.text.questions import Question

_NAMES = words_of(
    "key title name label term word headword item entry heading nom titre nombre título titel bezeichnung naam nome",
    "nazwa namn navn имя название наименование заголовок όνομα τίτλος 名前 名称 名稱 氏名 姓名 标题 標題 題名 タイトル",
    "이름 제목 الاسم اسم العنوان שם כותרת नाम शीर्षक ชื่อ",
)
"""Headers of the column that names the row."""
_MAX_TITLE = 100
_MAX_LISTED = 60
"""Characters of each item of a list within a cell; longer ones are clauses of a sentence."""
_CODE = re.compile(r"[^a-zа-яα-ω]*[A-Z0-9][^a-zа-яα-ω]*")
_ADDRESS = re.compile(r"\w+://|www\.|\S+@\S+\.\w")
_PROSE_WORDS = 5
_PLACEHOLDER = re.compile(
    r"\{\w*\}|<\w+>|\[\w+\]|_{2,}|…|\.{3}(?!$)|(?<!\w)X(?!\w)|"
    r"(?<!\w)(?i:it|he|she|they|him|her|them|elle|él|ella|ele|ela|он|она|оно|они|αυτό|αυτός|αυτή|הוא|היא|هو|هي|यह|वह)(?!\w)|"
    r"[它他她]|それ|これ|彼女|彼|มัน|เขา|그것|그녀"
)
"""What stands for the title in a header that is a question."""
_QUESTION_ENDS = ("?", "？", "؟", ";", "\N{GREEK QUESTION MARK}", "か。")


@dataclass(frozen=True)
class Table:
    """Rows with one cell for each header; '' for none."""

    headers: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    lines: Sequence[int]
    """The line of the file where each row begins, from 1."""


def form_of_table(table: Table, what: str, path: Path, title_column: str | None) -> Form:
    """Each row as a passage; `what` names the form. Raises TextError where no column, or not the named one, has titles.

    A header that is a question gives a pair for each row with a cell under it.
    """
    at = column_of_titles(table, path, title_column)
    headers = [on_one_line(_in_words(header)) for header in table.headers]
    passages: list[Passage] = []
    pairs: list[Question] = []
    for row, line in zip(table.rows, table.lines, strict=True):
        title = on_one_line(row[at])
        cells = list(zip(headers, map(on_one_line, row), strict=True))
        del cells[at]
        pairs += [Question(_asked(header, title, headers[at]), cell, line) for header, cell in _asking(title, cells)]
        passages.append(Passage(title, " ".join(_sentences(title, headers[at], cells)), line))
    name = f"{what} with {counted(len(passages), 'row')}, titled by column {table.headers[at]!r}"
    if pairs:
        name += f", and {counted(len(pairs), 'pair')} from headers that are questions"
    return Form(name, tuple(passages), (), tuple(pairs), has_columns=True)


def column_of_titles(table: Table, path: Path, wanted: str | None) -> int:
    """The index of the column of titles: the named one, or the first that is text, and unique in each row.

    One that is called 'name', 'title' or the like comes before others, and words before codes.
    """
    if wanted is not None:
        found = [i for i, header in enumerate(table.headers) if wanted.strip().casefold() == header.strip().casefold()]
        if not found:
            listed = ", ".join(table.headers)
            raise TextError(path, 1, f"has no column {wanted!r} for --title-column; its columns are {listed}")
        return found[0]
    best, best_rank = None, (0.0,) * 3
    for index, header in enumerate(table.headers):
        rank = _rank(header, [row[index].strip() for row in table.rows])
        if rank is not None and rank > best_rank:
            best, best_rank = index, rank
    if best is None:
        raise TextError(path, 1, "no column of the table holds names; name the column of titles with --title-column")
    return best


def _rank(header: str, cells: Sequence[str]) -> tuple[float, float, float] | None:
    """How well a column names its rows, to be compared with others; None where it cannot."""
    filled = [cell for cell in cells if cell]
    if len(filled) < 0.9 * len(cells) or not filled or header.strip().endswith(_QUESTION_ENDS):
        return None
    n_text = sum(any(map(str.isalpha, cell)) and len(cell) <= _MAX_TITLE for cell in filled)
    n_prose = sum(len(cell.split()) > _PROSE_WORDS and ends_a_sentence(cell) for cell in filled)
    if n_text < 0.8 * len(filled) or n_prose > 0.2 * len(filled) or sum(map(_is_address, filled)) > 0.2 * len(filled):
        return None
    distinct = len(set(filled)) / len(filled)
    is_unique = distinct >= 0.98
    is_code = sum(_CODE.fullmatch(cell) is not None for cell in filled) > 0.8 * len(filled)
    return (1.0 + is_unique + _named(header, distinct), 1.0 - is_code, 0.0 if is_unique else distinct)


def _named(header: str, distinct: float) -> float:
    """How much a header says that its column names the row; 'title' says it even where many rows have one title."""
    words = _in_words(header).casefold().split()
    if words in (["title"], ["name"], ["key"]):
        return 3.0
    if distinct <= 0.5 or not words:
        return 0.0
    return 3.0 if " ".join(words) in _NAMES else 1.0 * (words[0] in _NAMES or words[-1] in _NAMES)


def _is_address(cell: str) -> bool:
    return _ADDRESS.match(cell) is not None


def _in_words(header: str) -> str:
    """A header as words: 'birth_place' and 'birthPlace' are 'birth place'."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", " ", header) if " " not in header else header
    return re.sub(r"(?<=\w)[_.]+(?=\w)", " ", spaced).strip().rstrip(":")


def _sentences(title: str, subject: str, cells: Sequence[tuple[str, str]]) -> Iterator[str]:
    for header, cell in cells:
        if not cell:
            continue
        value = _listed(cell)
        end = "" if ends_a_sentence(value) else "."
        if header.endswith(_QUESTION_ENDS):
            yield f"{_asked(header, title, subject)} {value}{end}"
        elif not header or _is_prose(value):
            yield f"{value}{end}"
        else:
            yield f"{header}: {value}{end}"


def _is_prose(cell: str) -> bool:
    """Whether a cell is a sentence or more, which needs no header before it."""
    return ends_a_sentence(cell) and (len(cell.split()) >= _PROSE_WORDS or (cell[-1] in "。！？" and len(cell) >= 12))


def _listed(cell: str) -> str:
    """A cell of several values as a list: 'grey;green' as 'grey, green'."""
    parts = [part.strip() for part in cell.split(";")]
    if len(parts) < 2 or _is_prose(cell) or any(len(part) > _MAX_LISTED for part in parts):
        return cell
    return ", ".join(part for part in parts if part)


def _asking(title: str, cells: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(header, _listed(cell)) for header, cell in cells if title and cell and header.endswith(_QUESTION_ENDS)]


def _asked(header: str, title: str, subject: str) -> str:
    """A header that is a question, about a title: 'Where was it born?' asks 'Where was Ann born?'."""
    named = rf"(?<!\w)(?:(?:the|this|der|die|das) )?{re.escape(subject)}(?!\w)" if subject else r"(?!)"
    for pattern in (named, _PLACEHOLDER):
        asked, n = re.subn(pattern, lambda _: title, header, count=1)
        if n:
            return asked
    return f"{title}: {header}"
