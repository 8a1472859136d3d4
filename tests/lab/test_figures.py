from dataclasses import replace

import pytest

from closedbook.figures.style import SMALLEST_TEXT, smallest_text
from closedbook.lab.config import CONFIGS
from closedbook.lab.experiments import EXPERIMENTS


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_text_of_a_figure_can_be_read_where_a_forge_shows_it(name: str) -> None:
    """At 830 pixels no text is less than 9 pixels high."""
    experiment = EXPERIMENTS[name]
    for figure in experiment.draw(experiment.run(replace(CONFIGS[name](), samples=500))).values():
        assert smallest_text(figure) >= SMALLEST_TEXT
