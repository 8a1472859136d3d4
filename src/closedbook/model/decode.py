"""Greedy decoding, batched, with a key/value cache where the variant has one.

Prompts of one length make a batch, so no row is padded and none attends to padding.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from closedbook.model.gpt import GPT
from closedbook.model.past import Past

_MOST_ROWS = 256


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
    by_length: dict[int, list[int]] = defaultdict(list)
    for number, prompt in enumerate(prompts):
        by_length[len(prompt)].append(number)
    results: dict[int, Decoded] = {}
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        for numbers in by_length.values():
            for i in range(0, len(numbers), _MOST_ROWS):
                part = numbers[i : i + _MOST_ROWS]
                decoded = _greedy_batch(model, [prompts[n] for n in part], n_new, stop, use_cache)
                results.update(zip(part, decoded, strict=True))
    model.train(was_training)
    return [results[number] for number in range(len(prompts))]


def _greedy_batch(
    model: GPT, prompts: Sequence[Sequence[int]], n_new: int, stop: int, use_cache: bool
) -> list[Decoded]:
    """Rows of one length; a row that has ended leaves the batch."""
    device = model.tok_emb.weight.device
    idx = torch.tensor(prompts, dtype=torch.long, device=device)  # B T
    past = Past(len(model.blocks)) if use_cache and model.can_go_on else None
    rows = list(range(len(prompts)))
    written: list[list[int]] = [[] for _ in prompts]
    nats = [0.0] * len(prompts)
    ended = [False] * len(prompts)
    new = idx
    for _ in range(min(n_new, model.config.block_size - idx.size(1) + 1)):
        hidden = model.hidden(idx if past is None else new, past)
        log_p, best = torch.log_softmax(model.logits(hidden[:, -1]).float(), dim=-1).max(dim=-1)
        for row, number, value in zip(rows, best.tolist(), log_p.tolist(), strict=True):
            nats[row] += value
            ended[row] = number == stop
            if not ended[row]:
                written[row].append(number)
        going = best != stop
        rows = [row for row in rows if not ended[row]]
        if not rows:
            break
        new = best[going, None]
        idx = torch.cat((idx[going], new), dim=1)
        if past is not None:
            past.keep(going)
    assert all(math.isfinite(value) for value in nats), "the model's weights are not finite"
    return [Decoded(tuple(w), n, e) for w, n, e in zip(written, nats, ended, strict=True)]
