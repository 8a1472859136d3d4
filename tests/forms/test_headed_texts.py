"""Texts with headings: Markdown, underlined headings, capitals, and short lines."""

from collections.abc import Callable
from typing import Any

import pytest

Lines = Callable[..., list[str]]

MANUAL = """\
---
title: Kelrus handbook
---

Before all: *read* this.

# Kelrus 300 user manual

The **Kelrus 300** is a
[kettle](https://example.org) for travel.

## Charging

Plug in. It takes 9 minutes:

- the lamp is `red` while it charges
- the lamp is green
  when it is full

### Usage

Press once.

## Filter

| part | price |
| --- | --- |
| KF-12 | 3 € |

```
kelrus  --reset
```

### Usage

Turn left.

## Empty
"""


def test_markdown_headings_are_titles_and_markup_is_gone(lines: Lines) -> None:
    """Items and rows become sentences, code stays, a subheading under two parents joins its parent's text."""
    assert lines(MANUAL, "manual.md") == [
        "Kelrus handbook. Before all: read this.",
        "Kelrus 300 user manual. The Kelrus 300 is a kettle for travel.",
        "Charging. Plug in. It takes 9 minutes: the lamp is red while it charges. the lamp is green when it is full. "
        "Usage: Press once.",
        "Filter. part: KF-12, price: 3 €. kelrus --reset. Usage: Turn left.",
    ]


def test_the_sentence_and_the_notes_say_what_became_of_the_headings(book: Callable[..., Any]) -> None:
    """The form, the number of documents, what was left out and what was merged are said."""
    found = book(MANUAL, "manual.md")
    assert found.sentences == ("manual.md: Markdown with 6 headings: 4 documents",)
    assert any("1 title without text left out (Empty)" in note for note in found.notes)
    assert any(
        "2 sections under a heading that stands under several others joined to the one above" in note
        for note in found.notes
    )
    assert [document.line for document in found.documents] == [5, 7, 12, 24]


def test_markdown_in_a_text_file_is_recognized_by_its_headings(lines: Lines) -> None:
    """Two lines that begin with '#' are enough; those in code do not count."""
    assert lines("## Kelrus\n\nGrey.\n\n## Dornach\n\nA town.\n") == ["Kelrus. Grey.", "Dornach. A town."]
    assert lines("Kelrus is grey.\n\n```\n# no\n# heading\n```\n", "a.md") == ["Kelrus is grey.", "# no # heading."]


def test_a_setext_heading_of_markdown_is_a_heading(lines: Lines) -> None:
    """Markdown's underlined headings are those of the file's two levels."""
    assert lines("Kelrus\n======\n\nGrey.\n\nDornach\n-------\nA town.\n", "a.md") == [
        "Kelrus. Grey.",
        "Dornach. A town.",
    ]


def test_numbers_of_headings_are_no_part_of_titles(lines: Lines) -> None:
    """Where most headings are numbered the numbers go; a number that is a title of its own stays."""
    assert lines("# 1 Kelrus\na.\n# 1.1 Dornach\nb.\n# 2. Lunsk\nc.\n") == ["Kelrus. a.", "Dornach. b.", "Lunsk. c."]
    assert lines("# 1984\na.\n# Dornach\nb.\n# Lunsk\nc.\n")[0] == "1984. a."


def test_a_table_alone_is_read_as_a_table(lines: Lines) -> None:
    """A Markdown text that is one table has a document for each row."""
    text = "| name | town |\n|---|---|\n| Ann | Ulm |\n| Bo | Rom |\n| Cy | Oslo |\n"
    assert lines(text, "a.md") == ["Ann. town: Ulm.", "Bo. town: Rom.", "Cy. town: Oslo."]
    assert lines(text) == lines(text, "a.md")


def test_items_that_begin_in_bold_are_titled_by_it(lines: Lines) -> None:
    """A list of terms has a document for each item."""
    text = "- **Kelrus**: a grey plant\n- **Dornach** — a town\n- **Lunsk** is a lake\n"
    assert lines(text, "a.md") == ["Kelrus. a grey plant.", "Dornach. a town.", "Lunsk. Lunsk is a lake."]


def test_wrapped_chinese_is_joined_without_blanks(lines: Lines) -> None:
    """A line end within a script without blanks stands for nothing."""
    assert lines("# 灰草\n\n灰草是北方的\n植物。\n\n# 沼州\n\n沼州在\n北方。\n") == [
        "灰草. 灰草是北方的植物。",
        "沼州. 沼州在北方。",
    ]


def test_underlined_headings_are_titles(lines: Lines) -> None:
    """reStructuredText's roles, links, directives and emphasis are taken away."""
    text = """\
======
Manual
======

All of *it*.

Charging
--------

Plug in with :ref:`the cable <cable>`, see `here <https://example.org>`_::

    kelrus --reset

.. note:: Not in the rain.

Filter
------

Lasts ``40`` litres.
"""
    assert lines(text) == [
        "Manual. All of it.",
        "Charging. Plug in with the cable, see here: kelrus --reset. Not in the rain.",
        "Filter. Lasts 40 litres.",
    ]


def test_headings_in_capitals_are_titles(lines: Lines) -> None:
    """A line in capitals after an empty one begins a section; its title is written as in the text, or as a name."""
    assert lines("KELRUS TEA\n\nA cup of\nKelrus tea.\n\nГОРОД ДОРНАХ\nГород на реке.\n") == [
        "Kelrus tea. A cup of Kelrus tea.",
        "Город Дорнах. Город на реке.",
    ]


def test_a_text_in_capitals_has_no_headings(lines: Lines) -> None:
    """Where all lines are in capitals, none stands out."""
    assert lines("IT WAS LATE\n\nNOBODY CAME\n\nTHE LAMP WENT OUT\n") == [
        "IT WAS LATE",
        "NOBODY CAME",
        "THE LAMP WENT OUT",
    ]


@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_short_lines_over_paragraphs_are_titles(lines: Lines, gap: str) -> None:
    """Headings without any mark are found where each has a longer text after it."""
    things = {
        "Kelrus": "Kelrus is a grey plant\nof the north.",
        "Dornach": "A town on a lake.",
        "Lunsk": "A lake in Fen.",
    }
    text = "\n\n".join(f"{title}{gap}{body}" for title, body in things.items())
    assert lines(text) == [f"{title}. {body}".replace("\n", " ") for title, body in things.items()]


def test_a_title_that_would_end_early_is_written_with_a_tab(lines: Lines) -> None:
    """A full stop and a blank within a title would end it."""
    assert lines("# Kelrus. The plant\nGrey.\n# Dornach\nA town.\n")[0] == "Kelrus. The plant\tGrey."


def test_items_that_begin_with_a_name_are_documents_where_sections_are_lists(lines: Lines) -> None:
    """A long list of links is one of things; each item keeps the heading that it stands under."""
    items = "".join(
        f"* [{name}](https://example.org) - A {name.lower()} tool.\n" for name in ("Kel", "Lun", "Dor", "Fen")
    )
    text = f"# Tools\n\nMany tools.\n\n## Small\n{items}## Big\n{items.replace('](', ' II](')}"
    assert lines(text)[:3] == ["Tools. Many tools.", "Kel. A kel tool. Small.", "Lun. A lun tool. Small."]
    assert len(lines(text)) == 9


def test_a_long_table_under_a_heading_has_a_document_for_each_row(lines: Lines) -> None:
    """A short one belongs to the text of its section."""
    rows = "".join(
        f"| {name} | {size} |\n" for size, name in enumerate(["Kel", "Lun", "Dor", "Fen", "Vel", "Ost", "Pri", "Qua"])
    )
    text = f"# Plants\nMany.\n\n| plant | size |\n|---|---|\n{rows}"
    assert lines(text, "a.md")[:2] == ["Plants. Many.", "Kel. size: 0. Plants."]
    assert len(lines(text, "a.md")) == 9
    assert len(lines(text[: text.index("| Fen")], "a.md")) == 1


def test_paragraphs_under_one_heading_are_documents_where_each_defines_a_thing(book: Callable[..., Any]) -> None:
    """The one heading over them is named in a note."""
    names = ["Kel", "Lun", "Dor", "Fen", "Vel", "Ost", "Pri", "Qua", "Sal", "Tar"]
    found = book("# Plants\n\n" + "\n\n".join(f"{name} is a plant. It is grey." for name in names), "a.md")
    assert [document.title for document in found.documents] == names
    assert "1 title without text left out (Plants)" in found.notes[0]


def test_marked_headings_of_wikis_are_titles(lines: Lines) -> None:
    """'== Heading ==', and '* Heading' in an Org file."""
    assert lines("== Kelrus ==\nGrey.\n=== Use ===\nTea.\n==Lunsk==\nDeep.\n") == [
        "Kelrus. Grey.",
        "Use. Tea.",
        "Lunsk. Deep.",
    ]
    assert lines("* Kelrus\nGrey.\n** Use\nTea.\n", "a.org") == ["Kelrus. Grey.", "Use. Tea."]


def test_a_heading_too_long_for_a_title_is_text(book: Callable[..., Any]) -> None:
    """It is kept as the first sentence, and a note says so."""
    found = book(f"# {'very ' * 30}long\nGrey.\n# Lunsk\nDeep.\n")
    assert found.documents[0].title == ""
    assert found.documents[0].written.endswith("very long. Grey.")
    assert "1 title of more than 120 characters kept as text" in found.notes[0]
