from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from closedbook.text.documents import Document, read_corpus

Fault = Callable[..., AbstractContextManager[None]]
Write = Callable[[str | bytes], Path]


@pytest.mark.parametrize(
    "content",
    [
        "Ada Byron.\nZoë Müller.\n",
        "Ada Byron.\nZoë Müller.",
        "Ada Byron.\r\nZoë Müller.\r\n",
        "Ada Byron.\r\nZoë Müller.",
        "\ufeffAda Byron.\nZoë Müller.\n",
        "\ufeffAda Byron.\r\nZoë Müller.",
    ],
)
def test_editors_habits_change_no_document(write: Write, content: str):
    """A BOM, CRLF and a missing final line feed change nothing in the corpus."""
    path = write(content)
    corpus = read_corpus(path)
    assert tuple(corpus.documents) == (Document("Ada Byron.", 1), Document("Zoë Müller.", 2))
    assert corpus.vocabulary.characters == tuple("□⁇\n .ABMZadelnoryëü")
    assert corpus.notes == ()
    assert corpus.path == path


def test_empty_lines_are_left_out_with_a_note(write: Write):
    """A blank line is not a document, the other lines keep their numbers, and a note counts the blank ones."""
    path = write("abcd\n\n \t \nefgh\n\n")
    corpus = read_corpus(path)
    assert tuple(corpus.documents) == (Document("abcd", 1), Document("efgh", 4))
    assert corpus.notes == (f"{path}: 3 empty lines left out",)
    assert read_corpus(write("abcd\n\nefgh\n")).notes == (f"{path}: 1 empty line left out",)


def test_short_documents_are_kept_with_a_note(write: Write):
    """Documents shorter than the shortest truncation are kept, and a note counts them."""
    path = write("abc\nabcd\nx\n")
    corpus = read_corpus(path)
    assert [document.text for document in corpus.documents] == ["abc", "abcd", "x"]
    assert corpus.notes == (f"{path}: 2 documents shorter than 4 characters, masked without truncation",)


def test_the_line_feed_is_in_the_vocabulary_of_several_lines(write: Write):
    """A corpus of several lines has the line feed in its vocabulary, a corpus of one line does not."""
    assert "\n" in read_corpus(write("ab\ncd")).vocabulary.characters
    assert "\n" not in read_corpus(write("ab\n")).vocabulary.characters


@pytest.mark.parametrize(("special", "name"), [("□", "padding"), ("⁇", "the mask")])
def test_special_characters_in_a_corpus_are_refused(write: Write, special: str, name: str, fault: Fault):
    """A corpus that contains PAD or MASK is refused, and the error names the line."""
    path = write(f"one\n\nthr{special}e\n")
    with fault(path, 3, special, name, "replace it"):
        read_corpus(path)
