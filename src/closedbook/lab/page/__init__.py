"""The interactive page: hand-written parts, joined into one HTML file that needs no network."""

import json
import re
from pathlib import Path

from closedbook.files import page

_STILL = re.compile(r"<!-- still (\w+) (\w+) -->")
"""A place in a part for a picture or number, by experiment and name."""
_FOR_READERS = re.compile(r"^(?: +|//.*\n)+", re.MULTILINE)
"""Indentation and lines of comments, which the parts have and the page does not need."""
_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
_LOOSE = re.compile(r"/\*.*?\*/\n?|(?<=[:;{},])\s| (?=[{}])")
"""Comments and blanks that a style sheet does not need."""


def page_html() -> str:
    """The whole page: lab.html with its parts, and with the pictures that it shows where JavaScript is off."""
    stills: dict[str, dict[str, str]] = json.loads(page.read_part(__package__, "stills.json"))
    joined = _FOR_READERS.sub("", page.joined(__package__, "lab.html"))
    joined = _STYLE.sub(lambda style: _LOOSE.sub("", style[0]), joined)
    return _STILL.sub(lambda place: stills.get(place[1], {}).get(place[2], ""), joined)


def write_page(path: Path) -> None:
    """Write the page as one UTF-8 file, or leave an older file as it was; raises InputError."""
    page.write_page(path, page_html())
