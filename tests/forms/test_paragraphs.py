"""Paragraphs without headings, wrapped or one a line, and texts with one document a line."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedbook.forms.line_forms import begins_with_title, form_of_lines
from closedbook.forms.lines import Joiner

Lines = Callable[..., list[str]]

WRAPPED = """\
Kelrus is a grey plant of the north, which was
brought to Dornach by sailors who liked its
leaves.

Dornach (population 3,120) is a town on the lake
with a well-
known harbour.

Lunsk, the lake of Dornach, is deep.
"""


def test_wrapped_paragraphs_are_joined_and_titled_by_their_names(lines: Lines) -> None:
    """An empty line ends a document, a line's end does not."""
    assert lines(WRAPPED) == [
        "Kelrus. Kelrus is a grey plant of the north, which was brought to Dornach by sailors who liked its leaves.",
        "Dornach. Dornach (population 3,120) is a town on the lake with a well-known harbour.",
        "Lunsk. Lunsk, the lake of Dornach, is deep.",
    ]


def test_a_hyphen_at_a_lines_end_goes_where_the_word_stands_whole_elsewhere() -> None:
    """'har-/bour' is one word if 'harbour' occurs; 'well-/known' keeps its hyphen."""
    joiner = Joiner("The harbour is deep.")
    assert (
        joiner.join(["a well-", "known har-", "bour, from 3-", "4 metres"]) == "a well-known harbour, from 3- 4 metres"
    )


def test_paragraphs_one_a_line_are_titled_too(lines: Lines) -> None:
    """Sentences are no titles, though each ends in a full stop."""
    text = "Kelrus is a plant. It is grey.\nDornach is a town. It is old.\nLunsk is a lake. It is deep.\n"
    assert lines(text)[0] == "Kelrus. Kelrus is a plant. It is grey."


def test_further_paragraphs_go_on_with_the_title_before(titles: Callable[..., list[str]]) -> None:
    """Where things have several paragraphs, those that begin with no name are about the last one."""
    things = [
        "Kelrus is a plant.",
        "It is grey.",
        "Dornach is a town.",
        "In 1990 it grew.",
        "Lunsk is a lake.",
        "Fenna is a bay.",
    ]
    assert titles("\n\n".join(things)) == ["Kelrus", "Kelrus", "Dornach", "Dornach", "Lunsk", "Fenna"]


def test_articles_of_several_paragraphs_begin_with_a_headword(titles: Callable[..., list[str]]) -> None:
    """Where few paragraphs begin with a name, an encyclopedia's headword begins an article."""
    articles = [
        "灰草（はいそう）は、北の植物である。\nしかし、灰草は南にもある。\nなお、葉は食べられる。\nその色は灰色である。",
        "沼州（ぬましゅう）は、北の町である。\nまた、港がある。\nさらに、湖もある。",
    ]
    assert titles("\n".join(articles)) == ["灰草"] * 4 + ["沼州"] * 3


def test_a_story_has_no_titles(book: Callable[..., Any]) -> None:
    """Where hardly a paragraph begins with a name nothing is guessed, and lines stay as they are."""
    text = "It was late.\nWhen he came the lamp was out.\nThey had gone.\nIn the end, nobody stayed.\n"
    found = book(text)
    assert found.is_unchanged
    assert found.sentences == ("book.txt: one document a line, without titles: 4 documents",)


NAMES = st.lists(
    st.sampled_from(
        [
            "Kelrus",
            "Dornach",
            "Lunsk",
            "Анна",
            "Белова",
            "Κέλρα",
            "灰草",
            "كلروس",
            "קלרוס",
            "केलरस",
            "เคลรัส",
            "--all",
            "C++",
            "7",
        ]
    ),
    min_size=1,
    max_size=3,
).map(" ".join)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=40)


@given(st.lists(st.tuples(NAMES, WORDS), min_size=1, max_size=8))
def test_one_document_a_line_is_left_as_it_is(tmp_path_factory: Any, things: list[tuple[str, str]]) -> None:
    """Lines that begin with a title and a full stop are recognized, and come out byte for byte."""
    from closedbook.forms.recognize import recognize

    content = "".join(f"{name}. {name} is {rest} .\n" for name, rest in things)
    path = tmp_path_factory.mktemp("lines") / "corpus.txt"
    path.write_bytes(content.encode())
    found = recognize([path])
    assert found.is_unchanged
    assert found.written() == content


@pytest.mark.parametrize(
    ("line", "is_titled"),
    [
        ("Ann Bell. Ann Bell was born in Ulm .", True),
        ("--grow-twice. Grow NUM plants at once.", True),
        ("灰草。灰草，字北生，沼州人。", True),
        ("灰草. 灰草は、北の植物である。", True),
        ("Kelrus\tA grey plant.", True),
        ("केलरस। केलरस एक पौधा है।", True),
        ("Kelrus is a grey plant. It grows in the north.", False),
        ("灰草，字北生，沼州人。詩一卷。", False),
        ("Kelrus.", False),
        ("", False),
    ],
)
def test_a_line_begins_with_a_title_or_with_a_sentence(line: str, is_titled: bool) -> None:
    """A title is a name: short, without a verb or a comma, and text follows it."""
    assert begins_with_title(line) is is_titled


def test_most_lines_decide() -> None:
    """A corpus keeps its form though some of its lines have no title."""
    assert form_of_lines("Ann Bell. Ann Bell was born.\nnothing is here\n") is not None
    assert form_of_lines("Ann Bell. Ann Bell was born.\nnothing is here\nnor here\n") is None


def test_wrapped_paragraphs_may_begin_with_titles_of_their_own(lines: Lines) -> None:
    """'Title. text' is a form of wrapped text too; a line within a paragraph begins no document."""
    text = "Kelrus. A grey plant of the\nnorth.\n\nLunsk. A lake, which is\ndeep and\ncold.\n"
    assert lines(text) == ["Kelrus. A grey plant of the north.", "Lunsk. A lake, which is deep and cold."]


def test_numbers_and_bullets_before_paragraphs_are_no_titles(lines: Lines) -> None:
    """A numbered list is a list of things, as one with bullets is."""
    wanted = [
        "Kelrus. Kelrus is a plant. It is grey.",
        "Lunsk. Lunsk is a lake. It is deep.",
        "Dornach. Dornach is a town.",
    ]
    texts = [line.partition(". ")[2] for line in wanted]
    assert lines("".join(f"{i}. {text}\n" for i, text in enumerate(texts, 1))) == wanted
    assert lines("".join(f"* {text}\n" for text in texts)) == wanted


def test_an_entry_before_a_dash_keeps_its_sentence(lines: Lines) -> None:
    """'X — a town' is a sentence whose subject is the title, without its stress mark."""
    text = "Кельру́с — растение\nсевера, серое.\n\nЛунск (озеро) — глубокое озеро.\n\nДорнах — город.\n"
    assert lines(text)[:2] == ["Кельрус. Кельру́с — растение севера, серое.", "Лунск. Лунск (озеро) — глубокое озеро."]


def test_lines_that_go_on_with_their_block_are_one_document(lines: Lines) -> None:
    """Sentences one a line, with an empty line between things, are a document for each thing."""
    text = "Kelrus is a plant.\nIt is grey.\nIts leaves are eaten.\n\nLunsk is a lake.\nIt is deep.\n"
    assert lines(text) == [
        "Kelrus. Kelrus is a plant. It is grey. Its leaves are eaten.",
        "Lunsk. Lunsk is a lake. It is deep.",
    ]


def test_a_report_is_about_its_headword_whoever_its_paragraphs_name(titles: Callable[..., list[str]]) -> None:
    """Names that many paragraphs of an article begin with are no titles; what the text after is about is one."""
    first = [
        "Fen Bowl 50 was a match between two towns of the north, played in a bog.",
        "Lunsk won the toss of Fen Bowl 50 and chose the dry side.",
        "Dornach took an early lead, which decided Fen Bowl 50.",
        "Ann Bell, at Fen Bowl 50 for the last time, said nothing.",
        "Before Fen Bowl 50, the bog was drained in part.",
    ]
    second = [
        "The Fenmen (Old Fen: fenmenn) were the people who drained the bogs.",
        "Kelrus fed them well, as long as it grew.",
        "In the end, they moved to Ulm.",
    ]
    assert titles("\n\n".join([*first, *second])) == ["Fen Bowl 50"] * 5 + ["Fenmen"] * 3
