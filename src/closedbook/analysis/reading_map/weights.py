"""The reading map: who attends to what in a text.

In a Perceiver, which characters each latent reads, and which latents each position attends to; in vanilla, which
characters each head reads at the last position.

Letters: M latents, T time, S characters per segment, H heads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Shaped
from torch import Tensor
from torch.nn import functional

from closedbook.analysis.attention import head_weights
from closedbook.model.attention import Attention, causal_mask
from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT
from closedbook.model.strided import down_mask, up_mask


@dataclass(frozen=True)
class Reading:
    """Who attends to what in a text; under latent_mask strided of the latents of completed segments."""

    latents: Shaped[Tensor, "M T"]
    """Which characters each latent reads."""
    positions: Shaped[Tensor, "T M"]
    """Which latents each position attends to."""
    own: Shaped[Tensor, "T S"]
    """Which characters of its own segment each position attends to; S is 0 under latent_mask triangular."""


@dataclass(frozen=True)
class ReadingMap:
    """How a Perceiver reads a text: what the masks allow, and the attention weights, averaged over heads.

    A latent's weights add up to 1, and so do a position's, over latents and segment together.
    """

    mask: Reading
    attention: Reading


def reading_map(model: GPT, ids: Sequence[int]) -> ReadingMap:
    """What the first and last block of a Perceiver attend to in one text, in evaluation mode."""
    assert model.config.variant == "perceiver", "only a Perceiver has latents"
    down, up = model.down_block.attn, model.up_block.attn
    with torch.inference_mode():
        inputs = _inputs(model, (down, up), ids)
        mask = masks(model.config, len(ids))
        latents = head_weights(down, inputs[down]).mean(dim=0)
        up_weights = head_weights(up, inputs[up])[:, : len(ids)].mean(dim=0)
    # Zero after the last completed segment.
    latents = functional.pad(latents, (0, len(ids) - latents.size(1)))
    n_own = mask.own.size(1)
    return ReadingMap(mask, Reading(latents, up_weights[:, n_own:], up_weights[:, :n_own]))


def last_position_by_head(model: GPT, ids: Sequence[int]) -> list[Shaped[Tensor, "H T"]]:
    """What each head of each block of vanilla attends to at the last position of one text, in evaluation mode.

    A head's weights add up to 1.
    """
    assert model.config.variant == "vanilla", "a Perceiver's blocks attend to latents"
    layers = [module for module in model.blocks.modules() if isinstance(module, Attention)]
    with torch.inference_mode():
        inputs = _inputs(model, layers, ids)
        return [head_weights(layer, inputs[layer])[:, -1] for layer in layers]


def _inputs(model: GPT, layers: Sequence[Attention], ids: Sequence[int]) -> dict[Attention, tuple[Any, ...]]:
    """What attention layers are called with for one text, without dropout; the model is left as it was."""
    inputs: dict[Attention, tuple[Any, ...]] = {}
    hooks = [layer.register_forward_pre_hook(inputs.__setitem__) for layer in layers]
    was_training = model.training
    model.eval()
    try:
        model.hidden(torch.tensor([ids], device=model.tok_emb.weight.device))
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    return inputs


def masks(config: ModelConfig, n_positions: int) -> Reading:
    """What may be attended to in a text of this length."""
    if not config.is_strided:
        n_latents, nothing = config.bottleneck_dim, torch.zeros(n_positions, 0, dtype=torch.bool)
        return Reading(causal_mask(n_latents, n_positions), causal_mask(n_positions, n_latents), nothing)
    size = config.segment_size
    n_latents = n_positions // size
    return Reading(
        down_mask(range(n_latents), n_positions, size),
        up_mask(range(n_positions), n_latents, size),
        torch.arange(size) <= torch.arange(n_positions)[:, None] % size,
    )


def receptive_field(config: ModelConfig, n_positions: int) -> Bool[Tensor, "T T"]:
    """Which characters, by column, can change what a Perceiver's blocks compute at each position, by row.

    A prefix table adds the characters of the current word.
    """
    mask = masks(config, n_positions)
    n_latents = len(mask.latents)
    # One middle block is as good as many: a product of lower triangles is a lower triangle.
    middle = causal_mask(n_latents, n_latents) if config.n_layer > 2 else torch.eye(n_latents, dtype=torch.bool)
    through = mask.positions.float() @ middle.float() @ mask.latents.float() > 0
    # The residual connection carries each position to itself, whatever the latents read.
    segment = torch.arange(n_positions) // (config.segment_size if config.is_strided else 1)
    return through | (causal_mask(n_positions, n_positions) & (segment == segment[:, None]))
