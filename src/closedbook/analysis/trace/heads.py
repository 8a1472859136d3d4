"""What every head attends to at the position that writes the answer's first character.

A Perceiver's position attends to latents. For the blocks below, whose queries are latents, the weights are those of the
latent to which the position attends most.

Letters: H heads, T time, M latents.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from closedbook.analysis.attention import head_weights
from closedbook.analysis.trace.hooks import Call, on_latents, parts
from closedbook.model.attention import Attention
from closedbook.model.gpt import GPT
from closedbook.model.strided import UpAttention


@dataclass(frozen=True)
class HeadWeights:
    """The attention weights of one query in an attention layer, by head; a head's weights add up to 1."""

    part: str
    query: int
    """A position, or a latent where `from_latent`."""
    from_latent: bool
    characters: Float[Tensor, "H T"]
    """Over the characters; T is 0 where the keys are latents alone."""
    latents: Float[Tensor, "H M"]
    """Over the latents; M is 0 where there are none among the keys."""


def weights_of_heads(model: GPT, calls: dict[str, Call], position: int) -> list[HeadWeights]:
    """The weights of each attention layer, in order, from the recorded calls of one text."""
    found: dict[str, HeadWeights] = {}
    layers = {part: module for part, module in parts(model).items() if isinstance(module, Attention)}
    # The projection up first: it says which latent the position attends to.
    for part in sorted(layers, key=lambda part: on_latents(model, part)):
        query = position
        if on_latents(model, part):
            latents = found["attention up"].latents.mean(dim=0)
            if not latents.any():
                continue
            query = int(latents.argmax())
        found[part] = _weights(model, part, layers[part], calls, query)
    return [found[part] for part in layers if part in found]


def _weights(model: GPT, part: str, layer: nn.Module, calls: dict[str, Call], query: int) -> HeadWeights:
    assert isinstance(layer, Attention)
    from_latent = on_latents(model, part)
    n_positions = calls["characters"].output.size(1)
    weights = head_weights(layer, calls[part].inputs)[:, query]
    none = weights[:, :0]
    if isinstance(layer, UpAttention):
        own, latents = weights[:, : layer.segment_size], weights[:, layer.segment_size :]
        begin = query - query % layer.segment_size
        characters = functional.pad(own, (begin, max(0, n_positions - begin - layer.segment_size)))[:, :n_positions]
        return HeadWeights(part, query, from_latent, characters, latents)
    if part == "attention up" or (from_latent and part != "attention down"):
        return HeadWeights(part, query, from_latent, none, weights)
    padding = torch.zeros(len(weights), n_positions - weights.size(1), dtype=weights.dtype)
    return HeadWeights(part, query, from_latent, torch.cat((weights, padding), dim=1), none)
