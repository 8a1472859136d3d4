"""Sampling: continue a text character by character, each drawn from the model's distribution.

Letters: V vocabulary.
"""

from collections.abc import Collection, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from closedbook.model.gpt import GPT
from closedbook.model.kv_cache import KVCache


def sample(
    model: GPT,
    prompt: Sequence[int],
    *,
    n_new: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    stop: Collection[int] = (),
    never: Collection[int] = (),
    generator: torch.Generator,
    use_cache: bool = True,
) -> list[int]:
    """Up to `n_new` ids after a prompt of at least one; temperature 0 is greedy, and `top_k` keeps the k likeliest ids.

    The last id is one of `stop` if that ended the text; a stop id ends it only after another generated id. No id is one
    of `never`. The model reads the last block_size characters at most, as in minGPT's `generate`.
    """
    block_size = model.config.block_size
    cache = KVCache(len(model.blocks)) if use_cache and model.has_kv_cache else None
    text = list(prompt)
    unread = text[-block_size:]
    device = model.tok_emb.weight.device
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        for _ in range(n_new):
            if cache is not None and len(cache) + len(unread) > block_size:
                cache = None  # Each further character moves the window, and with it every position.
            read = text[-block_size:] if cache is None else unread
            hidden = model.hidden(torch.tensor([read], device=device), cache)
            logits = model.logits(hidden[0, -1])
            logits[list(never)] = -torch.inf
            drawn = draw(logits, temperature, top_k, generator)
            text.append(drawn)
            unread = [drawn]
            if drawn in stop and any(earlier not in stop for earlier in text[len(prompt) :]):
                break
    model.train(was_training)
    return text[len(prompt) :]


def draw(logits: Float[Tensor, " V"], temperature: float, top_k: int | None, generator: torch.Generator) -> int:
    """An id drawn with probability softmax(logits / temperature) among the `top_k` likeliest."""
    if temperature == 0 or top_k == 1:
        return int(logits.argmax())
    values, ids = logits.cpu().double().topk(min(top_k or len(logits), len(logits)))
    # From the largest logit, so that no temperature overflows.
    p = ((values - values[0]) / temperature).softmax(dim=-1)
    return int(ids[torch.multinomial(p, 1, generator=generator)])
