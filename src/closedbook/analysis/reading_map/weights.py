"""The reading map: which characters each latent reads in a text, and which latents each place consults.

Letters: M latents, T time, S a stretch's length, H heads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor
from torch.nn import functional

from closedbook.model.attention import Attention, CausalCrossAttention, attention_weights, lower_triangle
from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT
from closedbook.model.strided import DownAttention, UpAttention, consult_weights, latents_read, places_consult


@dataclass(frozen=True)
class Reading:
    """Who reads what in a text; under coverage strided of the latents whose stretches have ended."""

    latents: Shaped[Tensor, "M T"]
    """Which characters each latent reads."""
    places: Shaped[Tensor, "T M"]
    """Which latents each place consults."""
    own: Shaped[Tensor, "T S"]
    """Which characters of its own stretch each place reads; none under coverage course."""


@dataclass(frozen=True)
class ReadingMap:
    """How a Perceiver reads a text.

    Of `attention`, the mean over the heads, each latent gives 1 in all, and each place 1 to latents and stretch.
    """

    may_read: Reading
    attention: Reading


def reading_map(model: GPT, numbers: Sequence[int]) -> ReadingMap:
    """What the model's first and last block do with one text, in evaluation; vanilla has no latents to map."""
    assert model.config.variant == "perceiver", "only a Perceiver has latents"
    down, up = model.down_block.attn, model.up_block.attn
    asked: dict[Attention, tuple[Any, ...]] = {}
    hooks = [attention.register_forward_pre_hook(asked.__setitem__) for attention in (down, up)]
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            model.hidden(torch.tensor([numbers], device=model.tok_emb.weight.device))
            may_read = masks(model.config, len(numbers))
            latents = _by_latents(down, asked[down], may_read.latents)
            own, places = _by_places(up, asked[up], may_read.own)
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    return ReadingMap(may_read, Reading(latents, places, own))


def masks(config: ModelConfig, n_places: int) -> Reading:
    """What may be read of a text so long."""
    if not config.is_strided:
        n_latents, nothing = config.bottleneck_dim, torch.zeros(n_places, 0, dtype=torch.bool)
        return Reading(lower_triangle(n_latents, n_places), lower_triangle(n_places, n_latents), nothing)
    stretch = config.stretch_length
    n_latents = n_places // stretch
    return Reading(
        latents_read(range(n_latents), n_places, stretch),
        places_consult(range(n_places), n_latents, stretch),
        torch.arange(stretch) <= torch.arange(n_places)[:, None] % stretch,
    )


def reached(config: ModelConfig, n_places: int) -> Bool[Tensor, "T T"]:
    """Which characters, by column, can change what a Perceiver's blocks together compute at each place, by row.

    A word memory besides lets a place know the beginning of its word.
    """
    may_read = masks(config, n_places)
    n_latents = len(may_read.latents)
    # One middle block is as good as many: what two triangles pass on, one does.
    middle = lower_triangle(n_latents, n_latents) if config.n_layer > 2 else torch.eye(n_latents, dtype=torch.bool)
    through = may_read.places.float() @ middle.float() @ may_read.latents.float() > 0
    # What stands at a place is added to what it reads, so that under coverage course it reaches itself.
    stretch = torch.arange(n_places) // (config.stretch_length if config.is_strided else 1)
    return through | (lower_triangle(n_places, n_places) & (stretch == stretch[:, None]))


def _by_latents(attention: Attention, asked: tuple[Any, ...], may_read: Bool[Tensor, "M T"]) -> Float[Tensor, "M T"]:
    """Each latent's attention, the mean over the heads."""
    assert isinstance(attention, CausalCrossAttention | DownAttention)
    q, k, _, visible = attention.asked(*asked)
    weights = _mean(attention_weights(q, k, visible))
    if visible is not None:
        return functional.pad(weights, (0, may_read.size(1) - weights.size(1)))
    # Each latent's own stretch, one after the other.
    return torch.zeros(may_read.shape, dtype=weights.dtype).masked_scatter(may_read, weights)


def _by_places(
    attention: Attention, asked: tuple[Any, ...], own: Bool[Tensor, "T S"]
) -> tuple[Float[Tensor, "T S"], Float[Tensor, "T M"]]:
    """Each place's attention to the characters of its stretch and to the latents, the mean over the heads."""
    if isinstance(attention, UpAttention):
        q, k, _, y_k, _, first, n_hidden = attention.asked(*asked)
        weights = _mean(consult_weights(q, k, y_k, first, n_hidden, attention.stretch))[: len(own)]
    else:
        assert isinstance(attention, CausalCrossAttention)
        q, k, _, visible = attention.asked(*asked)
        weights = _mean(attention_weights(q, k, visible))
    return weights[:, : own.size(1)], weights[:, own.size(1) :]


def _mean(weights: Float[Tensor, "1 H ..."]) -> Float[Tensor, "..."]:
    """Over the heads, of the only row."""
    return weights[0].mean(dim=0).cpu()
