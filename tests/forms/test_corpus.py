"""A corpus and pairs from files of any recognized form: which lines are documents, and what is kept of them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from closedbook.errors import TextError
from closedbook.forms.corpus import Texts, read_asked, read_asked_pairs, read_book, read_texts
from closedbook.text.documents import read_corpus

Put = Callable[[str, str | bytes], Path]

LINES = "Kelrus. It is a grey plant .\n\nDornach. It is a town on a lake .\nLunsk. It is a lake .\n"
WRAPPED = "Kelrus is a grey plant, which\nlikes it cold.\n\nDornach is a town\non a lake.\n\nLunsk is a lake.\n"
LARGE = 2 << 20
"""Above this many bytes a file is judged by its beginning."""


def test_a_single_file_is_read_as_it_is(put: Put) -> None:
    """The documents are its lines with their numbers, and nothing is kept of it beside the file."""
    path = put("lines.txt", LINES)
    corpus, kept = read_texts(Texts((path,)))
    assert (list(corpus.documents), kept) == (list(read_corpus(path).documents), None)
    assert [document.line for document in corpus.documents] == [1, 3, 4]


@pytest.mark.parametrize("names", [("wrapped.txt", "lines.txt"), ("wrapped.txt",)])
def test_what_is_kept_of_several_texts_has_the_same_documents(put: Put, names: tuple[str, ...]) -> None:
    """Several files, or one whose encoding is given, become a corpus with one document a line, notes on their forms."""
    contents = {"wrapped.txt": WRAPPED, "lines.txt": LINES}
    texts = Texts(tuple(put(name, contents[name]) for name in names), encoding="utf-8" if len(names) == 1 else None)
    corpus, kept = read_texts(texts)
    assert kept is not None
    assert list(corpus.documents) == list(read_corpus(put("kept.txt", kept)).documents)
    assert [document.line for document in corpus.documents] == list(range(1, len(corpus.documents) + 1))
    assert {"Kelrus", "Dornach", "Lunsk"} <= {document.text.partition(".")[0] for document in corpus.documents}
    assert str(corpus.path) == str(texts)
    assert "wrapped.txt" in corpus.notes[0]


def test_texts_are_single_only_if_nothing_is_said_of_how_they_are_read() -> None:
    """A title column, an encoding or a second file makes a difference; the first path names them all."""
    one, two, three = Path("a.csv"), Path("b.csv"), Path("c.csv")
    assert Texts((one,)).single == one
    for texts in (Texts((one,), "name"), Texts((one,), None, "utf-8"), Texts((one, two))):
        assert texts.single is None
    assert [str(Texts(paths)) for paths in ((one,), (one, two), (one, two, three))] == [
        "a.csv",
        "a.csv and 1 other",
        "a.csv and 2 others",
    ]


def test_a_book_of_another_form_has_the_lines_of_what_was_recognized(put: Put) -> None:
    """Notes say as what it was recognized; of a file with a document a line, the lines stay its own."""
    path = put("wrapped.txt", WRAPPED)
    book = read_book(path)
    assert [(document.line, document.text) for document in book.documents] == [
        (1, "Kelrus. Kelrus is a grey plant, which likes it cold."),
        (2, "Dornach. Dornach is a town on a lake."),
        (3, "Lunsk. Lunsk is a lake."),
    ]
    assert book.path == path
    assert "3 documents" in " ".join(book.notes)
    lines = read_book(put("lines.txt", LINES))
    assert [document.line for document in lines.documents] == [1, 3, 4]
    assert any("1 empty line" in note for note in lines.notes)


@pytest.mark.parametrize("beyond", [0, 1])
def test_a_large_file_is_judged_by_its_beginning(put: Put, beyond: int) -> None:
    """Above two MiB, one that begins with a document a line keeps its lines, whatever comes later; others do not."""
    later = "".join("\n" + WRAPPED.replace("s is a", f"s{i} is a") for i in range(40))
    n_left, lines = LARGE + beyond - len(later), []
    while n_left:
        n = 100_000 if n_left > 110_000 else n_left
        title = f"Kelrus {len(lines)}. "
        lines.append(title + ("It is grey . " * n)[: n - len(title) - 2] + ".\n")
        n_left -= n
    path = put("large.txt", "".join(lines) + later)
    assert path.stat().st_size == LARGE + beyond
    texts, kept = (list(read(path).texts) for read in (read_book, read_corpus))
    assert (texts == kept) == bool(beyond)


def test_a_large_file_of_json_lines_is_recognized(put: Put) -> None:
    """Its beginning is no document a line."""
    sentence = "It is a grey plant of the north . " * 3000
    n = LARGE // len(sentence) + 1
    objects = "".join(f'{{"title": "Kelrus {i}", "text": "{sentence}"}}\n' for i in range(n))
    book = read_book(put("large.jsonl", objects))
    assert [text.partition(".")[0] for text in book.texts] == [f"Kelrus {i}" for i in range(n)]


def test_what_is_asked_keeps_its_notes_and_names_the_first_line_without_an_answer(put: Put) -> None:
    """Questions may lack answers; pairs may not."""
    path = put("asked.csv", "question,answer\nWhere?,Ulm\nWho?,Ann\n")
    asked = read_asked(path)
    assert [(item.text, item.answer) for item in asked.items] == [("Where?", "Ulm"), ("Who?", "Ann")]
    assert any("header" in note for note in asked.notes)
    assert read_asked_pairs(path) == asked
    path = put("asked.tsv", "Where?\tUlm\nWho?\n")
    assert [item.answer for item in read_asked(path).items] == ["Ulm", None]
    with pytest.raises(TextError) as raised:
        read_asked_pairs(path)
    assert raised.value.line == 2
