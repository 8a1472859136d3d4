import subprocess
import sys

import pytest

from closedbook.figures.style import blank, smallest_text


def test_the_smallest_text_shrinks_with_a_wide_figure() -> None:
    """Text of 8 points in a figure of 8.3 inches is 100 pixels an inch where a forge shows it, in 16.6 inches 50."""
    for inches, pixels in ((8.3, 800 / 72), (16.6, 400 / 72), (2.0, 1200 / 72)):
        figure = blank(inches, 1.0)
        figure.text(0, 0, "large", fontsize=20)
        figure.text(0, 0.5, "small", fontsize=8)
        figure.text(0, 0.5, " ", fontsize=1)
        assert smallest_text(figure) == pytest.approx(pixels)


def test_importing_the_style_does_not_import_matplotlib() -> None:
    """So that a command without a figure starts fast."""
    code = "import sys, closedbook.figures.style, closedbook.figures.pictures; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
