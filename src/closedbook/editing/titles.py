"""Titles to forget: of a file, one a line, or a single one, each checked against a corpus."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from closedbook.errors import TextError
from closedbook.text.lines import read_lines
from closedbook.text.title_index import TitleIndex


@dataclass(frozen=True)
class NamedTitles:
    """Titles and the numbers of their lines, from 1; `path` is None for one that stands in no file."""

    path: Path | None
    lines: dict[str, int]


def one_title(title: str) -> NamedTitles:
    """A title that stands in no file; raises TextError where it is empty or more than a line."""
    if not title.strip() or "\n" in title.strip():
        raise TextError(None, 1, f"a title is one line that is not empty; received {title!r}")
    return parse_titles([title], None)


def read_titles(path: Path) -> NamedTitles:
    """The titles of a file, empty lines left out; raises TextError."""
    return parse_titles(read_lines(path), path)


def parse_titles(lines: Iterable[str], path: Path | None) -> NamedTitles:
    """The titles of lines, without blanks around them; raises TextError for none, and for one given twice."""
    found: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        title = line.strip()
        if title in found:
            raise TextError(path, number, f"{title!r} is on line {found[title]} already; leave out one of the two")
        if title:
            found[title] = number
    if not found:
        raise TextError(path, None, "no title in it; write one a line")
    return NamedTitles(path, found)


def check_titles(named: NamedTitles, titles: TitleIndex, forgotten: Collection[str]) -> None:
    """Raise TextError with the first line that is not a title, or one that is forgotten already."""
    for title, line in named.lines.items():
        if title in forgotten:
            raise TextError(named.path, line, f"{title!r} is forgotten already; leave it out")
        if title not in titles:
            near = get_close_matches(title, titles, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "give the name that a line of it begins with"
            raise TextError(named.path, line, f"{title!r} is no title of the run's corpus; {hint}")
