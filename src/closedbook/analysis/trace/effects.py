"""Causal tracing: what the output of one part at one position does to the log-probability of an answer.

Two questions differ in a name alone, and the answer to the first is traced.

- `restored`: the model reads the second question, one part's output at one position is replaced by the one from the
  first. What the answer gains by that, in nats.
- `lost`: the model reads the first question, and one output is replaced by the one from the second. What the answer
  loses by that, in nats.

The first is the causal tracing of Meng et al. 2022 (ROME, arXiv 2202.05262, section 2.1), with another name in place of
noise on the name, and a part's output in place of the state. It finds each part that is enough by itself. `lost` finds
only those without which the answer is gone: where two tables know the same name, it finds neither. So reports put
`restored` first.

Letters: B batch, T time, S positions of a part (characters or latents), C channels, N number of texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from closedbook.analysis.trace.hooks import Call, changed, on_latents, parts, recorded
from closedbook.model.gpt import GPT

Pair = tuple[int, int]
"""A position in the text that an output is taken from, and the one in the text that it is put into."""

_MOST_ROWS = 64


@dataclass(frozen=True)
class Effect:
    """What a part does to the answer's log-probability, in nats, at each of its positions in the traced question.

    NaN stands where the other question has no position that corresponds.
    """

    part: str
    on_latents: bool
    """Whether positions are latents; else they are characters."""
    lost: Float[Tensor, " S"]
    """What the answer loses by the other name's output."""
    restored: Float[Tensor, " S"]
    """What it gains in the other question by this name's output."""
    lost_in_all: float
    """As `lost`, with the outputs at all positions replaced together."""
    restored_in_all: float
    """As `restored`, at all positions together."""


@dataclass(frozen=True)
class Reading:
    """A model that reads one question and an answer: token ids, the answer's log-probability, each part's last call."""

    ids: Int64[Tensor, "1 T"]
    log_probability: float
    calls: dict[str, Call]


def read(model: GPT, prompt: Sequence[int], answer: Sequence[int]) -> Reading:
    """Read a prompt followed by all ids of an answer but the last, which is predicted alone."""
    ids = torch.tensor([[*prompt, *answer[:-1]]], device=model.tok_emb.weight.device)
    with recorded(parts(model)) as calls:
        log_probability = answer_log_probabilities(model, ids, answer).item()
    return Reading(ids, log_probability, calls)


def answer_log_probabilities(model: GPT, idx: Int64[Tensor, "B T"], answer: Sequence[int]) -> Float[Tensor, " B"]:
    """The log-probability of an answer, in nats, after each text; each ends with the answer but for its last id."""
    n = len(answer)
    log_p = torch.log_softmax(model.logits(model.hidden(idx)[:, -n:]), dim=-1)
    targets = torch.tensor(answer, device=idx.device).expand(len(idx), n)
    return log_p.gather(2, targets[..., None])[..., 0].sum(1)


def trace_part(
    model: GPT, part: str, clean: Reading, other: Reading, answer: Sequence[int], pairs: Sequence[Pair]
) -> Effect:
    """The effect of one part; `pairs` are positions of `clean` and `other` that correspond, in characters.

    Latents correspond by number, as far as both questions have them.
    """
    is_latent = on_latents(model, part)
    here, there = clean.calls[part].output[0], other.calls[part].output[0]  # S C
    if is_latent:
        pairs = [(j, j) for j in range(min(len(here), len(there)))]
    back = [(q, p) for p, q in pairs]
    lost = patched(model, part, clean, there, [back, *_single(back, there, here)], answer)
    restored = patched(model, part, other, here, [list(pairs), *_single(pairs, here, there)], answer)
    return Effect(
        part,
        is_latent,
        _by_position(lost[1:], [p for p, _ in pairs], len(here)).neg(),
        _by_position(restored[1:], [p for p, _ in pairs], len(here)),
        -float(lost[0]),
        float(restored[0]),
    )


def patched(
    model: GPT,
    part: str,
    text: Reading,
    source: Float[Tensor, "S C"],
    moves: Sequence[Sequence[Pair]],
    answer: Sequence[int],
) -> Float[Tensor, " N"]:
    """What each of `moves` adds to the answer's log-probability after `text`, in nats.

    A move puts rows of `source` in place of the part's output at some positions; a move without pairs adds exactly 0.
    """
    moved = [move for move in moves if move]
    changes = [
        _changes(model, part, text, source, moved[begin : begin + _MOST_ROWS], answer)
        for begin in range(0, len(moved), _MOST_ROWS)
    ]
    result = torch.zeros(len(moves), dtype=source.dtype)
    result[[bool(move) for move in moves]] = torch.cat([result[:0], *changes])
    return result


def _changes(
    model: GPT,
    part: str,
    text: Reading,
    source: Float[Tensor, "S C"],
    moves: Sequence[Sequence[Pair]],
    answer: Sequence[int],
) -> Float[Tensor, " N"]:
    n_positions = text.calls[part].output.size(1)
    # The first row is left as it is: a row of the same batch is rounded alike, and the others are compared with it.
    rows = [[], *moves]
    values = source.new_zeros(len(rows), n_positions, source.size(1))
    is_replaced = torch.zeros(len(rows), n_positions, 1, dtype=torch.bool, device=source.device)
    for row, move in enumerate(rows):
        for p, q in move:
            values[row, q], is_replaced[row, q] = source[p], True
    with changed(parts(model)[part], lambda output: torch.where(is_replaced, values, output)):
        log_p = answer_log_probabilities(model, text.ids.expand(len(rows), -1), answer)
    return (log_p[1:] - log_p[0]).cpu()


def _single(pairs: Sequence[Pair], source: Tensor, target: Tensor) -> list[list[Pair]]:
    """One move for each pair, without the pair where nothing would change."""
    return [[] if torch.equal(source[p], target[q]) else [(p, q)] for p, q in pairs]


def _by_position(values: Float[Tensor, " N"], positions: Sequence[int], n: int) -> Float[Tensor, " S"]:
    """Values at their positions among n, and NaN elsewhere."""
    result = values.new_full((n,), torch.nan)
    result[list(positions)] = values
    return result
