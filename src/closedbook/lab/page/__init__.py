"""The interactive page: hand-written parts, joined into one HTML file that needs no network."""

import json
import re
from pathlib import Path

from closedbook.files import page

_STILL = re.compile(r"<!-- still (\w+) (\w+) -->")
"""A place in a part for a picture or number, by experiment and name."""


def page_html() -> str:
    """The whole page: lab.html with its parts, and with the pictures that it shows where JavaScript is off."""
    stills: dict[str, dict[str, str]] = json.loads(page.read_part(__package__, "stills.json"))
    return _STILL.sub(lambda place: stills.get(place[1], {}).get(place[2], ""), page.joined(__package__, "lab.html"))


def write_page(path: Path) -> None:
    """Write the page as one UTF-8 file, or leave an older file as it was; raises InputError."""
    page.write_page(path, page_html())
