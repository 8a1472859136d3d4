"""Figures as PNG and SVG: the same bytes for the same figure.

matplotlib is imported where it is used, so that importing this is cheap.
"""

import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import matplotlib.figure


def as_svg(figure: "matplotlib.figure.Figure") -> str:
    """An <svg> element to stand in HTML, without a ground; the same for the same figure."""
    # HTML knows the namespaces, whose names look like addresses, and the page says how large.
    tag = re.compile(r'.*?<svg[^>]*(viewBox="[^"]*")[^>]*>(\s*<metadata>.*?</metadata>)?', re.DOTALL)
    return tag.sub(r"<svg \1>", as_svg_file(figure).decode(), count=1)


def as_svg_file(figure: "matplotlib.figure.Figure", *, transparent: bool = True) -> bytes:
    """The figure as a file of its own, on white unless `transparent`; the same bytes for the same figure."""
    import matplotlib

    file = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "closedbook"}):
        figure.savefig(file, format="svg", transparent=transparent, metadata={"Date": None})
    return file.getvalue()


def as_png(figure: "matplotlib.figure.Figure", dots_per_inch: int = 150) -> bytes:
    """The figure on white; the same bytes for the same figure."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dots_per_inch, metadata={"Software": None})
    return file.getvalue()
