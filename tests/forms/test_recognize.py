"""Files and folders become one book; whatever a file holds, nothing crashes and no text is lost in silence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from closedbook.errors import TextError
from closedbook.forms.kinds import NoText
from closedbook.forms.recognize import recognize

Put = Callable[..., Path]


def test_several_files_are_one_book_in_their_order(put: Put) -> None:
    """Each file has its own form and its own sentence."""
    paths = [put("b.csv", "name,town\nAnn,Ulm\n"), put("a.md", "# Bo\nBo is old.\n# Cy\nCy is new.\n")]
    found = recognize(paths)
    assert [document.written for document in found.documents] == ["Ann. town: Ulm.", "Bo. Bo is old.", "Cy. Cy is new."]
    assert [document.path for document in found.documents] == [paths[0], paths[1], paths[1]]
    assert found.sentences == (
        "b.csv: CSV with 1 row, titled by column 'name': 1 document",
        "a.md: Markdown with 2 headings: 2 documents",
    )
    assert not found.is_unchanged


def test_a_folders_texts_are_titled_by_their_files_names(put: Put, tmp_path: Path) -> None:
    """They are read in order, inner folders too; headings and tables keep their titles; hidden files are left out."""
    put("book/b_two.txt", "It is grey.\n\nIt grows in\nthe north.\n")
    put("book/a.md", "Intro.\n\n# Kelrus\nGrey.\n\n# Lunsk\nDeep.\n")
    put("book/c/WALL.txt", "It is a robot.")
    put("book/c/one.md", "# The only one\n\nAlone.\n")
    put("book/d.csv", "name,town\nAnn,Ulm\nBo,Rom\n")
    put("book/.hidden.txt", "No.")
    put("book/.git/x.txt", "No.")
    put("book/picture.png", b"\x89PNG\r\n")
    found = recognize([tmp_path / "book"])
    assert [document.written for document in found.documents] == [
        "a. Intro.",
        "Kelrus. Grey.",
        "Lunsk. Deep.",
        "b two. It is grey. It grows in the north.",
        "WALL. It is a robot.",
        "The only one. Alone.",
        "Ann. town: Ulm.",
        "Bo. town: Rom.",
    ]
    assert found.sentences == ("book: a folder of 5 texts: 8 documents",)
    assert len([note for note in found.notes if "1 file left out" in note and "PNG" in note]) == 1


def test_a_folder_without_texts_is_refused(tmp_path: Path) -> None:
    """One line says so; a missing file likewise."""
    with pytest.raises(TextError, match="a folder without a text"):
        recognize([tmp_path])
    with pytest.raises(TextError, match="no such file"):
        recognize([tmp_path / "missing.txt"])


@pytest.mark.parametrize("text", ["# A\n# B\n", "name\nAnn\n"])
def test_a_file_that_has_titles_alone_is_refused(put: Put, text: str) -> None:
    """There is nothing to learn under them."""
    with pytest.raises(TextError, match="no text in it"):
        recognize([put("a.csv" if text.startswith("n") else "a.md", text)])


def test_a_carriage_return_alone_ends_lines_where_there_is_no_line_feed(book: Callable[..., Any]) -> None:
    """Old files of a Mac have lines too, and the note says how they were read."""
    found = book("Ann. Ann was born.\rBo. Bo was born.\r")
    assert [document.written for document in found.documents] == ["Ann. Ann was born.", "Bo. Bo was born."]
    assert not found.is_unchanged
    assert "carriage returns" in found.notes[0]


PIECES = st.sampled_from(
    [
        *(
            "# ",
            "## A\n",
            "===\n",
            "---\n",
            "\n\n",
            "\n",
            "- ",
            "| a | b |\n|---|---|\n",
            "    ",
            ",",
            ";",
            "\t",
            '"',
            "{",
            "}",
        ),
        *(
            '{"a": "b"}\n',
            "[",
            "]",
            "```\n",
            "<b>",
            "Kelrus is ",
            "Lunsk, ",
            "A. ",
            "灰草（はいそう）は、",
            "。",
            "是",
            ": ",
            " - ",
            "..  x::\n",
        ),
        *(
            "--all, -a\n        ",
            "NAME\n",
            "name,town\n",
            "Where is it?",
            "\u2028",
            "\x0b",
            "\u00a0",
            "\u0301",
            "\\",
            "`",
            "*",
            "_",
        ),
    ]
)
TEXTS = st.lists(st.one_of(PIECES, st.text(max_size=12)), max_size=25).map("".join)
SUFFIXES = st.sampled_from([".txt", ".md", ".csv", ".tsv", ".json", ".jsonl", ""])


@given(TEXTS, SUFFIXES)
def test_any_text_is_a_book_or_a_fault_in_one_line(tmp_path_factory: Any, text: str, suffix: str) -> None:
    """Whatever a file holds, documents have text on one line each, and begin with their titles."""
    path = tmp_path_factory.getbasetemp() / f"any{suffix}"
    path.write_bytes(text.encode("utf-8", "replace"))
    try:
        found = recognize([path])
    except TextError as error:
        event(f"refused: {error.message[:20]}")
        return
    assert found.documents
    for document in found.documents:
        assert document.written.strip()
        assert "\n" not in document.written
        assert document.written.startswith(document.title)
        assert 1 <= document.line <= text.count("\n") + text.count("\r") + 1


WORDS = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)
MARKED = st.tuples(st.sampled_from(["", "# ", "- ", "    ", "> "]), WORDS, st.sampled_from([" ", ".", "\n", "\n\n"]))


@given(st.lists(MARKED, min_size=1, max_size=20))
def test_no_word_of_a_text_is_lost(tmp_path_factory: Any, words: list[tuple[str, str, str]]) -> None:
    """Headings, items, paragraphs and terms: each word is in a document, unless a note says what was left out."""
    path = tmp_path_factory.getbasetemp() / "words.txt"
    path.write_bytes("".join(map("".join, words)).encode())
    try:
        found = recognize([path])
    except NoText:
        return
    # Headings in capitals are written as names.
    kept = " ".join(document.written for document in found.documents).replace(" ", "").casefold()
    if not any("left out" in note for note in found.notes):
        assert [word for _, word, _ in words if word.casefold() not in kept] == []
