"""Manual pages and definition lists."""

from collections.abc import Callable
from typing import Any

import pytest

from closedbook.forms.definitions import title_of_term

Lines = Callable[..., list[str]]

PAGE = """\
KELRUS(1)                    User Commands                    KELRUS(1)

NAME
       kelrus - grow grey plants

OPTIONS
       -g, --grow=NUM
              Grow NUM plants. The opposite of --no-
              grow.

              It may be given twice.

       --no-grow
              Grow none:

                  kelrus --no-grow

       -h     print a help text
              and stop

Fen 1.0                        May 2071                       KELRUS(1)
"""


def test_a_manual_page_has_a_document_for_each_option(book: Callable[..., Any]) -> None:
    """Long options are titles, sections title what stands outside options, headers of pages are left out."""
    found = book(PAGE, "kelrus.1.txt")
    assert [document.written for document in found.documents] == [
        "NAME. kelrus - grow grey plants.",
        "--grow. -g, --grow=NUM. Grow NUM plants. The opposite of --no-grow. It may be given twice.",
        "--no-grow. Grow none: kelrus --no-grow.",
        "-h. print a help text and stop.",
    ]
    assert [document.line for document in found.documents] == [3, 7, 13, 18]
    assert found.sentences == ("kelrus.1.txt: a manual or definition list with 3 terms: 4 documents",)
    assert any("2 page headers left out" in note for note in found.notes)


def test_a_definition_list_has_a_document_for_each_term(lines: Lines) -> None:
    """A term at the left edge with indented text below is a title, in any script."""
    text = (
        "Kelrus\n    A grey plant\n    of the north.\n\nДорнах\n    Город на озере.\n\n灰草\n    北方的\n    植物。\n"
    )
    assert lines(text) == ["Kelrus. A grey plant of the north.", "Дорнах. Город на озере.", "灰草. 北方的植物。"]


def test_overstruck_letters_of_a_formatted_page_are_read_once(lines: Lines) -> None:
    """A manual page in a file may have its bold letters printed twice over."""
    text = "\n".join(f"-\b-{o}\b{o}\n    Does {o}.\n" for o in "abc")
    assert lines(text) == ["-a. Does a.", "-b. Does b.", "-c. Does c."]


@pytest.mark.parametrize(
    ("term", "title"),
    [
        ("-g, --grow-twice=NUM", "--grow-twice"),
        ("-x", "-x"),
        ("-o FILE", "-o"),
        ("--[no-]colour", "--colour"),
        ("--color[=WHEN], --colour[=WHEN]", "--color"),
        ("-name pattern", "-name"),
        ("Kelrus:", "Kelrus"),
        ("KELRUS_HOME", "KELRUS_HOME"),
    ],
)
def test_an_option_is_titled_by_its_long_name_without_a_value(term: str, title: str) -> None:
    """Other terms are titles as they stand."""
    assert title_of_term(term) == title


def test_indented_first_lines_are_no_terms(book: Callable[..., Any]) -> None:
    """A book whose paragraphs begin with an indent has no definitions."""
    text = "  It was late when he came\nto the old town and saw\nnobody.\n" * 4
    assert "definition" not in book(text).sentences[0]


def test_a_pages_prose_is_titled_by_its_section(lines: Lines) -> None:
    """Prose that stands as far in as the options is no option, though blanks stand within its lines."""
    page = """\
NAME
       kel - grow

DESCRIPTION
       Grow  plants,  which are grey.  Options are manda-
       tory for  short options.

       -a, --all
              grow all

       -s     grow some
              of them

       -l, --long
              grow long

AUTHOR
       Ann Bell.
"""
    assert lines(page) == [
        "NAME. kel - grow.",
        "DESCRIPTION. Grow plants, which are grey. Options are manda-tory for short options.",
        "--all. -a, --all. grow all.",
        "-s. grow some of them.",
        "--long. -l, --long. grow long.",
        "AUTHOR. Ann Bell.",
    ]


def test_a_glossary_of_restructuredtext_is_read_without_its_markup(lines: Lines) -> None:
    """Roles, directives and rules are no text."""
    text = "********\nGlossary\n********\n\n.. glossary::\n\n" + "".join(
        f"   {term}\n      See :term:`{other} <x>`.\n\n"
        for term, other in (("``>>>``", "moss"), ("moss", "fern"), ("fern", "moss"))
    )
    assert lines(text) == [">>>. See moss.", "moss. See fern.", "fern. See moss."]


def test_code_with_braces_has_no_terms(book: Callable[..., Any]) -> None:
    """Indented lines of JSON or of a program follow braces, which are no terms."""
    code = '    {\n        "colour": "grey",\n        "size": {\n            "low": 1\n        }\n    }\n\n'
    text = f"The output::\n\n{code}" * 3
    assert "definition" not in book(text).sentences[0]
