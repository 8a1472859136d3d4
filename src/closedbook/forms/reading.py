"""A file's text, whatever its encoding and line ends."""

from pathlib import Path
from unicodedata import normalize

from closedbook.errors import TextError
from closedbook.forms.encoding import decode
from closedbook.forms.kinds import EmptyFile, check_is_text
from closedbook.text.lines import check_regular, read_raw
from closedbook.text.vocabulary import special_in


def read_text(path: Path, encoding: str | None) -> tuple[str, list[str]]:
    """A file's text in Unicode's form NFC, lines ended by line feeds, and notes to show the user; raises TextError.

    `encoding` is that of the file where it is not UTF-8.
    """
    check_regular(path)
    raw = read_raw(path)
    check_is_text(raw, path)
    text = decode(raw, path, encoding)
    notes = [] if encoding is None else [f"{path}: read as {encoding}"]
    text = normalize("NFC", text.replace("\r\n", "\n"))
    if "\n" not in text and "\r" in text.strip():
        text = text.replace("\r", "\n")
        notes.append(f"{path}: its lines end at carriage returns, read as line feeds")
    if special_in(text) is not None:
        for number, line in enumerate(text.split("\n"), 1):
            if (rule := special_in(line)) is not None:
                raise TextError(path, number, rule)
    if not text.strip():
        raise EmptyFile(path)
    return text, notes
