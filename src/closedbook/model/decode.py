"""Greedy decoding, batched, with a key/value cache where the variant has one.

Prompts of similar lengths form a batch. It starts at the end of its shortest prompt and advances character by
character; a row takes its prompt's characters until they are used up, and then generates. So there is no padding, and
all rows are at the same position.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch

from closedbook.model.gpt import GPT
from closedbook.model.kv_cache import KVCache

MOST_ROWS = 256
"""Prompts that are decoded at once, at most."""
# Longest prompt of a batch, in characters beyond the shortest.
_MOST_APART = 16


@dataclass(frozen=True)
class Decoded:
    """Generated token ids, without the stop token.

    `log_probability` is the model's, in nats, of these ids and of any stop token if one came; `ended` says whether one
    did. `first` are the log-probabilities of every id as the first, those that could not come included; None where
    nothing was generated. `last` are those of the stop tokens where one came, in their order.
    """

    ids: tuple[int, ...]
    log_probability: float
    ended: bool
    first: tuple[float, ...] | None = None
    last: tuple[float, ...] | None = None


def greedy(
    model: GPT,
    prompts: Sequence[Sequence[int]],
    *,
    n_new: int,
    stop: int | Sequence[int],
    may_be_empty: bool = True,
    never: Sequence[int] = (),
    use_cache: bool = True,
) -> list[Decoded]:
    """The most probable next character, up to `n_new` times after each prompt, within the model's block.

    A result ends at any of the stop tokens. Where it may not be empty, its first character is the most probable other
    one. No result has an id of `never`. A result depends on no other prompt, except for rounding in matrix products.
    """
    results = dict.fromkeys(range(len(prompts)), Decoded((), 0.0, ended=False))
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        for batch in _batches([len(prompt) for prompt in prompts]):
            rows = [_Row(prompts[index], n_new, model.config.block_size) for index in batch]
            limits = _Limits((stop,) if isinstance(stop, int) else tuple(stop), may_be_empty, tuple(never))
            decoded = _greedy_batch(model, rows, limits, use_cache=use_cache)
            results.update(zip(batch, decoded, strict=True))
    model.train(was_training)
    return [results[index] for index in range(len(prompts))]


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """The indices of the prompts of each batch, the shortest first."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if len(batch) == MOST_ROWS or (batch and lengths[index] > lengths[batch[0]] + _MOST_APART):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


class _Limits(NamedTuple):
    """The ids that end a result, whether they may come first, and the ids that never come."""

    stops: tuple[int, ...]
    may_be_empty: bool
    never: tuple[int, ...]


class _Row:
    """A prompt and the ids generated after it."""

    def __init__(self, prompt: Sequence[int], n_new: int, block_size: int) -> None:
        self.prompt = prompt
        # The model also predicts the character after the last one that it can read.
        self.n_left = min(n_new, block_size - len(prompt) + 1)
        self.generated: list[int] = []
        self.nats = 0.0
        self.ended = False
        self.first: tuple[float, ...] | None = None
        self.last: tuple[float, ...] | None = None

    @property
    def is_done(self) -> bool:
        return self.ended or self.n_left <= 0

    def next(self, position: int, best: int, log_p: float, stops: Mapping[int, float]) -> int:
        """The id at a position: the prompt's own, or the most probable one, which is recorded."""
        if position < len(self.prompt):
            return self.prompt[position]
        if not self.is_done:
            self.nats += log_p
            self.n_left -= 1
            self.ended = best in stops
            if self.ended:
                self.last = tuple(stops.values())
            else:
                self.generated.append(best)
        return best


def _greedy_batch(model: GPT, rows: Sequence[_Row], limits: _Limits, *, use_cache: bool) -> list[Decoded]:
    """All rows advance together; those that are done leave the batch once they are half of it."""
    device = model.tok_emb.weight.device
    active = [row for row in rows if not row.is_done]
    cache = KVCache(len(model.blocks)) if use_cache and model.has_kv_cache else None
    position = min(len(row.prompt) for row in rows)
    idx = torch.tensor([row.prompt[:position] for row in active], dtype=torch.long, device=device)  # B T
    new = idx
    while active:
        hidden = model.hidden(idx if cache is None else new, cache)
        log_probabilities = torch.log_softmax(model.logits(hidden[:, -1]).float(), dim=-1)
        for number, row in enumerate(active):
            if position == len(row.prompt):
                row.first = tuple(log_probabilities[number].tolist())
        log_probabilities[:, list(limits.never)] = -math.inf
        at_stops = log_probabilities[:, list(limits.stops)]
        # A result ends with the probability of all stop tokens together, which the first of them stands for.
        log_probabilities[:, list(limits.stops)] = -math.inf
        log_probabilities[:, limits.stops[0]] = at_stops.logsumexp(dim=-1)
        begins = [position == len(row.prompt) and not limits.may_be_empty for row in active]
        log_probabilities[begins, limits.stops[0]] = -math.inf
        log_p, best = log_probabilities.max(dim=-1)
        ends = [dict(zip(limits.stops, values, strict=True)) for values in at_stops.tolist()]
        predicted = zip(active, best.tolist(), log_p.tolist(), ends, strict=True)
        new = torch.tensor([[row.next(position, *values)] for row, *values in predicted], device=device)
        idx = torch.cat((idx, new), dim=1)
        position += 1
        stays = [not row.is_done for row in active]
        if 2 * sum(stays) <= len(active):
            kept = torch.tensor(stays, device=device)
            idx, new = idx[kept], new[kept]
            if cache is not None:
                cache.keep(kept)
            active = [row for row in active if not row.is_done]
    assert all(math.isfinite(row.nats) for row in rows), "the model's weights are not finite"
    return [Decoded(tuple(row.generated), row.nats, row.ended, row.first, row.last) for row in rows]
