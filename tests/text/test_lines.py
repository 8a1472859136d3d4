import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedbook.text.documents import read_corpus
from closedbook.text.lines import Lines, decode_lines
from closedbook.text.questions import read_pairs, read_questions

Fault = Callable[..., AbstractContextManager[None]]
Write = Callable[[str | bytes], Path]


@given(st.lists(st.text(st.sampled_from("aZ é\t.\u2028\x0b")), min_size=1), st.booleans())
def test_only_line_feeds_end_a_line(lines: list[str], last_end: bool):
    """Other characters that some programs take for line ends stay characters of the line."""
    raw = ("\n".join(lines) + "\n" * (last_end or lines[-1] == "")).encode()
    assert list(decode_lines(raw, None)) == lines


@given(st.lists(st.text(st.sampled_from("aZ é\r👍")), max_size=7), st.integers(-9, 9), st.integers(-9, 9))
def test_lines_are_a_sequence_of_strings(texts: list[str], i: int, j: int):
    """Lines have the length, the items and the parts of the list of their texts."""
    lines = Lines.of_bytes("".join(f"{text}\n" for text in texts).encode())
    assert (len(lines), list(lines), list(lines[i:j])) == (len(texts), texts, texts[i:j])
    assert [lines[k] for k in range(-len(texts), len(texts))] == texts * 2
    with pytest.raises(IndexError):
        lines[len(texts)]
    assert list(lines.take(range(0, len(texts), 2))[1:]) == texts[2::2]


def test_pieces_are_the_text_of_all_lines():
    """Ten thousand lines come in several pieces, and no line is cut in two."""
    texts = [f"é{number}" for number in range(10_007)]
    pieces = list(Lines.of_bytes("\n".join(texts).encode()).pieces())
    assert len(pieces) == 3
    assert "\n".join(pieces).split("\n") == texts


def test_a_byte_far_into_a_file_is_named_with_its_line(fault: Fault):
    """Bytes are checked a mebibyte at a time, and lines are counted from the first."""
    line = "é" * 1000
    raw = f"{line}\n".encode() * 1500
    assert len(decode_lines(raw, None)) == 1500
    with fault(None, 1501, "0xe9"):
        decode_lines(raw + b"Mal\xe9\n" + raw, None)


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
