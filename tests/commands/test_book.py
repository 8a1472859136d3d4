"""The command `book`: files as people have them are written as a corpus."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Closedbook = Callable[..., Any]


def test_a_book_is_written_and_described(closedbook: Closedbook, tmp_path: Path) -> None:
    """One line on standard output says what was recognized, notes go to standard error."""
    (tmp_path / "notes.md").write_text("# Kelrus\nA grey\nplant.\n\n# Empty\n")
    outcome = closedbook("book", tmp_path / "notes.md", "--out", tmp_path / "corpus.txt")
    assert outcome.status == 0
    assert outcome.out == "notes.md: Markdown with 2 headings: 1 document\n"
    assert "1 title without text left out (Empty)" in outcome.err
    assert (tmp_path / "corpus.txt").read_text() == "Kelrus. A grey plant.\n"


@pytest.mark.parametrize(
    "content", [b"Ann. Ann was born .\nBo. Bo too", b"\xef\xbb\xbfAnn. Ann was born .\r\n\r\nBo. Bo too\r\n"]
)
def test_a_corpus_is_written_byte_for_byte(closedbook: Closedbook, tmp_path: Path, content: bytes) -> None:
    """What has one document a line already stays as it is, its line ends included."""
    (tmp_path / "a.txt").write_bytes(content)
    assert closedbook("book", tmp_path / "a.txt", "--out", tmp_path / "b.txt").status == 0
    assert (tmp_path / "b.txt").read_bytes() == content


def test_files_may_stand_before_and_after_options(closedbook: Closedbook, tmp_path: Path) -> None:
    """Several files are one book, in their order, whatever stands between them."""
    for name in ("-a", "b", "c"):
        (tmp_path / name).write_text(f"# {name}\nText {name}.\n")
    words = ("book", tmp_path / "c", "--out", tmp_path / "out", tmp_path / "-a", tmp_path / "b")
    assert closedbook(*words).status == 0
    assert (tmp_path / "out").read_text() == "c. Text c.\n-a. Text -a.\nb. Text b.\n"


def test_pairs_of_a_header_are_written(closedbook: Closedbook, tmp_path: Path) -> None:
    """A table whose header asks gives pairs, if they are wanted."""
    (tmp_path / "a.csv").write_text("name,Where does it grow?\nKelrus,Fen\n")
    out, pairs = tmp_path / "corpus.txt", tmp_path / "pairs.tsv"
    assert closedbook("book", tmp_path / "a.csv", "--out", out, "--pairs-out", pairs).status == 0
    assert out.read_text() == "Kelrus. Where does Kelrus grow? Fen.\n"
    assert pairs.read_text() == "Where does Kelrus grow?\tFen\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("pointer.txt", "--out", "out"),
            "pointer.txt: is a Git LFS pointer, not the text itself; fetch it: git lfs pull",
        ),
        (("a.csv", "--out", "out", "--title-column", "town"), "a.csv, line 1: has no column 'town'"),
        (("a.csv", "--out", "out", "--encoding", "x"), "--encoding: no such encoding; received x"),
        (("a.csv", "--out", "out", "--pairs-out", "p"), "--pairs-out: no header of a table is a question"),
        (("a.csv", "--out", "a.csv"), "a.csv: is there already"),
        (("a.csv",), "book: --out FILE is needed"),
        (("--out", "out"), "book: FILES is needed"),
        (("missing", "--out", "out"), "missing: no such file"),
    ],
)
def test_faults_end_in_one_line_and_leave_nothing(
    closedbook: Closedbook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], message: str
) -> None:
    """Status 2, what is wrong and what to do, and no file written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pointer.txt").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    (tmp_path / "a.csv").write_text("name,kind\nKelrus,plant\n")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    outcome = closedbook("book", *words)
    assert (outcome.status, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    assert line.startswith(f"closedbook: {message}")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
