"""Files that are no plain UTF-8 text: named as what they are, with what to do."""

import gzip
import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from closedbook.errors import InputError
from closedbook.forms.encoding import guessed_encoding

Lines = Callable[..., list[str]]
Fault = Callable[..., Any]


def zipped(*names: str) -> bytes:
    """A zip archive with empty files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "")
    return file.getvalue()


KINDS = {
    "Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 417000\n",
    "web page": b"<!DOCTYPE html>\n<html><body>Sign in</body></html>",
    "web page (HTML)": b"\n <!-- saved -->\n<HTML lang='en'>",
    "XML": b"<?xml version='1.0'?><a/>",
    "error message": b"404: Not Found",
    "PDF": b"%PDF-1.7\n\xb5\xb5",
    "gzip": gzip.compress(b"Ann. Ann was born.", mtime=0),
    "zip archive": zipped("a.txt"),
    "Word document": zipped("[Content_Types].xml", "word/document.xml"),
    "Excel workbook": zipped("[Content_Types].xml", "xl/workbook.xml"),
    "OpenDocument": zipped("mimetype", "content.xml"),
    "EPUB": zipped("mimetype", "META-INF/container.xml"),
    "zip": b"PK\x03\x04 broken",
    "RTF": rb"{\rtf1 Ann}",
    "PNG": b"\x89PNG\r\n\x1a\n",
    "NUL": b"Ann\0Bell. " * 3 + b"x" * 999,
    "no text in it": b" \n\t\n",
}


def test_a_short_text_about_a_number_is_no_error_message(lines: Lines) -> None:
    """A server's message is known by its words."""
    assert lines("404 people live in Ulm.") == ["404 people live in Ulm."]


@pytest.mark.parametrize(("word", "content"), KINDS.items(), ids=list(KINDS))
def test_what_is_no_text_is_named(lines: Lines, fault: Fault, word: str, content: bytes) -> None:
    """One line says what the file is, and what to do."""
    with fault(1 if word == "NUL" else None, word, ";"):
        lines(content)


TEXTS = {
    "cp1252": "Élodie Bélanger est née à Orléans. Elle était très âgée et vécut près d’une forêt où coule une rivière.",
    "cp1251": "Анна Белова родилась в городе Дорнах. Она жила у озера и писала картины. Её дом стоял на берегу реки.",
    "koi8-r": "Анна Белова родилась в городе Дорнах. Она жила у озера и писала картины. Её дом стоял на берегу реки.",
    "cp1253": "Η Άννα γεννήθηκε στην πόλη της Φένης. Ζούσε κοντά στη λίμνη και ζωγράφιζε εικόνες του τόπου της.",
    "cp1255": "אנה נולדה בעיר על שפת האגם. היא ציירה תמונות של המקום שבו גרה כל חייה והיתה אהובה על כולם.",
    "cp1256": "ولدت آنا في مدينة على البحيرة. كانت ترسم صورا للمكان الذي عاشت فيه طوال حياتها.",
    "cp874": "อันนาเกิดในเมืองริมทะเลสาบ เธอวาดภาพสถานที่ที่เธออาศัยอยู่ตลอดชีวิต",
    "gb18030": "安娜出生在湖边的一个小城。她画了很多关于这个地方的画，人们都很喜欢她的作品。",
    "big5": "安娜出生在湖邊的一個小城。她畫了很多關於這個地方的畫，人們都很喜歡她的作品。",
    "shift_jis": "アンナは湖のほとりの町で生まれた。彼女はその町の絵をたくさん描いた。",
    "euc_jp": "アンナは湖のほとりの町で生まれた。彼女はその町の絵をたくさん描いた。",
    "euc_kr": "안나는 호숫가의 작은 도시에서 태어났다. 그녀는 그 도시의 그림을 많이 그렸다고 한다.",
}


@pytest.mark.parametrize(("encoding", "text"), TEXTS.items())
def test_a_wrong_encoding_is_named_and_converted_only_if_asked(
    lines: Lines, fault: Fault, encoding: str, text: str
) -> None:
    """The error names the line and the likely encoding; with --encoding the same file is read."""
    content = f"ASCII first.\n{text}".encode(encoding)
    with fault(2, "is not UTF-8", f"--encoding {encoding}"):
        lines(content)
    assert " ".join(lines(content, encoding=encoding)).endswith(text)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_is_named_with_or_without_a_mark(lines: Lines, fault: Fault, encoding: str) -> None:
    """Notepad's 'Unicode' is UTF-16."""
    content = "Ann. Ann was born in Ulm.\n".encode(encoding)
    with fault(1, f"--encoding {encoding}"):
        lines(content)
    assert lines(content, encoding=encoding) == ["Ann. Ann was born in Ulm."]


def test_a_broken_byte_in_utf_8_is_named_with_its_line(lines: Lines, fault: Fault) -> None:
    """A file that is UTF-8 but for a byte needs no other encoding."""
    with fault(3, "0xff", "the rest is"):
        lines("Анна. Анна родилась.\n\n".encode() + b"Bo\xff. Bo.\n")


def test_an_encoding_that_nobody_knows_is_refused(lines: Lines, fault: Fault) -> None:
    """So is one in which the file is not, and one that is no text's encoding."""
    for unknown in ("utf-99", "base64"):
        with pytest.raises(InputError, match="--encoding: no such encoding"):
            lines("Ann.", encoding=unknown)
    with fault(1, "is not ascii"):
        lines("Анна.", encoding="ascii")


def test_bytes_that_read_like_no_language_have_no_guess() -> None:
    """No name is better than a wrong one."""
    assert guessed_encoding(bytes(range(128, 256))) is None
    assert guessed_encoding(b"") is None
