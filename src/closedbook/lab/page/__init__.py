"""The interactive page: hand-written parts, joined into one HTML file that needs no network."""

from pathlib import Path

from closedbook.files import page


def page_html() -> str:
    """The whole page: lab.html with every reference to a part replaced by that part."""
    return page.joined(__package__, "lab.html")


def write_page(path: Path) -> None:
    """Write the page as one UTF-8 file, or leave an older file as it was; raises InputError."""
    page.write_page(path, page_html())
