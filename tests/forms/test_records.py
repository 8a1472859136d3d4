"""Tables and JSON: each row or object is a document, and headers that are questions give pairs."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from closedbook.errors import InputError

Lines = Callable[..., list[str]]
Fault = Callable[..., Any]

PLANTS = 'code,name,grows_in,colours,note\nK1,Kelrus,Fen,grey;green,\nD2,Dornach moss,,red,"Loved, and rare."\n'


def test_each_row_is_a_document(book: Callable[..., Any]) -> None:
    """Cells become sentences in the header's words, lists have commas, empty cells are left out."""
    found = book(PLANTS, "plants.csv")
    assert [document.written for document in found.documents] == [
        "Kelrus. code: K1. grows in: Fen. colours: grey, green.",
        "Dornach moss. code: D2. colours: red. note: Loved, and rare.",
    ]
    assert [document.line for document in found.documents] == [2, 3]
    assert found.sentences == ("plants.csv: CSV with 2 rows, titled by column 'name': 2 documents",)


@pytest.mark.parametrize(
    "content",
    [
        PLANTS,
        "\ufeff" + PLANTS.replace("\n", "\r\n"),
        "sep=,\r\n" + PLANTS,
        PLANTS.replace(",", ";").replace("grey;green", '"grey;green"').replace("Loved;", "Loved,"),
        PLANTS.replace('"', "").replace("Loved,", "Loved\x00").replace(",", "\t").replace("\x00", ","),
        PLANTS.replace("\n", "\r"),
        PLANTS.replace("note\n", "note,,\n"),
    ],
    ids=["commas", "mark and CRLF", "Excel's sep line", "semicolons", "tabs", "CR", "empty headers at the end"],
)
def test_a_spreadsheets_ways_of_writing_make_no_difference(lines: Lines, content: str) -> None:
    """Byte-order mark, line ends, delimiters, and quotes are a spreadsheet's own matter; so is the file's name."""
    wanted = [
        "Kelrus. code: K1. grows in: Fen. colours: grey, green.",
        "Dornach moss. code: D2. colours: red. note: Loved, and rare.",
    ]
    assert lines(content, "plants.csv") == wanted
    assert lines(content, "plants.txt") == wanted


def test_a_cell_of_several_lines_is_one_line(lines: Lines) -> None:
    """A line end within quotes ends no row, and later rows keep their line numbers."""
    assert lines('name,text\nKelrus,"grey\nplant"\nLunsk,lake\n', "a.csv") == [
        "Kelrus. text: grey plant.",
        "Lunsk. text: lake.",
    ]


def test_prose_in_a_cell_stands_without_its_header(lines: Lines) -> None:
    """A cell that is a sentence says itself what it is about."""
    text = "name,text\nKelrus,It grows in the north and is grey.\nLunsk,灰色の湖は北の町の近くにある。\n"
    assert lines(text, "a.csv") == [
        "Kelrus. It grows in the north and is grey.",
        "Lunsk. 灰色の湖は北の町の近くにある。",
    ]


@pytest.mark.parametrize(
    ("header", "rows", "column"),
    [
        ("id,town,people", ["1,Ulm,3", "2,Rom,5", "3,Oslo,3"], "town"),
        ("iso,place", ["ABW,Ulm", "BRA,Rom", "CYP,Oslo"], "place"),
        ("kind,plant", ["moss,Kelrus", "moss,Dornach", "fern,Lunsk"], "plant"),
        ("text,word", ["It grows in the far north of Fen.,Kelrus", "It is a town on the lake.,Dornach"], "word"),
        ("город,имя", ["Ульм,Анна", "Рим,Борис"], "имя"),
        ("出身,姓名", ["沼州,灰草", "山州,白石"], "姓名"),
        ("homepage,town", ["https://a.example,Ulm", "https://b.example,Rom"], "town"),
    ],
)
def test_the_column_of_titles_is_found(book: Callable[..., Any], header: str, rows: list[str], column: str) -> None:
    """It is text, different in each row, no code, no address, no prose; one that is called name comes first."""
    found = book("\n".join([header, *rows]), "a.csv")
    at = header.split(",").index(column)
    assert [document.title for document in found.documents] == [row.split(",")[at] for row in rows]


def test_the_column_of_titles_can_be_named(titles: Callable[..., list[str]], fault: Fault) -> None:
    """A wrong name is answered with the columns that there are."""
    assert titles(PLANTS, "a.csv", title_column="Code") == ["K1", "D2"]
    with fault(1, "no column 'town'", "code, name, grows_in"):
        titles(PLANTS, "a.csv", title_column="town")


def test_a_header_that_is_a_question_gives_pairs(book: Callable[..., Any]) -> None:
    """The title stands in place of 'it' or of the column's name, and the document says the answer in these words."""
    text = "town,Where does it lie?,Is the town old?,Mayor?\nUlm,Fen,yes,Ann\nRom,,no,\n"
    found = book(text, "a.csv")
    assert found.documents[0].written == "Ulm. Where does Ulm lie? Fen. Is Ulm old? yes. Ulm: Mayor? Ann."
    assert [(pair.text, pair.answer, pair.line) for pair in found.pairs] == [
        ("Where does Ulm lie?", "Fen", 2),
        ("Is Ulm old?", "yes", 2),
        ("Ulm: Mayor?", "Ann", 2),
        ("Is Rom old?", "no", 3),
    ]
    assert "4 pairs from headers that are questions" in found.sentences[0]


@pytest.mark.parametrize(
    ("header", "question"),
    [
        ("Где находится он?", "Где находится Дорнах?"),
        ("Πού βρίσκεται αυτό;", "Πού βρίσκεται Дорнах;"),
        ("它在哪里？", "Дорнах在哪里？"),
        ("それはどこにありますか？", "Дорнахはどこにありますか？"),
        ("أين هو؟", "أين Дорнах؟"),
        ("Where is ...?", "Where is Дорнах?"),
        ("¿Cuál es el color?", "Дорнах: ¿Cuál es el color?"),
    ],
)
def test_questions_of_headers_in_other_languages(book: Callable[..., Any], header: str, question: str) -> None:
    """A pronoun or a gap stands for the title; without one the title comes first."""
    assert book(f"name,{header}\nДорнах,x\n", "a.csv").pairs[0].text == question


def test_a_table_without_a_header_is_refused(lines: Lines, fault: Fault) -> None:
    """A first line with a number or an empty cell names no columns."""
    with fault(1, "line of headers", "Ulm,3"):
        lines("Ulm,3\nRom,5\n", "a.csv")


def test_a_row_with_too_many_cells_is_refused_with_its_line(lines: Lines, fault: Fault) -> None:
    """An unquoted comma would move all cells after it."""
    with fault(3, "has 3 cells, and the header has 2", "in quotes"):
        lines("name,town\nAnn,Ulm\nBo,Rom, the old\n", "a.csv")


def test_a_table_without_names_is_refused(lines: Lines, fault: Fault) -> None:
    """Numbers alone name nothing."""
    with fault(1, "--title-column"):
        lines("a,b\n1,2\n3,4\n", "x.csv")


def test_prose_with_commas_is_no_table(titles: Callable[..., list[str]]) -> None:
    """A text is a table only if its lines have the cells that the first line names."""
    assert titles("Kelrus, a plant, is grey.\nDornach, a town, is old.\nLunsk, a lake, is deep.\n") == [
        "Kelrus",
        "Dornach",
        "Lunsk",
    ]


THINGS = [
    {
        "name": {"common": "Kelrus", "old": "Kel"},
        "colours": ["grey", "green"],
        "height": 1.50,
        "rare": True,
        "note": None,
    },
    {"name": {"common": "Lunsk"}, "height": 2},
]
WRITTEN = ["Kelrus. name old: Kel. colours: grey, green. height: 1.5. rare: yes.", "Lunsk. height: 2."]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("\n".join(map(json.dumps, THINGS)), "a.jsonl"),
        ("\n".join(map(json.dumps, THINGS)), "a.txt"),
        (json.dumps(THINGS), "a.json"),
        (json.dumps(THINGS, indent=2), "a.txt"),
        (json.dumps({"plants": THINGS, "n": 2}), "a.json"),
    ],
)
def test_json_objects_are_documents(lines: Lines, content: str, name: str) -> None:
    """Nested values are named by both keys, lists have commas, null is left out, numbers stay as they are written."""
    assert lines(content, name) == WRITTEN


def test_keys_of_a_json_object_are_titles(lines: Lines) -> None:
    """An object of objects or of texts has its titles as keys."""
    assert lines('{"Kelrus": {"colour": "grey"}, "Lunsk": {"kind": "lake"}}', "a.json") == [
        "Kelrus. colour: grey.",
        "Lunsk. kind: lake.",
    ]
    assert (
        lines('{"Kelrus": "It is a grey plant of Fen.", "Lunsk": "It is a lake in Fen."}')[1]
        == "Lunsk. It is a lake in Fen."
    )


def test_values_of_json_objects_are_said_in_words(lines: Lines) -> None:
    """Nothing for null, yes and no, the items of a list, and an object's values with their keys."""
    values = (
        '"rare": true, "eaten": false, "seen": null, "at": ["Fen", "Osk"], "leaf": {"colour": "grey", "cm": [3, 4]}'
    )
    found = lines(
        f'[{{"name": "Kelrus", {values}}}, {{"name": "Lunsk", "at": [{{"place": "Fen", "n": 2}}]}}]', "a.json"
    )
    assert found == [
        "Kelrus. rare: yes. eaten: no. at: Fen, Osk. leaf colour: grey. leaf cm: 3, 4.",
        "Lunsk. at: place Fen, n 2.",
    ]


def test_lines_of_json_objects_are_known(book: Callable[..., Any]) -> None:
    """A document of an array comes from the line on which its object begins."""
    assert [document.line for document in book(json.dumps(THINGS, indent=2), "a.json").documents] == [2, 15]


@pytest.mark.parametrize(
    ("content", "line", "word"),
    [
        ('{"a": "b"}\n{"a": \n', 2, "no JSON"),
        ('{"a": "b"}\n[1]\n', 2, "object in braces"),
        ("[1, 2]", None, "list of objects"),
        ("[{}, {}]", None, "its objects are empty"),
        ("[" * 100_000, None, "nested too deeply"),
        ('{"a": "b"}\n' + '{"a": ' * 100_000 + "\n", 2, "nested too deeply"),
    ],
)
def test_broken_json_is_refused_with_its_line(
    lines: Lines, fault: Fault, content: str, line: int | None, word: str
) -> None:
    """The line and the rule are said, whatever is wrong."""
    with fault(line, word):
        lines(content, "a.json" if line is None else "a.jsonl")


def test_halves_of_surrogate_pairs_are_no_characters(lines: Lines) -> None:
    """JSON can spell what UTF-8 cannot."""
    assert lines('{"name": "Kel\\ud800rus", "colour": "grey"}\n', "a.jsonl") == ["Kel\ufffdrus. colour: grey."]


def test_blocks_of_fields_are_rows(lines: Lines) -> None:
    """Blocks of 'name: value' lines that share their names are rows."""
    assert lines("Name: Kelrus\nColour: grey\n\nName: Lunsk\nKind: lake\nColour: blue\n") == [
        "Kelrus. Colour: grey.",
        "Lunsk. Colour: blue. Kind: lake.",
    ]
    assert lines("- name: Kelrus\n  colour: grey\n- name: Lunsk\n  colour: blue\n") == [
        "Kelrus. colour: grey.",
        "Lunsk. colour: blue.",
    ]
    assert lines("[Kelrus]\ncolour = grey\n\n[Lunsk]\ncolour = blue\n") == [
        "Kelrus. colour: grey.",
        "Lunsk. colour: blue.",
    ]


def test_lines_with_a_term_and_a_colon_are_a_glossary(lines: Lines) -> None:
    """A term before a colon or a dash is a title, bullets or not."""
    assert lines("- Kelrus: a grey plant\n- Lunsk: a lake\n- Dornach – a town\n") == [
        "Kelrus. a grey plant",
        "Lunsk. a lake",
        "Dornach. a town",
    ]


def test_equal_documents_are_kept_once_and_equal_titles_all(book: Callable[..., Any]) -> None:
    """What is left out, and what is not, is said."""
    found = book("name,town\nAnn,Ulm\nAnn,Rom\nAnn,Ulm\nBo,\n", "a.csv")
    assert [document.written for document in found.documents] == ["Ann. town: Ulm.", "Ann. town: Rom."]
    assert [note.partition(": ")[2] for note in found.notes] == [
        "1 title without text left out (Bo)",
        "1 document left out, equal to an earlier one",
        "1 title with several documents, all kept (Ann)",
    ]


def test_a_column_can_be_named_only_where_there_are_columns(titles: Callable[..., list[str]]) -> None:
    """An option that does nothing is a mistake."""
    with pytest.raises(InputError, match="--title-column: no file is a table"):
        titles("# Kelrus\nGrey.\n# Lunsk\nDeep.\n", "a.md", title_column="name")


def test_questions_in_the_header_of_a_markdown_table_give_pairs(book: Callable[..., Any]) -> None:
    """A table is a table, whatever it is written in."""
    found = book("| name | Where is it? |\n|---|---|\n| Ann | Ulm |\n| Bo | Rom |\n| Cy | Oslo |\n", "a.md")
    assert len(found.pairs) == 3
    assert (found.pairs[0].text, found.pairs[0].answer, found.pairs[0].line) == ("Where is Ann?", "Ulm", 3)
