"""The interactive page: hand-written parts, joined into one HTML file that needs no network."""

import re
from importlib.resources import files
from pathlib import Path

from closedbook.errors import InputError
from closedbook.files.durable import write_atomically

_PART = re.compile(r'<link rel="stylesheet" href="(\w+\.css)">|<script src="(\w+\.js)"></script>|<!-- (\w+\.html) -->')
"""A reference to one of the parts in lab.html."""


def page_html() -> str:
    """The whole page: lab.html with every reference to a part replaced by that part."""
    return _PART.sub(_inlined, _part("lab.html"))


def write_page(path: Path) -> None:
    """Write the page as one UTF-8 file, or leave an older file as it was; raises InputError."""
    if path.is_dir():
        raise InputError(f"{path}: a file is needed, and this is a folder; name one, as in {path / 'lab.html'}")
    if not path.parent.is_dir():
        raise InputError(f"{path}: a file in an existing folder is needed; make {path.parent}, or name another")
    write_atomically(path, page_html().encode())


def _inlined(reference: re.Match[str]) -> str:
    """The part that a reference names, inside the tags it needs."""
    style, script, markup = reference.groups()
    if style:
        return f"<style>\n{_part(style)}</style>"
    if script:
        return f"<script>\n{_part(script)}</script>"
    return _part(markup)


def _part(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
