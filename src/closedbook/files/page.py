"""Pages: hand-written parts of a package, joined into one HTML file that needs no network."""

import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from closedbook.errors import InputError
from closedbook.files.durable import write_atomically

_PART = re.compile(
    r'<link rel="stylesheet" href="([\w/]+\.css)">|<script src="([\w/]+\.js)"></script>|<!-- ([\w/]+(?:\.html)?) -->'
)
"""A reference to a part."""


def joined(package: str, name: str, given: Mapping[str, str] | None = None) -> str:
    """The file `name` of a package, with every reference to a part replaced by that part.

    `given` are parts that are no files: the text that stands for `<!-- name -->`.
    """
    made = given or {}

    def inlined(reference: re.Match[str]) -> str:
        style, script, markup = reference.groups()
        if style:
            return f"<style>\n{read_part(package, style)}</style>"
        if script:
            return f"<script>\n{read_part(package, script)}</script>"
        return made[markup] if markup in made else read_part(package, markup)

    return _PART.sub(inlined, read_part(package, name))


def check_page(path: Path) -> None:
    """Raise InputError where a page cannot be written to `path`: a folder, or a file in a folder that is not there."""
    if path.is_dir():
        raise InputError(f"{path}: a file is needed, and this is a folder; name one, as in {path / 'page.html'}")
    if not path.parent.is_dir():
        raise InputError(f"{path}: a file in an existing folder is needed; make {path.parent}, or name another")


def write_page(path: Path, html: str) -> int:
    """Write a page as one UTF-8 file, or leave an older file as it was; returns its bytes. Raises InputError."""
    check_page(path)
    data = html.encode()
    write_atomically(path, data)
    return len(data)


def read_part(package: str, name: str) -> str:
    """The text of a file of a package."""
    return files(package).joinpath(name).read_text(encoding="utf-8")
