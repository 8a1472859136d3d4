import subprocess
import sys
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
import torch

from closedbook.analysis.reading_map.figure import draw_reading
from closedbook.analysis.reading_map.weights import ReadingMap, reading_map
from closedbook.files.pictures import as_png
from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT

COURSE = ModelConfig("perceiver", n_layer=2, n_head=1, n_embd=6, block_size=331, bottleneck_dim=7)
STRIDED = replace(COURSE, latent_mask="strided", bottleneck_dim=83)
"""Stretches of four."""
HOSTILE = "戸 $x^2$ é\\_{\n"


def mapped(config: ModelConfig, n_characters: int) -> ReadingMap:
    """Of a text of one character again and again."""
    torch.manual_seed(3)
    return reading_map(GPT(config, 2), [1] * n_characters)


def drawn(config: ModelConfig, text: str) -> Any:
    """The figure of a map."""
    return draw_reading(mapped(config, len(text)), text)


def letters(axes: Any) -> list[str]:
    """Under the columns of a panel."""
    return [label.get_text() for label in axes.get_xticklabels()]


def test_a_panel_a_kind_of_reader():
    """Under latent_mask course two panels and the shades; under strided the own stretch besides, if need be alone."""
    ylabels = {
        name: [axes.get_ylabel() for axes in drawn(config, text).axes[:-1]]
        for name, config, text in (("course", COURSE, "Ulm"), ("strided", STRIDED, "in Ulm"), ("short", STRIDED, "Ulm"))
    }
    assert ylabels == {
        "course": ["latent", "latent"],
        "strided": ["latent", "latent", "in stretch"],
        "short": ["in stretch"],
    }


def test_shades_are_attention():
    """Each panel shows the map's numbers, places as columns, between 0 and 1."""
    reading = mapped(STRIDED, 11)
    panels = draw_reading(reading, "Ulm is here").axes[:-1]
    attention = (reading.attention.latents, reading.attention.places.T, reading.attention.own.T)
    for axes, expected in zip(panels, attention, strict=True):
        (image,) = axes.images
        assert torch.equal(torch.from_numpy(image.get_array().data), expected)
        assert image.get_clim() == (0, 1)


def test_a_line_goes_around_what_may_be_read():
    """Of two stretches of four in nine characters, by hand: the edge steps from cell to cell around both latents."""
    (lines,) = draw_reading(mapped(STRIDED, 9), "Ulm is he").axes[0].collections
    edges = {tuple(sorted(map(tuple, segment))) for segment in lines.get_segments()}
    left = {((-0.5, y), (-0.5, y + 1)) for y in (-0.5, 0.5)}
    right = {((3.5, -0.5), (3.5, 0.5)), ((7.5, 0.5), (7.5, 1.5))}
    top = {((x - 0.5, -0.5), (x + 0.5, -0.5)) for x in range(4)} | {
        ((x - 0.5, 0.5), (x + 0.5, 0.5)) for x in range(4, 8)
    }
    bottom = {((x - 0.5, 1.5), (x + 0.5, 1.5)) for x in range(8)}
    assert edges == left | right | top | bottom


def test_the_text_stands_under_its_columns():
    """Printable ASCII as it is, a middle dot for the rest; a text of more than 128 characters is left out."""
    for axes in drawn(STRIDED, HOSTILE).axes[:-1]:
        assert "".join(letters(axes)) == "· $x^2$ ·\\_{·"
    assert len(letters(drawn(COURSE, "e" * 128).axes[0])) == 128
    assert letters(drawn(COURSE, "e" * 129).axes[0]) == []


@pytest.mark.parametrize("config", [COURSE, STRIDED])
@pytest.mark.parametrize("n_characters", [1, 83, 331])
def test_nothing_is_cut_off_and_no_letters_overlap(config: ModelConfig, n_characters: int):
    """Whatever the length, titles and labels lie within the picture, and neighbours off each other."""
    figure = drawn(config, "W" * n_characters)
    figure.canvas.draw()
    for axes in figure.axes:
        labels = [axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label, *axes.get_xticklabels()]
        boxes = [label.get_window_extent() for label in labels if label.get_text()]
        assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in boxes)
        assert all(figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1 for box in boxes)
        assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_the_same_map_is_the_same_picture():
    """The picture's file holds no date and no chance."""
    assert as_png(drawn(STRIDED, "in Ulm")) == as_png(drawn(STRIDED, "in Ulm"))


def test_importing_is_cheap():
    """The import loads neither matplotlib nor torch."""
    program = (
        "import sys, closedbook.analysis.reading_map.figure\nassert not {'matplotlib', 'torch'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
