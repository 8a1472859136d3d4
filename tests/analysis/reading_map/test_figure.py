import subprocess
import sys
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
import torch

from closedbook.analysis.reading_map.figure import draw_heads, draw_reading
from closedbook.analysis.reading_map.weights import ReadingMap, reading_map
from closedbook.figures.pictures import as_png
from closedbook.figures.style import SMALLEST_TEXT, smallest_text
from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT

TRIANGULAR = ModelConfig("perceiver", n_layer=2, n_head=1, n_embd=6, block_size=331, bottleneck_dim=7)
STRIDED = replace(TRIANGULAR, latent_mask="strided", bottleneck_dim=83)
"""Segments of four."""
HOSTILE = "戸 $x^2$ é\\_{\n"


def mapped(config: ModelConfig, n_characters: int) -> ReadingMap:
    """The map of a text that repeats one character."""
    torch.manual_seed(3)
    return reading_map(GPT(config, 2), [1] * n_characters)


def drawn(config: ModelConfig, text: str) -> Any:
    """The figure of a map."""
    return draw_reading(mapped(config, len(text)), text)


def letters(axes: Any) -> list[str]:
    """The labels under the columns of a panel."""
    return [label.get_text() for label in axes.get_xticklabels()]


@pytest.mark.parametrize(
    ("config", "text", "ylabels"),
    [
        (TRIANGULAR, "Ulm", ["latent", "latent"]),
        (STRIDED, "in Ulm", ["latent", "latent", "in segment"]),
        (STRIDED, "Ulm", ["in segment"]),
    ],
    ids=["triangular", "strided", "within the first segment"],
)
def test_the_panels(config: ModelConfig, text: str, ylabels: list[str]):
    """Two panels for latents, and one for own segments under latent_mask strided; an empty panel is left out."""
    assert [axes.get_ylabel() for axes in drawn(config, text).axes[:-1]] == ylabels


def test_shades_are_attention():
    """Each panel shows the map's weights, characters as columns, on a scale from 0 to 1."""
    reading = mapped(STRIDED, 11)
    panels = draw_reading(reading, "Ulm is here").axes[:-1]
    attention = (reading.attention.latents, reading.attention.positions.T, reading.attention.own.T)
    for axes, expected in zip(panels, attention, strict=True):
        (image,) = axes.images
        assert torch.equal(torch.from_numpy(image.get_array().data), expected)
        assert image.get_clim() == (0, 1)


def test_an_outline_encloses_what_the_mask_allows():
    """By hand, for nine characters in segments of four: the outline steps around the cells of both latents."""
    (lines,) = draw_reading(mapped(STRIDED, 9), "Ulm is he").axes[0].collections
    edges = {tuple(sorted(map(tuple, segment))) for segment in lines.get_segments()}
    left = {((-0.5, y), (-0.5, y + 1)) for y in (-0.5, 0.5)}
    right = {((3.5, -0.5), (3.5, 0.5)), ((7.5, 0.5), (7.5, 1.5))}
    top = {((x - 0.5, -0.5), (x + 0.5, -0.5)) for x in range(4)} | {
        ((x - 0.5, 0.5), (x + 0.5, 0.5)) for x in range(4, 8)
    }
    bottom = {((x - 0.5, 1.5), (x + 0.5, 1.5)) for x in range(8)}
    assert edges == left | right | top | bottom


def test_columns_are_labelled_with_the_text():
    """Printable ASCII as it is, a middle dot for the rest, and no labels for more than 128 characters."""
    for axes in drawn(STRIDED, HOSTILE).axes[:-1]:
        assert "".join(letters(axes)) == "· $x^2$ ·\\_{·"
    assert len(letters(drawn(TRIANGULAR, "e" * 128).axes[0])) == 128
    assert letters(drawn(TRIANGULAR, "e" * 129).axes[0]) == []


@pytest.mark.parametrize("config", [TRIANGULAR, STRIDED])
@pytest.mark.parametrize("n_characters", [1, 83, 128, 331])
def test_nothing_is_cut_off_and_no_letters_overlap(config: ModelConfig, n_characters: int):
    """Whatever the length, titles and labels lie within the figure and do not overlap."""
    figure = drawn(config, "W" * n_characters)
    figure.canvas.draw()
    for axes in figure.axes:
        labels = [axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label, *axes.get_xticklabels()]
        boxes = [label.get_window_extent() for label in labels if label.get_text()]
        assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in boxes)
        assert all(figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1 for box in boxes)
        assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_the_heads_of_vanilla_are_rows():
    """One panel a block, heads counted from 1; shades and numbers are weights, and those under 10% have no number."""
    blocks = [torch.tensor([[0.05, 0.95, 0.0], [0.2, 0.3, 0.5]]), torch.tensor([[0.9, 0.1, 0.0]])]
    first, second, _ = draw_heads(blocks, "Ulm").axes
    assert [label.get_text() for label in first.get_yticklabels()] == ["1", "2"]
    assert torch.equal(torch.from_numpy(first.images[0].get_array().data), blocks[0])
    assert [(text.get_position(), text.get_text()) for text in first.texts] == [
        ((1, 0), "95"),
        ((0, 1), "20"),
        ((1, 1), "30"),
        ((2, 1), "50"),
    ]
    assert second.get_title(loc="left") == "Block 2: which characters the last position attends to (rows sum to 1)"
    assert letters(second) == ["U", "l", "m"]


@pytest.mark.parametrize("n_characters", [1, 40, 41, 128, 331])
def test_the_text_of_a_map_can_be_read_where_a_forge_shows_it(n_characters: int):
    """Whatever the length, no text is less than 9 pixels high at 830 pixels, and none is cut off."""
    weights = torch.full((5, n_characters), 1 / n_characters)
    for figure in (draw_heads([weights] * 2, "W" * n_characters), drawn(STRIDED, "W" * n_characters)):
        assert smallest_text(figure) >= SMALLEST_TEXT
        for axes in figure.axes:
            boxes = [label.get_window_extent() for label in (axes._left_title, axes.xaxis.label) if label.get_text()]
            assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in boxes)


def test_the_same_map_is_the_same_picture():
    """The PNG is the same to the byte each time."""
    assert as_png(drawn(STRIDED, "in Ulm")) == as_png(drawn(STRIDED, "in Ulm"))


def test_importing_is_cheap():
    """The import loads neither matplotlib nor torch."""
    program = (
        "import sys, closedbook.analysis.reading_map.figure\nassert not {'matplotlib', 'torch'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
