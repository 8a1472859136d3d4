import subprocess
import sys
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
import torch

from closedbook.analysis.trace.figure import draw_trace
from closedbook.analysis.trace.report import Trace
from closedbook.figures.pictures import as_png
from closedbook.figures.style import SMALLEST_TEXT, smallest_text
from closedbook.text.vocabulary import MASK

two_kinds = pytest.mark.parametrize("model", ["tables", "strided"], indirect=True)
HOSTILE = "$x^2$ é\\_{"


def images(figure: Any) -> list[Any]:
    """The images of the panels, without those of the scales."""
    return [axes.images[0] for axes in figure.axes if axes.images and axes.get_title(loc="left")]


@two_kinds
def test_grey_is_the_effect_in_nats(traced: Trace):
    """The panels show what is restored and then what is lost, on characters and on latents, from 0 to the largest."""
    shown = images(draw_trace(traced))
    for name in ("restored", "lost"):
        of_characters = [getattr(effect, name) for effect in traced.effects if not effect.on_latents]
        image = shown.pop(0)
        assert torch.equal(torch.from_numpy(image.get_array().data), torch.stack(of_characters))
        largest = max(float(getattr(effect, name).max()) for effect in traced.effects)
        assert image.get_clim() == (0, max(0.01, largest))
        of_latents = [getattr(effect, name) for effect in traced.effects if effect.on_latents]
        if of_latents:
            assert torch.equal(torch.from_numpy(shown.pop(0).get_array().data), torch.stack(of_latents))
    for image in shown:
        assert image.get_clim() == (0, 1)


@two_kinds
def test_columns_are_labelled_and_nothing_is_cut_off(traced: Trace):
    """The mask is M, what the font may lack is a dot, and labels can be read within the figure without overlap."""
    text = HOSTILE + traced.text[len(HOSTILE) :]
    figure = draw_trace(replace(traced, text=text))
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert "".join(labels) == text.replace(f"{MASK}", "M").replace("é", "·")
    assert smallest_text(figure) >= SMALLEST_TEXT
    for axes in figure.axes:
        low, high = axes.get_xlim()
        ticks = [label for label in axes.get_xticklabels() if low <= label.get_position()[0] <= high]
        shown = [axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label, *ticks]
        boxes = [label.get_window_extent() for label in shown if label.get_text()]
        assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in boxes)
        assert all(figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1 for box in boxes)
        assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


@pytest.mark.parametrize("model", ["plain"], indirect=True)
def test_the_same_trace_is_the_same_picture(traced: Trace):
    """The PNG is the same to the byte each time."""
    assert as_png(draw_trace(traced)) == as_png(draw_trace(traced))


def test_importing_is_cheap():
    """The import loads neither matplotlib nor torch."""
    program = "import sys, closedbook.analysis.trace.figure\nassert not {'matplotlib', 'torch'} & set(sys.modules)\n"
    subprocess.run([sys.executable, "-c", program], check=True)
