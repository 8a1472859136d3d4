"""JSON lines and JSON as rows: nested values are flattened, lists become lists in words."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from closedbook.errors import TextError
from closedbook.forms.records import Table

_KEY = "key"
"""The header of the keys of an object of objects."""
_SHORT = 60
_MAX_CELLS = 50_000_000
_BEGINNING = re.compile(r"\s*(?:\[\s*\{|\{)\s*\"")
_NOT_ITEM = re.compile(r"[\s,]*")


def looks_like_json_lines(text: str) -> bool:
    """Whether the first line with text is a JSON object, and the next seems to be one."""
    lines = (line for line in _some_lines(text) if line.strip())
    return _is_object(next(lines, "")) and next(lines, "").lstrip().startswith("{")


def looks_like_json(text: str) -> bool:
    """Whether a text begins as JSON does."""
    return _BEGINNING.match(text) is not None


def table_of_json_lines(text: str, path: Path) -> Table:
    """A row for each line; raises TextError with the first line that is no JSON object."""
    records = records_of_json_lines(text, path)
    return _table([flattened(record) for _, record in records], [line for line, _ in records], path)


def table_of_json(text: str, path: Path) -> Table:
    """A row for each object of an array; of an object whose values are objects or texts, a row for each key.

    A reading-comprehension set, in the form of SQuAD (Rajpurkar et al. 2016), has a row for each paragraph. Raises
    TextError where a file has neither.
    """
    records = records_of_json(text, path)
    if is_comprehension_set([record for _, record in records]):
        records = [
            (line, {"title": record.get("title", ""), "": paragraph["context"]})
            for line, record in records
            for paragraph in record["paragraphs"]
        ]
    return _table([flattened(record) for _, record in records], [line for line, _ in records], path)


def records_of_json(text: str, path: Path) -> list[tuple[int, dict[str, Any]]]:
    """The objects of a JSON text, as in `table_of_json`, each with its line; 1 for those that are not in an array."""
    data = _loaded(text, path, None)
    records = _records(data)
    if records is None:
        raise TextError(path, None, "JSON is read as a list of objects in braces, one for each thing; make it one")
    lines = _lines_of_items(text) if isinstance(data, list) else [1] * len(records)
    return list(zip(lines, records, strict=True))


def is_comprehension_set(records: Sequence[dict[str, Any]]) -> bool:
    """Whether objects are articles in the form of SQuAD, with paragraphs that have a context and questions."""
    return all(
        isinstance(record.get("paragraphs"), list)
        and all(isinstance(each, dict) and "context" in each for each in record["paragraphs"])
        for record in records
    )


def records_of_json_lines(text: str, path: Path) -> list[tuple[int, dict[str, Any]]]:
    """The objects of JSON lines, each with its line; raises TextError with the first line that is no JSON object."""
    records = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        record = _loaded(line, path, number)
        if not isinstance(record, dict):
            rule = f"a line of JSON lines is an object in braces; received {line.strip()[:_SHORT]!r}"
            raise TextError(path, number, rule)
        records.append((number, record))
    return records


def _lines_of_items(text: str) -> list[int]:
    """The lines on which the items of an array begin."""
    decoder = json.JSONDecoder()
    lines, number, at = [], 1, text.index("[") + 1
    counted = 0
    while (at := _NOT_ITEM.match(text, at).end()) < len(text) and text[at] != "]":  # type: ignore[union-attr]
        number += text.count("\n", counted, at)
        counted = at
        lines.append(number)
        _, at = decoder.raw_decode(text, at)
    return lines


def flattened(record: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """The values of an object as texts; those of an object in it are named by both keys."""
    flat: dict[str, str] = {}
    for key, value in record.items():
        name = f"{prefix} {key}".strip()
        if isinstance(value, dict):
            flat |= flattened(value, name)
        else:
            flat[name] = in_words(value)
    return flat


def in_words(value: Any) -> str:
    """A JSON value as text: a list as its items with semicolons between them."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key} {text}" for key, text in flattened(value).items() if text)
    if isinstance(value, list):
        return ";".join(filter(None, map(in_words, value)))
    # A half of a surrogate pair, which JSON can spell, is no character.
    return str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _records(data: Any) -> list[dict[str, Any]] | None:
    if isinstance(data, list):
        return data if data and all(isinstance(each, dict) for each in data) else None
    if not isinstance(data, dict) or not data:
        return None
    lists = [value for value in data.values() if isinstance(value, list) and value and isinstance(value[0], dict)]
    if len(lists) == 1 and len(data) <= 5:
        return _records(lists[0])
    if all(isinstance(value, dict) for value in data.values()):
        return [{_KEY: key} | value for key, value in data.items()]
    if all(isinstance(value, str) for value in data.values()):
        return [{_KEY: key, "text": value} for key, value in data.items()]
    return None


def _table(records: list[dict[str, str]], lines: list[int], path: Path) -> Table:
    headers = list(dict.fromkeys(key for record in records for key in record))
    if not headers:
        raise TextError(path, None, "no text in it: its objects are empty")
    if len(headers) * len(records) > _MAX_CELLS and len(headers) > 100:
        rule = f"its objects have {len(headers):,} different keys; one object for each thing has the same few"
        raise TextError(path, None, rule)
    return Table(tuple(headers), [tuple(record.get(header, "") for header in headers) for record in records], lines)


def _loaded(text: str, path: Path, line: int | None) -> Any:
    try:
        return json.loads(text, parse_float=str, parse_int=str, parse_constant=lambda _: None)
    except json.JSONDecodeError as error:
        raise TextError(
            path, line or error.lineno, f"is no JSON: {error.msg} at column {error.colno}; mend it"
        ) from None
    except RecursionError:
        raise TextError(path, line, "its JSON is nested too deeply; make it a list of objects") from None


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _some_lines(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield text[start:end]
        start = end + 1
