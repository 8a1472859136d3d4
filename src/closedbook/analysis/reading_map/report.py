"""What `closedbook inspect RUN --reading-map TEXT` gives: how a model reads a text, in words, data and figure.

Latents and characters count from 0, blocks and heads from 1.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from closedbook.analysis.reading_map.figure import draw_heads, draw_reading
from closedbook.analysis.reading_map.weights import ReadingMap, last_position_by_head, reading_map
from closedbook.errors import InputError, RunError
from closedbook.evaluation.naming import result_name
from closedbook.figures.pictures import as_png
from closedbook.files.durable import sha256, write_atomically
from closedbook.model.config import ModelConfig
from closedbook.storage.run import Run
from closedbook.text.questions import unknown_characters
from closedbook.text.vocabulary import with_masks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DIGITS = 6
_MOST_NAMED = 3
"""How many of a head's characters are named."""


@dataclass(frozen=True)
class HeadsReading:
    """What each head of each block of vanilla attends to at the last position of a text."""

    text: str
    blocks: list[Tensor]

    def lines(self) -> Iterator[str]:
        """The report, as lines of plain text."""
        yield f"what the last position, {len(self.text) - 1}, attends to:"
        for number, weights in enumerate(self.blocks, start=1):
            for head, row in enumerate(weights, start=1):
                order = row.argsort(descending=True, stable=True)[:_MOST_NAMED].tolist()
                named = ", ".join(f"character {i} {self.text[i]!r} ({float(row[i]):.0%})" for i in order)
                yield f"block {number}, head {head}: {named}"

    def facts(self) -> dict[str, object]:
        """The same as data: attention weights over the characters, by block and head."""
        weights = [[[round(share, _DIGITS) for share in row] for row in block.tolist()] for block in self.blocks]
        return {"text": self.text, "last_position_by_block_and_head": weights}

    def figure(self) -> "Figure":
        """One panel for each block."""
        return draw_heads(self.blocks, self.text)


@dataclass(frozen=True)
class TextReading:
    """How a Perceiver reads a text."""

    config: ModelConfig
    text: str
    map: ReadingMap

    def lines(self) -> Iterator[str]:
        """The report, as lines of plain text."""
        mask, share = self.map.mask, self.map.attention
        last = len(self.text) - 1
        yield self._rule()
        yield f"the last character, {last}, is read by {_span('latent', mask.latents[:, last])}"
        attends = f"the last position attends to {_span('latent', mask.positions[last])}"
        if mask.positions[last].any():
            most, latent = share.positions[last].max(dim=0)
            total = float(share.positions[last].sum())
            attends += f" ({total:.0%} of its attention; most to latent {int(latent)}, {float(most):.0%})"
        if mask.own.size(1):
            begin = last - last % self.config.segment_size
            own = _span("character", mask.own[last], begin)
            attends += f" and {own} of its own segment ({float(share.own[last].sum()):.0%})"
        yield attends

    def facts(self) -> dict[str, object]:
        """The same as data: attention weights, averaged over heads, and None where the mask forbids attention."""
        mask, share = self.map.mask, self.map.attention
        return {
            "text": self.text,
            "latent_mask": self.config.latent_mask,
            "segment": mask.own.size(1) or None,
            "characters_by_latent": _table(mask.latents, share.latents),
            "latents_by_position": _table(mask.positions, share.positions),
            "own_segment_by_position": _table(mask.own, share.own),
        }

    def figure(self) -> "Figure":
        """One panel for latents, one for positions, and one for the positions' own segments."""
        return draw_reading(self.map, self.text)

    def _rule(self) -> str:
        """Which characters a latent reads."""
        config, n_characters = self.config, len(self.text)
        if not config.is_strided:
            n_lost = n_characters - config.bottleneck_dim
            lost = f"; the last {n_lost} of {n_characters} reach no latent" if n_lost > 0 else ""
            return f"latent j of {config.bottleneck_dim} reads characters 0 to j{lost}"
        segment_size = config.segment_size
        what = f"all characters up to the end of segment j, of {segment_size} each"
        return f"latent j of {config.bottleneck_dim} reads {what}; {n_characters // segment_size} are completed"


def read_text(run: Run, text: str) -> HeadsReading | TextReading:
    """How a run's model reads a text; raises InputError for a text that the model cannot read."""
    config = run.recipe.model
    if not text:
        raise InputError("--reading-map: one character at least is needed; received none")
    masked = with_masks(text, run.info.vocabulary)
    unknown = unknown_characters(masked, run.info.vocabulary)
    if unknown is not None:
        raise InputError(f"{text!r}: {unknown}")
    if len(text) > config.block_size:
        raise InputError(
            f"{text!r}: the text has {len(text)} characters and the model reads {config.block_size}; shorten, or train "
            "with a larger model.block-size"
        )
    model, ids = run.model(), run.info.vocabulary.encode(masked)
    if config.variant == "vanilla":
        return HeadsReading(text, last_position_by_head(model, ids))
    return TextReading(config, text, reading_map(model, ids))


def save_reading(reading: HeadsReading | TextReading, folder: Path) -> tuple[Path, Path]:
    """Write reading-map-DIGITS.json and .png, each atomically; raises RunError.

    The digits are of the text's SHA-256 (see `result_name`).
    """
    digest = sha256(reading.text.encode())
    name = result_name(folder, "reading-map", digest)
    data, picture = folder / f"{name}.json", folder / f"{name}.png"
    facts, image = {"sha256": digest, **reading.facts()}, as_png(reading.figure())
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: cannot be made: {error.strerror}; choose another --out") from None
    write_atomically(picture, image)
    write_atomically(data, json.dumps(facts, ensure_ascii=False).encode() + b"\n")
    return data, picture


def _table(mask: Tensor, attention: Tensor) -> list[list[float | None]]:
    return [
        [round(share, _DIGITS) if allowed else None for allowed, share in zip(*row, strict=True)]
        for row in zip(mask.tolist(), attention.tolist(), strict=True)
    ]


def _span(name: str, chosen: Tensor, first: int = 0) -> str:
    """As in "latents 0 to 5"; the chosen ones are consecutive and counted from `first`."""
    indices = [first + index for index in chosen.nonzero().flatten().tolist()]
    if not indices:
        return f"no {name}"
    return f"{name} {indices[0]}" if len(indices) == 1 else f"{name}s {indices[0]} to {indices[-1]}"
