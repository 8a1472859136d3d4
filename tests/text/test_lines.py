import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedbook.text.documents import read_corpus
from closedbook.text.lines import decode_lines
from closedbook.text.questions import read_pairs, read_questions

Fault = Callable[..., AbstractContextManager[None]]
Write = Callable[[str | bytes], Path]


@given(st.lists(st.text(st.sampled_from("aZ é\t.\u2028\x0b")), min_size=1), st.booleans())
def test_only_line_feeds_end_a_line(lines: list[str], last_end: bool):
    """Other characters that some programs take for line ends stay characters of the line."""
    raw = ("\n".join(lines) + "\n" * (last_end or lines[-1] == "")).encode()
    assert list(decode_lines(raw, None)) == lines


@pytest.mark.parametrize("content", ["", "\n", " \n\t\n", "\ufeff"])
def test_a_file_without_text_is_refused(write: Write, content: str, fault: Fault):
    """A corpus needs a document, and a file of questions needs a question."""
    path = write(content)
    with fault(path, None, "no text in it", "one document a line"):
        read_corpus(path)
    with fault(path, None, "no question in it", "write one a line"):
        read_questions(path)


def test_a_folder_is_refused(tmp_path: Path, fault: Fault):
    """A folder in place of a file is refused, and named as a folder."""
    with fault(tmp_path, None, "is a folder"):
        read_corpus(tmp_path)


def test_a_missing_file_is_refused(tmp_path: Path, fault: Fault):
    """A file that does not exist is named, with the advice to check the path."""
    path = tmp_path / "nowhere.txt"
    with fault(path, None, "no such file", "check the path"):
        read_questions(path)


@pytest.mark.parametrize(
    ("name", "reason"), [("file within a file.txt", "Not a directory"), ("a" * 300, "File name too long")]
)
@pytest.mark.parametrize("read", [read_corpus, read_pairs, read_questions])
def test_a_file_that_cannot_be_read_is_refused(
    write: Write, fault: Fault, read: Callable[[Path], object], name: str, reason: str
):
    """The error names the system's reason."""
    path = write("text") / name if "within" in name else write("text").with_name(name)
    with fault(path, None, "cannot be read", reason):
        read(path)


@pytest.mark.parametrize("read", [read_corpus, read_pairs])
def test_a_pipe_is_refused(tmp_path: Path, fault: Fault, read: Callable[[Path], object]):
    """What a run has to read again must be a file."""
    os.mkfifo(tmp_path / "pipe")
    with fault(tmp_path / "pipe", None, "is not a regular file", "save its content to a file"):
        read(tmp_path / "pipe")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf_16_is_refused(write: Write, encoding: str, fault: Fault):
    """The message names the encoding that some editors call Unicode, and the one that is needed."""
    path = write("\ufeffabc\n".encode(encoding))
    with fault(path, 1, "UTF-16", "save it as UTF-8"):
        read_corpus(path)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_latin_1_byte_is_named_with_its_line(write: Write, mark: bytes, fault: Fault):
    """The first byte that is not UTF-8 is named with its line, with or without a BOM."""
    path = write(mark + b"one\ntwo\nMalm\xf6\nfour \xe9\n")
    with fault(path, 3, "0xf6", "not UTF-8", "save the file as UTF-8"):
        read_corpus(path)
