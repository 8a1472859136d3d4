"""Files that are no plain text, named as what they are."""

import io
import re
import zipfile
from pathlib import Path

from closedbook.errors import TextError

_N_HEAD = 4096
"""Bytes at the beginning of a file that are enough to name its kind."""
_EXPORT = "open it in the program that made it, and save it as plain text (UTF-8)"
_UNPACK = "unpack it, and name the text that it holds"
_SHEET = "open it in the program that made it, and save the sheet as CSV (UTF-8)"
_MAGIC = (
    (b"version https://git-lfs.github.com/spec/", "a Git LFS pointer, not the text itself", "fetch it: git lfs pull"),
    (b"%PDF-", "a PDF", "extract its text first, for instance with pdftotext"),
    (b"\x1f\x8b", "compressed with gzip", "unpack it: gunzip"),
    (b"BZh", "compressed with bzip2", "unpack it: bunzip2"),
    (b"\xfd7zXZ\x00", "compressed with xz", "unpack it: unxz"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "unpack it: unzstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"Rar!", "a RAR archive", _UNPACK),
    (b"\xd0\xcf\x11\xe0", "an old Office file (DOC, XLS or PPT)", _EXPORT),
    (rb"{\rtf", "an RTF file", _EXPORT),
    (b"\x89PNG", "a PNG picture", "a text is needed"),
    (b"\xff\xd8\xff", "a JPEG picture", "a text is needed"),
    (b"GIF8", "a GIF picture", "a text is needed"),
    (b"SQLite format 3\x00", "an SQLite database", "export a table as CSV"),
    (b"PAR1", "a Parquet file", "export it as CSV or JSON lines"),
    (b"%!PS", "a PostScript file", "extract its text first, for instance with ps2ascii"),
)
_OFFICE = (
    ("word/", "a Word document (DOCX)", _EXPORT),
    ("xl/", "an Excel workbook (XLSX)", _SHEET),
    ("ppt/", "a PowerPoint file (PPTX)", _EXPORT),
    ("META-INF/container.xml", "an e-book (EPUB)", "convert it to plain text or Markdown, for instance with pandoc"),
    ("content.xml", "an OpenDocument file (ODT or ODS)", "save it as plain text, or a sheet as CSV (UTF-8)"),
)
_HTML = re.compile(rb"(?:\s|<!--.*?-->)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_ERROR_PAGE = re.compile(
    rb"\s*(?:[45]\d\d\W{0,3})?(?:(?:page |file )?not found|access denied|forbidden|unauthorized|bad request|gone|"
    rb"too many requests|internal server error|bad gateway|service unavailable|gateway time-?out)\W*",
    re.IGNORECASE,
)


class NoText(TextError):
    """A file that is no plain text, or an empty one."""


class EmptyFile(NoText):
    """A file without any text in it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, None, "no text in it; a corpus has one document a line")


def check_is_text(raw: bytes, path: Path) -> None:
    """Raise NoText, with what to do, where bytes are a web page, an archive, a picture or the like."""
    if not raw.strip():
        raise EmptyFile(path)
    head = raw[:_N_HEAD].removeprefix(b"\xef\xbb\xbf")
    for magic, name, cure in _MAGIC:
        if head.startswith(magic):
            raise NoText(path, None, f"is {name}; {cure}")
    if head.startswith(b"PK\x03\x04"):
        name, cure = _kind_of_zip(raw)
        raise NoText(path, None, f"is {name}; {cure}")
    if _HTML.match(head):
        rule = "is a web page (HTML), not plain text; save the page's text, or fetch the file itself"
        raise NoText(path, None, rule)
    if head.lstrip().startswith(b"<?xml"):
        raise NoText(path, None, "is XML, not plain text; export what it holds as plain text, CSV or JSON lines")
    if len(raw) < 200 and _ERROR_PAGE.fullmatch(raw):
        shown = raw.decode(errors="replace").strip()
        raise NoText(path, None, f"is a server's error message ({shown!r}), not the text; fetch the file again")


def _kind_of_zip(raw: bytes) -> tuple[str, str]:
    try:
        names = zipfile.ZipFile(io.BytesIO(raw)).namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, UnicodeDecodeError):
        names = []
    for beginning, name, cure in _OFFICE:
        if any(each.startswith(beginning) for each in names):
            return name, cure
    return "a zip archive", _UNPACK
