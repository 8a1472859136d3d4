"""The playable page: hand-written parts, joined into one file that needs no network."""

import re
from importlib.resources import files
from pathlib import Path

from closedbook.errors import InputError
from closedbook.files.durable import write_atomically

_PART = re.compile(r'<link rel="stylesheet" href="(\w+\.css)">|<script src="(\w+\.js)"></script>|<!-- (\w+\.html) -->')
"""Where lab.html names one of its parts."""


def page_html() -> str:
    """The whole page: lab.html with every part that it names put in that place."""
    return _PART.sub(_joined, _part("lab.html"))


def write_page(path: Path) -> None:
    """Write the page as one UTF-8 file, whole or not at all; raises InputError."""
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name the file that the page is to be, as in {path / 'lab.html'}")
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent} to write to; make it, or name one that exists")
    write_atomically(path, page_html().encode())


def _joined(named: re.Match[str]) -> str:
    """What stands in the page where lab.html names a part."""
    style, script, markup = named.groups()
    if style:
        return f"<style>\n{_part(style)}</style>"
    if script:
        return f"<script>\n{_part(script)}</script>"
    return _part(markup)


def _part(name: str) -> str:
    """The text of one of the files beside this one."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
