"""Greedy decoding, batched, with a key/value cache where the variant has one.

Prompts of similar lengths form a batch. After the shortest prompt's end the batch advances character by character; a
row takes its own prompt's characters as long as it has any, and then generates. So there is no padding to attend to,
and all rows are at the same position.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from closedbook.model.gpt import GPT
from closedbook.model.kv_cache import KVCache

_MOST_ROWS = 256
_MOST_APART = 16


@dataclass(frozen=True)
class Decoded:
    """Generated token ids, without the stop token.

    `log_probability` is the model's own, in nats, of these ids and of the stop token after them; `ended` is
    False where the stop token did not come in time.
    """

    ids: tuple[int, ...]
    log_probability: float
    ended: bool


def greedy(
    model: GPT, prompts: Sequence[Sequence[int]], *, n_new: int, stop: int, use_cache: bool = True
) -> list[Decoded]:
    """Greedy decoding: up to `n_new` most probable characters after each prompt, within the model's block.

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
    """Which prompts form a batch: of similar lengths, in the order of length."""
    part: list[int] = []
    for number in sorted(range(len(lengths)), key=lengths.__getitem__):
        if len(part) == _MOST_ROWS or (part and lengths[number] > lengths[part[0]] + _MOST_APART):
            yield part
            part = []
        part.append(number)
    if part:
        yield part


class _Row:
    """A prompt and the ids generated after it."""

    def __init__(self, prompt: Sequence[int], n_new: int, block_size: int) -> None:
        self.prompt = prompt
        # One more than fits: the character after the last one that the model can read is still predicted.
        self.n_left = min(n_new, block_size - len(prompt) + 1)
        self.generated: list[int] = []
        self.nats = 0.0
        self.ended = False

    @property
    def is_done(self) -> bool:
        return self.ended or self.n_left <= 0

    def next(self, position: int, best: int, log_p: float, stop: int) -> int:
        """The id at a position: the prompt's own, or the most probable one, which is recorded."""
        if position < len(self.prompt):
            return self.prompt[position]
        if not self.is_done:
            self.nats += log_p
            self.n_left -= 1
            self.ended = best == stop
            if not self.ended:
                self.generated.append(best)
        return best


def _greedy_batch(
    model: GPT, prompts: Sequence[Sequence[int]], n_new: int, stop: int, use_cache: bool
) -> list[Decoded]:
    """All rows advance together; once half of them are done, these leave the batch."""
    device = model.tok_emb.weight.device
    rows = [_Row(prompt, n_new, model.config.block_size) for prompt in prompts]
    going = [row for row in rows if not row.is_done]
    cache = KVCache(len(model.blocks)) if use_cache and model.has_kv_cache else None
    position = min(len(prompt) for prompt in prompts)
    idx = torch.tensor([row.prompt[:position] for row in going], dtype=torch.long, device=device)  # B T
    new = idx
    while going:
        hidden = model.hidden(idx if cache is None else new, cache)
        log_p, best = torch.log_softmax(model.logits(hidden[:, -1]).float(), dim=-1).max(dim=-1)
        predicted = zip(going, best.tolist(), log_p.tolist(), strict=True)
        new = torch.tensor([[row.next(position, token, value, stop)] for row, token, value in predicted], device=device)
        idx = torch.cat((idx, new), dim=1)
        position += 1
        stays = [not row.is_done for row in going]
        if 2 * sum(stays) <= len(going):
            kept = torch.tensor(stays, device=device)
            idx, new = idx[kept], new[kept]
            if cache is not None:
                cache.keep(kept)
            going = [row for row in going if not row.is_done]
    assert all(math.isfinite(row.nats) for row in rows), "the model's weights are not finite"
    return [Decoded(tuple(row.generated), row.nats, row.ended) for row in rows]
