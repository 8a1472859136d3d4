"""Pairs as people have them: TSV, CSV or JSON lines, with or without a header and a spreadsheet's quotes."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from closedbook.errors import TextError
from closedbook.forms.book import counted, on_one_line
from closedbook.forms.json_records import (
    in_words,
    is_comprehension_set,
    looks_like_json,
    looks_like_json_lines,
    records_of_json,
    records_of_json_lines,
)
from closedbook.forms.kinds import EmptyFile
from closedbook.forms.lead_words import words_of
from closedbook.forms.reading import read_text
from closedbook.forms.tables import lines_with_ends
from closedbook.text.questions import Questions, parse_questions

_QUESTION = words_of(
    "question questions query q prompt instruction input frage fragen pregunta pergunta domanda vraag pytanie fråga",
    "вопрос вопросы ερώτηση سؤال السؤال שאלה प्रश्न सवाल คำถาม 问题 問題 問 質問 질문",
)
_ANSWER = words_of(
    "answer answers a response output target completion label antwort antworten réponse respuesta resposta risposta",
    "antwoord odpowiedź svar ответ ответы απάντηση جواب الجواب תשובה उत्तर जवाब คำตอบ",
    "答案 答 回答 解答 答え 답 답변 정답",
)
_SUFFIXES = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
_JSON_LINES = {".jsonl", ".ndjson"}

Row = tuple[int, list[str]]
"""A line's number, from 1, and its cells."""


@dataclass(frozen=True)
class RecognizedPairs:
    """The pairs or questions of a file, and notes to show the user: what was left out or undone."""

    questions: Questions
    notes: tuple[str, ...]


def recognize_pairs(path: Path, encoding: str | None = None) -> RecognizedPairs:
    """The pairs or questions of a file: question<TAB>answer per line, CSV, JSON lines, or a JSON list of objects.

    A header line says which columns are question and answer, and is left out; without one, there are two columns at
    most. Raises TextError, in one line with what to do, where a file is none of these.
    """
    try:
        text, notes = read_text(path, encoding)
    except EmptyFile:
        raise TextError(path, None, "no question in it; write one a line") from None
    suffix = path.suffix.lower()
    if suffix in _JSON_LINES or suffix == ".json" or looks_like_json(text):
        is_lines = suffix in _JSON_LINES or looks_like_json_lines(text) or _is_one_pair(text)
        rows, more = _of_json((records_of_json_lines if is_lines else records_of_json)(text, path), path)
        return RecognizedPairs(_questions(rows, path), (*notes, *more))
    rows, more = _rows(text, suffix, path)
    notes += [f"{path}: {note}" for note in more]
    rows, more = _named_columns(rows, path)
    notes += [f"{path}: {note}" for note in more]
    return RecognizedPairs(_questions(rows, path), tuple(notes))


def _is_one_pair(text: str) -> bool:
    """Whether JSON is a line with one object that has a question: a pair, and no table of texts by their names."""
    if "\n" in text.strip():
        return False
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and any(key.strip().casefold() in _QUESTION for key in value)


def _rows(text: str, suffix: str, path: Path) -> tuple[list[Row], list[str]]:
    """The cells of each line that is not empty, without the quotes that a spreadsheet adds."""
    first = next(line for line in text.split("\n") if line.strip())
    delimiter = _SUFFIXES.get(suffix, "\t")
    if "\t" not in first:
        delimiter = next((d for d in ",;" if d in first and _columns(first.split(d)) is not None), delimiter)
    if delimiter == "," and suffix == ".csv" and first.count(";") > first.count(","):
        delimiter = ";"
    plain = [(number, line.split(delimiter)) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if delimiter == "\t" and not any(cell.startswith('"') for _, row in plain for cell in row):
        return plain, []
    try:
        unquoted = list(_unquoted(text, delimiter))
    except csv.Error as error:
        if delimiter == "\t":
            return plain, []  # The quotes are part of the text.
        raise TextError(
            path, None, f"cannot be read as CSV: {error}; is a quote missing at the end of a cell?"
        ) from None
    if delimiter == "\t" and not _are_of_a_spreadsheet(plain):
        return plain, []
    return unquoted, ["quotes around cells taken away"] if unquoted != plain else []


def _unquoted(text: str, delimiter: str) -> Iterator[Row]:
    reader = csv.reader(lines_with_ends(text), delimiter=delimiter, strict=True)
    begins = 1
    for row in reader:
        if any(cell.strip() for cell in row):
            yield begins, row
        begins = reader.line_num + 1


def _are_of_a_spreadsheet(rows: Sequence[Row]) -> bool:
    """Whether quotes around cells are there for what is in the cells, or stand around all of them."""
    cells = [cell.strip() for _, row in rows for cell in row if cell.strip()]
    quoted = [cell[1:].removesuffix('"') for cell in cells if cell.startswith('"')]
    return len(quoted) == len(cells) or any('""' in cell or "," in cell for cell in quoted) or _has_open_cell(cells)


def _has_open_cell(cells: Sequence[str]) -> bool:
    return any(cell.startswith('"') and cell.count('"') % 2 for cell in cells)


def _columns(cells: Sequence[str]) -> tuple[int, int | None] | None:
    """Where a header has the question and the answer, None for no answer; None where a line is no header."""
    names = [cell.strip().strip('"').strip().casefold() for cell in cells]
    question = next((i for i, name in enumerate(names) if name in _QUESTION), None)
    answer = next((i for i, name in enumerate(names) if name in _ANSWER), None)
    if question is None or (answer is None and len(names) > 1):
        return None
    return question, answer


def _named_columns(rows: list[Row], path: Path) -> tuple[list[Row], list[str]]:
    """Question and answer of each row, as the header says; without one, as they stand."""
    if not rows:
        return [], []
    number, header = rows[0]
    columns = _columns(header)
    if columns is None:
        return [(number, _without_empty_end(row)) for number, row in rows], []
    notes = [f"line {number} is a header ({', '.join(cell.strip() for cell in header)}), left out"]
    others = [cell.strip() for i, cell in enumerate(header) if i not in columns and cell.strip()]
    if others:
        notes.append(_left_out(others, "column"))
    question, answer = columns
    width = max(question, answer or 0) + 1
    chosen = []
    for number, row in rows[1:]:
        if len(row) > len(header) and any(cell.strip() for cell in row[len(header) :]):
            rule = f"has {len(row)} cells, and the header has {len(header)}; put a cell with the delimiter in quotes"
            raise TextError(path, number, rule)
        cells = [*row, *[""] * (width - len(row))]
        chosen.append((number, [cells[question]] if answer is None else [cells[question], cells[answer]]))
    return chosen, notes


def _without_empty_end(row: list[str]) -> list[str]:
    """A row without the empty cells that a spreadsheet leaves after the second."""
    while len(row) > 2 and not row[-1].strip():
        row = row[:-1]
    return row


def _of_json(records: Sequence[tuple[int, dict[str, Any]]], path: Path) -> tuple[list[Row], list[str]]:
    """Question and answers of each object, and notes on what else they hold; TextError where one has no question."""
    if is_comprehension_set([record for _, record in records]):
        records = [
            (number, asked)
            for number, record in records
            for paragraph in record["paragraphs"]
            for asked in paragraph.get("qas", [])
            if isinstance(asked, dict)
        ]
    rows: list[Row] = []
    others: dict[str, None] = {}
    for number, record in records:
        question = next((key for key in record if key.strip().casefold() in _QUESTION), None)
        answer = next((key for key in record if key.strip().casefold() in _ANSWER), None)
        if question is None:
            keys = ", ".join(record) or "none"
            raise TextError(path, number, f"an object of pairs has the keys question and answer; its keys are {keys}")
        others |= dict.fromkeys(key for key in record if key not in (question, answer))
        asked = in_words(record[question])
        if record.get("is_impossible") is True:
            continue  # A question of SQuAD 2 that its paragraph does not answer.
        answers = [[]] if answer is None else [[text] for text in _answers(record[answer])]
        rows += [(number, [asked, *texts]) for texts in answers]
    return rows, [f"{path}: {_left_out(list(others), 'key')}"] if others else []


def _left_out(names: Sequence[str], what: str) -> str:
    return f"{counted(len(names), what)} left out, since only question and answer are learnt: {', '.join(names)}"


def _answers(value: Any) -> list[str]:
    """The distinct answers of a value: one, a list, or an object with a list of texts."""
    if isinstance(value, dict):
        value = value.get("text", value)
    if isinstance(value, list):
        texts = [each.get("text", each) if isinstance(each, dict) else each for each in value]
        return list(dict.fromkeys(map(in_words, texts))) or [""]
    return [in_words(value)]


def _questions(rows: Sequence[Row], path: Path) -> Questions:
    """The rows as questions or pairs, checked as those of any file."""
    for number, row in rows:
        if len(row) > 2:
            rule = f"a pair is a question and an answer, and this line has {len(row)} cells"
            cure = "leave out the others, or begin the file with a header that names the two: question and answer"
            raise TextError(path, number, f"{rule}; {cure}")
    try:
        parsed = parse_questions(["\t".join(map(_cell, row)) for _, row in rows], path)
    except TextError as error:
        raise TextError(path, rows[error.line - 1][0] if error.line else None, error.message) from None
    items = tuple(replace(item, line=rows[item.line - 1][0]) for item in parsed.items)
    return Questions(path, items)


def _cell(cell: str) -> str:
    """A cell of a spreadsheet may hold line ends and tabs."""
    return on_one_line(cell) if "\n" in cell or "\t" in cell else cell
