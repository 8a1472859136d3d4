"""The figure of a trace: nats by part and position, attention by head, and the logit lens, in black and white.

matplotlib is imported where it is used. Only the printable ASCII of a user's text is drawn, since its font may lack
the rest.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from closedbook.figures.style import SMALL, TEXT, TINY, WIDTH, blank, open_frame
from closedbook.text.vocabulary import MASK

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

    from closedbook.analysis.trace.effects import Effect
    from closedbook.analysis.trace.report import Trace

# Sizes in inches.
_CELL = 0.17
_WIDTH = (5.0, WIDTH - 2.2)
_ROW = 0.2
_BETWEEN_PANELS = 0.75
_LENS = 1.3
_MOST_LETTERS = 96
_NEGATIVE = 0.02
"""An effect below minus this share of the largest is marked: grey shows positive ones alone."""
_RESTORED = "gives back, put into the question about the other name (nats; dash: below 0)"
_LOST = "takes away, replaced by the other name's (nats; dash: below 0)"


def draw_trace(trace: "Trace") -> "matplotlib.figure.Figure":
    """Panels for effects on characters and on latents, both ways round, for attention by head, and for the lens."""
    panels = [*_effect_panels(trace), *_head_panels(trace)]
    heights = [_ROW * len(values) + 0.1 for _, _, values, _, _ in panels]
    width = float(np.clip(_CELL * len(trace.text), *_WIDTH)) + 2.2
    height = sum(heights) + _LENS + _BETWEEN_PANELS * (len(heights) + 1)
    figure = blank(width, height)
    *rows, last = figure.subplots(len(heights) + 1, 1, height_ratios=[*heights, _LENS])
    for axes, (title, labels, values, is_latent, most) in zip(rows, panels, strict=True):
        image = axes.imshow(values, cmap="gray_r", vmin=0, vmax=most, aspect="auto", interpolation="nearest")
        axes.set_title(title, loc="left", fontsize=TEXT)
        axes.set_yticks(range(len(labels)), labels, fontsize=TINY)
        _mark_negative(axes, values, most)
        _label_columns(axes, trace, values.shape[1], is_latent)
        figure.colorbar(image, ax=axes, pad=0.01, fraction=0.03).ax.tick_params(labelsize=TINY)
    _draw_lens(last, trace)
    return figure


_Panel = tuple[str, list[str], Any, bool, float]
"""Title, names of rows, values, whether columns are latents, and the value drawn in black."""


def _effect_panels(trace: "Trace") -> list[_Panel]:
    panels: list[_Panel] = []
    effects = [effect for effect in trace.effects if len(effect.restored)]
    for what, title in (("restored", _RESTORED), ("lost", _LOST)):
        most = max(float(np.nanmax([*getattr(effect, what).tolist(), 0.01])) for effect in effects)
        for is_latent in (False, True):
            shown: list[Effect] = [effect for effect in effects if effect.on_latents == is_latent]
            if shown:
                values = np.stack([getattr(effect, what).numpy() for effect in shown])
                panels.append((f"What a part {title}", [effect.part for effect in shown], values, is_latent, most))
    return panels


def _head_panels(trace: "Trace") -> list[_Panel]:
    panels: list[_Panel] = []
    for heads in trace.heads:
        query = f"latent {heads.query}" if heads.from_latent else "the mask"
        for weights, is_latent in ((heads.characters, False), (heads.latents, True)):
            if weights.size(1):
                title = f"Weights of {heads.part} at {query}, over {'latents' if is_latent else 'characters'}"
                labels = [f"head {head}" for head in range(1, len(weights) + 1)]
                panels.append((title, labels, weights.numpy(), is_latent, 1.0))
    return panels


def _mark_negative(axes: "matplotlib.axes.Axes", values: Any, most: float) -> None:
    rows, columns = np.nonzero(np.nan_to_num(values) < -_NEGATIVE * most)
    axes.plot(columns, rows, linestyle="none", marker="_", color="black", markersize=4)


def _label_columns(axes: "matplotlib.axes.Axes", trace: "Trace", n: int, is_latent: bool) -> None:
    """The text's characters unless they are too many, and lines around the name and before the answer."""
    from matplotlib.ticker import MaxNLocator

    if is_latent:
        axes.set_xlabel("latent", fontsize=SMALL)
        axes.tick_params(axis="x", labelsize=TINY)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        return
    for edge in (trace.comparison.begin, trace.comparison.end, trace.mask, trace.mask + 1):
        axes.axvline(edge - 0.5, color="black", linewidth=0.6, linestyle=":")
    axes.tick_params(axis="x", labelsize=TINY)
    if n <= _MOST_LETTERS:
        axes.set_xticks(range(n), [_letter(character) for character in trace.text], fontsize=TINY, family="monospace")
        axes.tick_params(axis="x", length=0, pad=2)
    axes.set_xlabel("position: question, mask (M), answer; dotted lines enclose the name and the mask", fontsize=SMALL)


def _letter(character: str) -> str:
    if character == MASK:
        return "M"
    return character if character.isascii() and character.isprintable() else "\N{MIDDLE DOT}"


def _draw_lens(axes: "matplotlib.axes.Axes", trace: "Trace") -> None:
    """A bar for each part, with the rank above."""
    bars = axes.bar(range(len(trace.lens)), [100 * reading.probability for reading in trace.lens], 0.6, color="0.7")
    axes.bar_label(bars, [f"rank {reading.rank}" for reading in trace.lens], fontsize=TINY)
    axes.set_ylim(0, 120)
    axes.set_yticks([0, 50, 100])
    axes.tick_params(labelsize=TINY)
    axes.set_xticks(range(len(trace.lens)), [reading.part.replace(" ", "\n") for reading in trace.lens], fontsize=TINY)
    axes.set_ylabel("probability (%)", fontsize=SMALL)
    axes.set_title(
        "The answer's first character read off after each part, at the mask (logit lens)", loc="left", fontsize=TEXT
    )
    open_frame(axes)
