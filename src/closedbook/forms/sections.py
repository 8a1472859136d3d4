"""Sections under headings become passages, each titled by its heading."""

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from closedbook.forms.book import Passage, counted

_NUMBER = re.compile(r"(?:\d+(?:\.\d+)*[.)]?|[IVXLC]+[.)]|§\s*\d+)\s+(?=\S)")


class Section(NamedTuple):
    """A heading ('' before the first), its level (1 is the highest), the text up to the next heading, and its line."""

    heading: str
    level: int
    text: str
    line: int


def passages_of(sections: Sequence[Section], name: str = "") -> tuple[list[Passage], list[str]]:
    """The passages of sections, and notes to show the user.

    A heading that stands under several others ('Usage') says nothing alone: its text goes, after the heading, to the
    nearest section above whose heading stands once. `name` titles what has no heading.
    """
    headings = _without_numbers([section.heading.strip().rstrip(":：") for section in sections])
    parents = _parents(sections)
    above: dict[str, set[str]] = defaultdict(set)
    for heading, parent in zip(headings, parents, strict=True):
        if parent is not None:
            above[heading.casefold()].add(headings[parent])
    texts: list[list[str]] = [[section.text] for section in sections]
    homes = list(range(len(sections)))
    for index, parent in enumerate(parents):
        if parent is not None and len(above[headings[index].casefold()]) > 1:
            homes[index] = homes[parent]
            if sections[index].text.strip():
                texts[homes[index]].append(f"{headings[index]}: {sections[index].text}")
    passages = [
        Passage(headings[index] or name, " ".join(texts[index]), section.line)
        for index, section in enumerate(sections)
        if homes[index] == index
    ]
    n_joined = len(sections) - len(passages)
    what = f"{counted(n_joined, 'section')} under a heading that stands under several others"
    return passages, [f"{what} joined to the one above"] if n_joined else []


def _parents(sections: Sequence[Section]) -> list[int | None]:
    """For each section the index of the one whose heading stands above its own; None for none."""
    parents: list[int | None] = []
    open_ones: list[int] = []
    for index, section in enumerate(sections):
        while open_ones and sections[open_ones[-1]].level >= section.level:
            open_ones.pop()
        parents.append(open_ones[-1] if open_ones and section.heading else None)
        if section.heading:
            open_ones.append(index)
    return parents


def _without_numbers(headings: list[str]) -> list[str]:
    """Headings without the numbers that most of them begin with, as in '2.1 Charging'."""
    named = [heading for heading in headings if heading]
    n_numbered = sum(_NUMBER.match(heading) is not None for heading in named)
    if len(named) < 3 or n_numbered < 0.7 * len(named):
        return headings
    return [_NUMBER.sub("", heading, count=1) if _NUMBER.match(heading) else heading for heading in headings]
