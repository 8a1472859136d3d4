"""Pairs as people have them: TSV, CSV, JSON lines, with and without headers and quotes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedbook.errors import TextError
from closedbook.forms.pairs import RecognizedPairs, recognize_pairs
from closedbook.forms.recognize import recognize
from closedbook.text.questions import read_questions

Pairs = Callable[..., RecognizedPairs]
Fault = Callable[..., Any]

WANTED = [("Where does Kelrus grow?", "Fen"), ("Who said, then, that it is grey?", 'Ann "Red" Bell')]


@pytest.fixture
def pairs(put: Callable[..., Path]) -> Pairs:
    """The pairs of one file with a content."""
    return lambda content, name="pairs.tsv": recognize_pairs(put(name, content))


def items(found: RecognizedPairs) -> list[tuple[str, str | None]]:
    """Questions with their answers."""
    return [(item.text, item.answer) for item in found.questions.items]


def objects(*keys: str) -> list[dict[str, str]]:
    """The wanted pairs as JSON objects."""
    return [dict(zip(keys, pair, strict=True)) for pair in WANTED]


TSV = "".join(f"{question}\t{answer}\n" for question, answer in WANTED)
CSV = 'Where does Kelrus grow?,Fen\n"Who said, then, that it is grey?","Ann ""Red"" Bell"\n'


@pytest.mark.parametrize(
    ("content", "name", "line"),
    [
        (TSV, "a.tsv", 1),
        (TSV, "a.txt", 1),
        ("\ufeff" + TSV.replace("\n", "\r\n"), "a.tsv", 1),
        ("question\tanswer\n" + TSV, "a.tsv", 2),
        ("Question\tAnswer\t\n" + TSV.replace("\n", "\t\n"), "a.txt", 2),
        ("\n\nответ\tвопрос\n" + "".join(f"{a}\t{q}\n" for q, a in WANTED), "a.tsv", 4),
        ("id\tquestion\tanswer\n" + "".join(f"7\t{q}\t{a}\n" for q, a in WANTED), "a.tsv", 2),
        (CSV, "a.csv", 1),
        ("question,answer\n" + CSV, "a.csv", 2),
        ("question,answer\n" + CSV, "a.txt", 2),
        ("question;answer\n" + CSV.replace("?,F", "?;F").replace('","', '";"'), "a.csv", 2),
        (TSV.replace(WANTED[1][1], '"Ann ""Red"" Bell"'), "a.tsv", 1),
        ("".join(json.dumps(each) + "\n" for each in objects("question", "answer")), "a.jsonl", 1),
        ("".join(json.dumps(each) + "\n" for each in objects("prompt", "completion")), "a.txt", 1),
        (json.dumps(objects("Frage", "Antwort"), indent=1), "a.json", 2),
    ],
)
def test_pairs_are_read_in_every_form(pairs: Pairs, content: str, name: str, line: int) -> None:
    """The same pairs come of each file, with the lines on which they stand there."""
    found = pairs(content, name)
    assert items(found) == WANTED
    assert found.questions.items[0].line == line


def test_a_header_is_left_out_and_so_are_other_columns(pairs: Pairs) -> None:
    """Both are said: nothing is learnt, or left out, in silence."""
    found = pairs("id,question,answer,source\n1,Where?,Ulm,map\n", "a.csv")
    assert items(found) == [("Where?", "Ulm")]
    assert [note.partition(": ")[2] for note in found.notes] == [
        "line 1 is a header (id, question, answer, source), left out",
        "2 columns left out, since only question and answer are learnt: id, source",
    ]
    found = pairs('{"question": "Where?", "answer": "Ulm", "id": 7}\n', "a.jsonl")
    assert "1 key left out, since only question and answer are learnt: id" in found.notes[0]


@pytest.mark.parametrize(("name", "content"), [("a.tsv", "Where?\tUlm\tmap\n"), ("a.csv", "Where?,Ulm,map\n")])
def test_a_third_column_without_a_header_is_refused(pairs: Pairs, fault: Fault, name: str, content: str) -> None:
    """What it is cannot be known."""
    with fault(1, "3 cells", "header"):
        pairs(content, name)


def test_empty_cells_at_the_end_of_a_row_are_nothing(pairs: Pairs) -> None:
    """Spreadsheets leave them."""
    assert items(pairs("Where?\tUlm\t\t\n")) == [("Where?", "Ulm")]


def test_quotes_that_belong_to_the_text_stay(pairs: Pairs) -> None:
    """A spreadsheet quotes cells for what is in them; a title in quotes is no such cell."""
    content = '"The Grey Fen" is by whom?\tAnn Bell\nWhich book is by Ann Bell?\t"The Grey Fen"\n'
    found = pairs(content)
    assert items(found) == [tuple(line.split("\t")) for line in content.splitlines()]
    assert found.notes == ()


def test_quotes_around_every_cell_are_taken_away(pairs: Pairs) -> None:
    """Some programs quote all; the note says that they are gone, and inner line ends are blanks."""
    found = pairs('"Where?"\t"Ulm"\n"Who\nthen?"\t"Ann"\n"When?"\t"1990"\n')
    assert items(found) == [("Where?", "Ulm"), ("Who then?", "Ann"), ("When?", "1990")]
    assert [item.line for item in found.questions.items] == [1, 2, 4]
    assert "quotes around cells taken away" in found.notes[0]


def test_questions_alone_may_have_commas(pairs: Pairs) -> None:
    """A file without tabs is no CSV unless its name or its header says so."""
    assert items(pairs("Where, then, was Ann born?\nWho, if not Bo?\n", "a.txt")) == [
        ("Where, then, was Ann born?", None),
        ("Who, if not Bo?", None),
    ]
    assert items(pairs("question\nWhere, then?\n", "a.txt")) == [("Where, then?", None)]


def test_several_answers_of_an_object_are_a_pair_each(pairs: Pairs) -> None:
    """Reading-comprehension sets list answers, some of them twice."""
    content = '{"question": "Where?", "answers": {"text": ["Ulm", "Ulm", "the town Ulm"], "answer_start": [1, 1, 2]}}\n'
    assert items(pairs(content, "a.jsonl")) == [("Where?", "Ulm"), ("Where?", "the town Ulm")]


@pytest.mark.parametrize(
    ("name", "content", "line", "word"),
    [
        ("a.tsv", "question\tanswer\nWhere?\tUlm\n\t\nWho?\t\n", 4, "answer is empty"),
        ("a.csv", "question,answer\nWhere?,Ulm\n,Ann\n", 3, "question is empty"),
        ("a.csv", "question,answer\nWhere?,Ulm, Fen\n", 2, "3 cells, and the header has 2"),
        ("a.csv", 'question,answer\n"Where?,Ulm\n', None, "quote"),
        ("a.jsonl", '{"question": "Where?"}\n{"text": "Where?"}\n', 2, "keys question and answer"),
        ("a.jsonl", '{"question": "Where?", "answer": ""}\n', 1, "answer is empty"),
        ("a.tsv", "question\tanswer\n", None, "no question in it"),
        ("a.tsv", "", None, "no question in it"),
    ],
)
def test_faults_are_named_with_their_line(
    pairs: Pairs, fault: Fault, name: str, content: str, line: int | None, word: str
) -> None:
    """The line is that of the file, whatever its form."""
    with fault(line, word):
        pairs(content, name)


PIECES = st.sampled_from(
    ["question", "answer", "\t", ",", '"', '""', "\n", ";", '{"question": "a"}\n', '{"answer": ["b"]}', "Where?\tUlm\n"]
)


@given(
    st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=15).map("".join),
    st.sampled_from([".tsv", ".csv", ".jsonl"]),
)
def test_any_text_has_pairs_or_a_fault_in_one_line(tmp_path_factory: Any, text: str, suffix: str) -> None:
    """Whatever a file holds, nothing crashes."""
    path = tmp_path_factory.getbasetemp() / f"any-pairs{suffix}"
    path.write_bytes(text.encode("utf-8", "replace"))
    try:
        found = recognize_pairs(path)
    except TextError:
        return
    assert found.questions.items


CELLS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Cn", "So", "Po"]), min_size=1, max_size=9
)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=9))
def test_pairs_without_header_and_quotes_are_read_as_ever(tmp_path_factory: Any, pairs: list[tuple[str, str]]) -> None:
    """A plain file of question<TAB>answer gives what it gave before any form was recognized."""
    path = tmp_path_factory.getbasetemp() / "plain.tsv"
    path.write_bytes("".join(f"{question}?\t{answer}\n" for question, answer in pairs).encode())
    found = recognize_pairs(path)
    assert found.questions == read_questions(path)
    assert found.notes == ()


def test_a_comprehension_set_has_pairs_and_is_a_book(put: Callable[..., Path]) -> None:
    """A file in the form of SQuAD gives its questions with answers, and its paragraphs under their articles' titles."""
    asked = [
        {"question": "Where does it grow?", "id": "1", "answers": [{"text": "Fen", "answer_start": 9}]},
        {"question": "Who ate it?", "id": "2", "answers": [], "is_impossible": True},
    ]
    article = {
        "title": "Kelrus",
        "paragraphs": [{"context": "It grows in Fen.", "qas": asked}, {"context": "It is grey."}],
    }
    path = put("set.json", json.dumps({"version": "2.0", "data": [article]}))
    assert items(recognize_pairs(path)) == [("Where does it grow?", "Fen")]
    assert [each.written for each in recognize([path]).documents] == [
        "Kelrus. It grows in Fen.",
        "Kelrus. It is grey.",
    ]


def test_json_of_one_pair_is_a_pair_whatever_its_file_is_called(write: Callable[[str | bytes], Path]):
    """One line with a question is no table of texts by their names."""
    (item,) = recognize_pairs(write('{"question": "Where is Rom?", "answer": "Rom"}\n')).questions.items
    assert (item.text, item.answer) == ("Where is Rom?", "Rom")
