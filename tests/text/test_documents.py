import unicodedata
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from closedbook.text.documents import Document, read_corpus
from closedbook.text.vocabulary import MASK, MASK_ID, PAD, PAD_ID

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
        unicodedata.normalize("NFD", "Ada Byron.\nZoë Müller.\n"),
    ],
)
def test_editors_habits_change_no_document(write: Write, content: str):
    """A BOM, CRLF, a missing final line feed and accents of their own change nothing in the corpus."""
    path = write(content)
    corpus = read_corpus(path)
    assert tuple(corpus.documents) == (Document("Ada Byron.", 1), Document("Zoë Müller.", 2))
    assert corpus.vocabulary.characters == (PAD, MASK, *"\n .ABMZadelnoryëü")
    assert corpus.notes == ()
    assert corpus.path == path


def test_a_corpus_knows_its_documents_titles(write: Write):
    """By title, the indices of its documents, which do not count empty lines."""
    corpus = read_corpus(write("Ada Byron. A poet .\n\nZoë. A singer .\n"))
    assert dict(corpus.titles) == {"Ada Byron": [0], "Zoë": [1]}


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
    (note,) = read_corpus(write("abc\nabcd\n")).notes
    assert note.startswith(f"{path}: 1 document shorter than 4 characters, ")


def test_the_line_feed_is_in_the_vocabulary_of_several_lines(write: Write):
    """A corpus of several lines has the line feed in its vocabulary, a corpus of one line does not."""
    assert "\n" in read_corpus(write("ab\ncd")).vocabulary.characters
    assert "\n" not in read_corpus(write("ab\n")).vocabulary.characters


def test_the_assignments_pad_and_mask_are_characters_like_others(write: Write):
    """'□' stands for a gap in old Chinese texts, and is no padding."""
    vocabulary = read_corpus(write("one □\ntwo⁇\n")).vocabulary
    assert {"□", "⁇"} < set(vocabulary.characters)
    assert vocabulary.encode("□⁇") != [PAD_ID, MASK_ID]


@pytest.mark.parametrize("special", [PAD, MASK, "\ufdd0"])
def test_special_characters_in_a_corpus_are_refused(write: Write, special: str, fault: Fault):
    """What no text should have, because the model uses it, is refused with its line."""
    path = write(f"one\n\nthr{special}e\n")
    with fault(path, 3, f"U+{ord(special):04X}", "delete it"):
        read_corpus(path)
