"""Figures as PNG and SVG, with the same bytes for the same figure.

matplotlib is imported where it is used, so that importing this module is fast.
"""

import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import matplotlib.figure


def as_svg(figure: "matplotlib.figure.Figure") -> str:
    """An <svg> element for an HTML page, with a transparent background."""
    # Namespaces are implied in HTML, and their names look like links; the page decides the size.
    tag = re.compile(r'.*?<svg[^>]*(viewBox="[^"]*")[^>]*>(\s*<metadata>.*?</metadata>)?', re.DOTALL)
    return tag.sub(r"<svg \1>", as_svg_file(figure).decode(), count=1)


def as_svg_file(figure: "matplotlib.figure.Figure", *, transparent: bool = True) -> bytes:
    """An SVG file, with a white background unless `transparent`."""
    import matplotlib

    file = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "closedbook"}):
        figure.savefig(file, format="svg", transparent=transparent, metadata={"Date": None})
    return file.getvalue()


def as_png(figure: "matplotlib.figure.Figure", dots_per_inch: int = 150) -> bytes:
    """A PNG file, with the background of the figure."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dots_per_inch, metadata={"Software": None})
    return file.getvalue()
