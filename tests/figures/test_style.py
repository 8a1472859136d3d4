import subprocess
import sys
from itertools import pairwise

import pytest
from matplotlib.colors import to_rgb

from closedbook.figures.style import COLOURS, FILLS, SMALLEST_TEXT, WIDTH, blank, plain, smallest_text


def grey(colour: str) -> float:
    """How light a colour is in grey, from 0 to 255 (ITU-R BT.601)."""
    return sum(255 * share * part for share, part in zip((0.299, 0.587, 0.114), to_rgb(colour), strict=True))


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2.2."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_the_smallest_text_shrinks_with_a_wide_figure() -> None:
    """Text of 8 points in a figure of 8.3 inches is 100 pixels an inch where a forge shows it, in 16.6 inches 50."""
    for inches, pixels in ((8.3, 800 / 72), (16.6, 400 / 72), (2.0, 1200 / 72)):
        figure = blank(inches, 1.0)
        figure.text(0, 0, "large", fontsize=20)
        figure.text(0, 0.5, "small", fontsize=8)
        figure.text(0, 0.5, " ", fontsize=1)
        assert smallest_text(figure) == pytest.approx(pixels)


def test_a_plain_figure_of_the_page_width_can_be_read() -> None:
    """Ticks, labels and title are above the smallest text that is allowed."""
    figure = blank(WIDTH, 2.0)
    plain(figure.add_subplot(), "title", "x", "y")
    assert smallest_text(figure) >= SMALLEST_TEXT


def test_colours_differ_in_grey_and_from_white() -> None:
    """In grey each colour is clearly lighter than the one before, and all have a contrast of 3 to white (WCAG 2.2)."""
    assert all(grey(lighter) - grey(darker) > 25 for darker, lighter in pairwise(COLOURS))
    assert all(1.05 / (luminance(colour) + 0.05) >= 3 for colour in COLOURS)


def test_a_fill_is_lighter_than_its_edge() -> None:
    """So that text on it and the edge around it are seen."""
    assert all(grey(fill) - grey(edge) > 60 for fill, edge in zip(FILLS, COLOURS, strict=True))


def test_importing_the_style_does_not_import_matplotlib() -> None:
    """So that a command without a figure starts fast."""
    code = "import sys, closedbook.figures.style, closedbook.figures.pictures; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
