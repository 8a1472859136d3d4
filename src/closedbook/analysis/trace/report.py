"""What a trace says: in words for a terminal of 80 columns, and as data. Positions and latents count from 0."""

import json
import math
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from closedbook.analysis.trace.effects import Effect
from closedbook.analysis.trace.figure import draw_trace
from closedbook.analysis.trace.heads import HeadWeights
from closedbook.analysis.trace.names import Comparison
from closedbook.errors import RunError
from closedbook.evaluation.naming import result_name
from closedbook.figures.pictures import as_png, as_svg_file
from closedbook.files.durable import sha256, write_atomically
from closedbook.text.vocabulary import MASK, with_signs

_WIDTH = 80
_DIGITS = 6
_N_STRONGEST = 8
_N_KEYS = 3
_MOST_WORD = 24
_WORD = re.compile(rf"[^\s{MASK}]+")
"""A word of a traced text, in which the mask is no letter."""
_KNOWN = {" ": "blank", MASK: "mask"}


@dataclass(frozen=True)
class LensReading:
    """The answer's first character, read off after a part: its rank among all characters, and its probability."""

    part: str
    rank: int
    probability: float


@dataclass(frozen=True)
class Unplugged:
    """The model without some tables: its answer with that answer's probability, and what is left of the traced one.

    `log_probability` is that of the traced answer, in nats.
    """

    tables: tuple[str, ...]
    answer: str
    probability: float
    ended: bool
    log_probability: float


@dataclass(frozen=True)
class Trace:
    """Where an answer comes from, compared with the same question about another name.

    `text` is what the model reads, a character for each position: the question, the mask and the answer (without the
    last character, if the answer was cut off). Log-probabilities are of the whole traced answer with the mask that ends
    it, in nats. `heads` are the attention weights at the mask, `lens` is the logit lens there.
    """

    comparison: Comparison
    answer: str
    ended: bool
    other_answer: str
    log_probability: float
    other_log_probability: float
    text: str
    effects: tuple[Effect, ...]
    heads: tuple[HeadWeights, ...]
    lens: tuple[LensReading, ...]
    n_characters: int
    unplugged: tuple[Unplugged, ...]

    @property
    def mask(self) -> int:
        """The position of the mask after the question, which writes the answer's first character."""
        return len(self.comparison.question)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        """The report, as lines of plain text."""
        yield from self._answers()
        yield from self._strongest()
        yield from self._parts()
        yield from self._attention()
        yield from self._lens()
        yield from self._tables()

    def facts(self) -> dict[str, object]:
        """The same as data; None where no position corresponds."""
        names = self.comparison
        return {
            "question": names.question,
            "other_question": names.other,
            "name": names.name,
            "other_name": names.other_name,
            "answer": self.answer,
            "ended": self.ended,
            "other_answer": self.other_answer,
            "log_probability": self.log_probability,
            "other_log_probability": self.other_log_probability,
            "text": with_signs(self.text),
            "mask": self.mask,
            "effects": [
                {
                    "part": effect.part,
                    "positions": "latents" if effect.on_latents else "characters",
                    "restored": _row(effect.restored),
                    "lost": _row(effect.lost),
                    "restored_in_all": effect.restored_in_all,
                    "lost_in_all": effect.lost_in_all,
                }
                for effect in self.effects
            ],
            "attention": [
                {
                    "part": heads.part,
                    "from": f"{'latent' if heads.from_latent else 'position'} {heads.query}",
                    "characters_by_head": [_row(row) for row in heads.characters],
                    "latents_by_head": [_row(row) for row in heads.latents],
                }
                for heads in self.heads
            ],
            "lens": [vars(reading) for reading in self.lens],
            "unplugged": [vars(each) for each in self.unplugged],
        }

    def _answers(self) -> Iterator[str]:
        names = self.comparison
        sure, other_sure = (math.exp(nats) for nats in (self.log_probability, self.other_log_probability))
        cut = "" if self.ended else ", cut off"
        yield from _wrapped(f"{names.question} {self.answer} ({_share(sure)}{cut})")
        yield from _wrapped(
            f"{names.other} {self.other_answer}; {self.answer} has {_share(other_sure)} there, so the name decides "
            f"{self.log_probability - self.other_log_probability:.2f} nats of log-probability"
        )
        yield ""

    def _strongest(self) -> Iterator[str]:
        """The part and position with the greatest effects, those on latents included."""
        names = self.comparison
        yield from _wrapped(
            "Nats that one part's output at one position gives back, put into the question about "
            f"{names.other_name}; and nats that the other name's output in its place takes away, in the question about "
            f"{names.name}. A part that gives back much and takes away little is not the only one that knows:"
        )
        yield "   gives back  takes away  part               position"
        cells = [
            (float(restored), float(lost), effect, position)
            for effect in self.effects
            for position, (restored, lost) in enumerate(zip(effect.restored, effect.lost, strict=True))
            if not restored.isnan()
        ]
        cells.sort(key=lambda cell: -max(abs(cell[0]), abs(cell[1])))
        for restored, lost, effect, position in cells[:_N_STRONGEST]:
            where = f"latent {position}" if effect.on_latents else self._where(position)
            yield f"   {_nats(restored)}  {_nats(lost)}  {effect.part:<17}  {where}"
        yield ""

    def _parts(self) -> Iterator[str]:
        yield "At all positions together:"
        yield "   gives back  takes away  part"
        for effect in self.effects:
            yield f"   {_nats(effect.restored_in_all)}  {_nats(effect.lost_in_all)}  {effect.part}"
        yield ""

    def _attention(self) -> Iterator[str]:
        yield f"What each head attends to most, at the mask (position {self.mask}):"
        for heads in self.heads:
            via = f", from latent {heads.query}, which the mask reads" if heads.from_latent else ""
            yield f"   {heads.part}{via}"
            for head, (characters, latents) in enumerate(zip(heads.characters, heads.latents, strict=True), 1):
                keys = [(float(share), self._short(position)) for position, share in enumerate(characters)]
                keys += [(float(share), f"latent {latent}") for latent, share in enumerate(latents)]
                most = sorted(keys, key=lambda key: -key[0])[:_N_KEYS]
                yield f"     head {head:<2} " + ", ".join(f"{share:>4.0%} {where}" for share, where in most)
        yield ""

    def _lens(self) -> Iterator[str]:
        first = self.answer[:1]
        yield f"'{first}' read off after each part at the mask (logit lens):"
        for reading in self.lens:
            rank = f"rank {reading.rank} of {self.n_characters}"
            yield f"   {reading.part:<18}{rank:<18}{_share(reading.probability):>8}"

    def _tables(self) -> Iterator[str]:
        if not self.unplugged:
            return
        yield ""
        yield f"Without tables (all rows zero), and what {self.answer} keeps:"
        for each in self.unplugged:
            kept = _share(math.exp(each.log_probability))
            answer = f"{each.answer} ({_share(each.probability)})"
            yield f"   without {' and '.join(each.tables):<28}{answer:<28}{kept:>8}"

    def _where(self, position: int) -> str:
        """A position in words, as in "22, blank after 'Lumbesh'"."""
        if position == self.mask:
            return f"{position}, mask"
        character = self.text[position]
        if position > self.mask:
            return f"{position}, {character!r} of the answer"
        word, before = self._word(position)
        if before:
            return f"{position}, {_KNOWN.get(character, repr(character))} after {_short(word)!r}"
        return f"{position}, {character!r} of {_short(word)!r}"

    def _short(self, position: int) -> str:
        """A position in few words, as in "'s' (20)"."""
        character = self.text[position]
        return f"{_KNOWN.get(character, repr(character))} ({position})"

    def _word(self, position: int) -> tuple[str, bool]:
        """The word that a position is in, or else the last one before it, and whether it is before."""
        word = ""
        for match in _WORD.finditer(self.text):
            if match.start() > position:
                break
            word = match[0]
            if position < match.end():
                return word, False
        return word, True


def save_trace(trace: Trace, folder: Path) -> tuple[Path, ...]:
    """Write trace-DIGITS.json, .png and .svg, each atomically; raises RunError.

    The digits are of the SHA-256 of question and other name (see `result_name`).
    """
    digest = sha256(f"{trace.comparison.question}\n{trace.comparison.other}".encode())
    name = result_name(folder, "trace", digest)
    figure = draw_trace(trace)
    files = {
        ".json": json.dumps({"sha256": digest, **trace.facts()}, ensure_ascii=False).encode() + b"\n",
        ".png": as_png(figure),
        ".svg": as_svg_file(figure, transparent=False),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: cannot be made: {error.strerror}; choose another --out") from None
    paths = {suffix: folder / f"{name}{suffix}" for suffix in files}
    # The data last: where a write fails, they still belong to the earlier figures.
    for suffix in (".png", ".svg", ".json"):
        write_atomically(paths[suffix], files[suffix])
    return tuple(paths.values())


def _row(values: Tensor) -> list[float | None]:
    return [None if math.isnan(value) else round(value, _DIGITS) for value in values.tolist()]


def _nats(value: float) -> str:
    """As wide as the columns' headings; no minus sign before zero."""
    return f"{round(value, 2) + 0.0:>10.2f}"


def _share(value: float) -> str:
    """A probability in percent."""
    return f"{value:.1%}" if value >= 0.001 else f"{value:.2%}" if value >= 0.0001 else "under 0.01%"


def _short(word: str) -> str:
    return word if len(word) <= _MOST_WORD else word[: _MOST_WORD - 1] + "…"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH) or [""]
