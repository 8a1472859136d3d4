"""benchmarks/pictures.py and settings.py: every figure of docs/ is drawn from the kept results and can be read."""

import importlib
import sys
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from closedbook.figures.style import SMALLEST_TEXT, WIDTH, smallest_text

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
NAMES = (
    *("exposure", "reading", "context", "ways", "scale", "attention", "course"),
    *("course-ledger", "blind-ledger", "two-names", "settings"),
)


@pytest.fixture(scope="module")
def figures() -> Iterator[dict[str, Callable[[], Figure]]]:
    """What draws each figure; the modules are no part of the package."""
    sys.path.insert(0, str(BENCHMARKS))
    settings = importlib.import_module("settings")
    yield {**importlib.import_module("pictures").FIGURES, "settings": lambda: settings.figure(list(settings.points()))}
    sys.path.remove(str(BENCHMARKS))


def test_every_figure_is_tested(figures: dict[str, Callable[[], Figure]]) -> None:
    """The names of the test below are all that there are."""
    assert set(figures) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_can_be_read_where_a_forge_shows_it(figures: dict[str, Callable[[], Figure]], name: str) -> None:
    """It is as wide as the page, no text is under 9 pixels there, and no text covers another or is cut off."""
    figure = figures[name]()
    assert figure.get_figwidth() == WIDTH
    assert smallest_text(figure) >= SMALLEST_TEXT
    for axes in figure.axes:
        (low, high), (bottom, top) = sorted(axes.get_xlim()), sorted(axes.get_ylim())
        ticks = [tick for tick in axes.get_xticklabels() if low <= tick.get_position()[0] <= high]
        ticks += [tick for tick in axes.get_yticklabels() if bottom <= tick.get_position()[1] <= top]
        texts: list[Text] = [*axes.texts, *ticks, axes._left_title, axes.xaxis.label, axes.yaxis.label]
        boxes = [text.get_window_extent() for text in texts if text.get_text() and text.get_visible()]
        assert not [(one, other) for one, other in combinations(boxes, 2) if one.overlaps(other)]
        assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in boxes)
