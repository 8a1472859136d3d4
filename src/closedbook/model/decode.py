"""Greedy decoding, batched, with a key/value cache where the variant has one.

Prompts of like lengths make a batch and are read in step, character by character behind the shortest's last; a row
begins to write where its own prompt ends. So no row is padded, none attends to padding, and all stand at one place.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from closedbook.model.gpt import GPT
from closedbook.model.kv_cache import Past

_MOST_ROWS = 256
_MOST_APART = 16


@dataclass(frozen=True)
class Decoded:
    """What follows a prompt: numbers, the stop number left off.

    `log_probability` is the model's own, in nats, of these numbers and of ending behind them; `ended` is
    false where the stop number did not come in time.
    """

    numbers: tuple[int, ...]
    log_probability: float
    ended: bool


def greedy(
    model: GPT, prompts: Sequence[Sequence[int]], *, n_new: int, stop: int, use_cache: bool = True
) -> list[Decoded]:
    """The likeliest character, one by one, after each prompt, up to `n_new` of them or the model's block.

    The result depends on no other prompt of the call, but for float rounding in matrix products.
    """
    results = dict.fromkeys(range(len(prompts)), Decoded((), 0.0, ended=False))
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        for part in _batches([len(prompt) for prompt in prompts]):
            decoded = _greedy_batch(model, [prompts[n] for n in part], n_new, stop, use_cache)
            results.update(zip(part, decoded, strict=True))
    model.train(was_training)
    return [results[number] for number in range(len(prompts))]


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Which prompts make a batch: of like lengths, in the order of length."""
    part: list[int] = []
    for number in sorted(range(len(lengths)), key=lengths.__getitem__):
        if len(part) == _MOST_ROWS or (part and lengths[number] > lengths[part[0]] + _MOST_APART):
            yield part
            part = []
        part.append(number)
    if part:
        yield part


class _Row:
    """A prompt and what was written behind it."""

    def __init__(self, prompt: Sequence[int], n_new: int, block_size: int) -> None:
        self.prompt = prompt
        # The character behind the last one that the model can read may still be said.
        self.n_left = min(n_new, block_size - len(prompt) + 1)
        self.written: list[int] = []
        self.nats = 0.0
        self.ended = False

    @property
    def is_done(self) -> bool:
        return self.ended or self.n_left <= 0

    def next(self, place: int, best: int, log_p: float, stop: int) -> int:
        """The number at a place: the prompt's own, or the likeliest, which is written down."""
        if place < len(self.prompt):
            return self.prompt[place]
        if not self.is_done:
            self.nats += log_p
            self.n_left -= 1
            self.ended = best == stop
            if not self.ended:
                self.written.append(best)
        return best


def _greedy_batch(
    model: GPT, prompts: Sequence[Sequence[int]], n_new: int, stop: int, use_cache: bool
) -> list[Decoded]:
    """All rows are read in step; once half of them are done, these leave the batch."""
    device = model.tok_emb.weight.device
    rows = [_Row(prompt, n_new, model.config.block_size) for prompt in prompts]
    going = [row for row in rows if not row.is_done]
    past = Past(len(model.blocks)) if use_cache and model.can_go_on else None
    place = min(len(prompt) for prompt in prompts)
    idx = torch.tensor([row.prompt[:place] for row in going], dtype=torch.long, device=device)  # B T
    new = idx
    while going:
        hidden = model.hidden(idx if past is None else new, past)
        log_p, best = torch.log_softmax(model.logits(hidden[:, -1]).float(), dim=-1).max(dim=-1)
        said = zip(going, best.tolist(), log_p.tolist(), strict=True)
        new = torch.tensor([[row.next(place, number, value, stop)] for row, number, value in said], device=device)
        idx = torch.cat((idx, new), dim=1)
        place += 1
        stays = [not row.is_done for row in going]
        if 2 * sum(stays) <= len(going):
            kept = torch.tensor(stays, device=device)
            idx, new = idx[kept], new[kept]
            if past is not None:
                past.keep(kept)
            going = [row for row in going if not row.is_done]
    assert all(math.isfinite(row.nats) for row in rows), "the model's weights are not finite"
    return [Decoded(tuple(row.written), row.nats, row.ended) for row in rows]
