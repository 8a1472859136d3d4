import math
from dataclasses import replace
from typing import Literal

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from closedbook.analysis.reading_map.weights import (
    ReadingMap,
    last_position_by_head,
    masks,
    reading_map,
    receptive_field,
)
from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT

N_CHARACTERS = 11
TRIANGULAR = ModelConfig(
    "perceiver",
    n_layer=3,
    n_head=3,
    n_embd=42,
    block_size=31,
    bottleneck_dim=7,
    embd_pdrop=0.0,
    resid_pdrop=0.0,
    attn_pdrop=0.0,
)
STRIDED = replace(TRIANGULAR, latent_mask="strided")
VANILLA = replace(TRIANGULAR, variant="vanilla", n_layer=2)
every_mask = pytest.mark.parametrize(
    "config",
    [
        TRIANGULAR,
        replace(TRIANGULAR, bottleneck_dim=37),
        replace(TRIANGULAR, block_size=127, bottleneck_dim=101),
        STRIDED,
        replace(STRIDED, positions="rotary"),
        replace(STRIDED, block_size=127, segment_length=23),
    ],
    ids=["triangular", "more latents", "fused", "strided", "rotary", "strided, fused"],
)


def lively(config: ModelConfig) -> GPT:
    """A random model in float64 whose logits depend on every parameter."""
    torch.manual_seed(3)
    model = GPT(config, N_CHARACTERS).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return model


def characters(n: int) -> list[int]:
    """Random token ids."""
    return torch.randint(0, N_CHARACTERS, (n,), generator=torch.Generator().manual_seed(5)).tolist()


def rows(reading: ReadingMap) -> list[tuple[Tensor, Tensor]]:
    """Mask and attention weights by latent, and by position over segment and latents together."""
    mask, share = reading.mask, reading.attention
    by_position = (torch.cat((mask.own, mask.positions), dim=1), torch.cat((share.own, share.positions), dim=1))
    return [(mask.latents, share.latents), by_position]


@st.composite
def configs(draw: st.DrawFn) -> ModelConfig:
    """Any latent mask, block size and number of latents."""
    return replace(
        TRIANGULAR,
        block_size=draw(st.integers(9, 37)),
        bottleneck_dim=(n_latents := draw(st.integers(1, 41))),
        latent_mask=draw(st.sampled_from(["triangular", "strided"])),
        segment_length=draw(st.just(0) | st.integers(-(-37 // n_latents), 41)),
        n_layer=draw(st.integers(2, 4)),
    )


@every_mask
@pytest.mark.parametrize("n_positions", [1, 4, 29, 31])
def test_attention_is_a_distribution_over_what_the_mask_allows(config: ModelConfig, n_positions: int):
    """Each row of weights sums to 1 and is positive exactly where the mask is True."""
    for mask, attention in rows(reading_map(lively(config), characters(n_positions))):
        assert torch.equal(attention > 0, mask)
        torch.testing.assert_close(attention.sum(dim=1), torch.ones(len(attention), dtype=torch.float64))


@every_mask
def test_the_map_has_the_weights_of_the_forward_pass(config: ModelConfig):
    """With one head, the map's weights times the values are what each attention layer gives to its projection."""
    model, ids = lively(replace(config, n_head=1)), characters(29)
    inputs, outputs = {}, {}
    for name, block in (("down", model.down_block), ("up", model.up_block)):
        block.attn.register_forward_pre_hook(lambda _, args, name=name: inputs.update({name: args}))
        block.attn.proj.register_forward_pre_hook(lambda _, args, name=name: outputs.update({name: args[0][0]}))
    attention = reading_map(model, ids).attention
    with torch.no_grad():
        values = model.down_block.attn.value(inputs["down"][0][0])
        torch.testing.assert_close(attention.latents @ values, outputs["down"], rtol=1e-9, atol=1e-9)
        expected = attention.positions @ model.up_block.attn.value(inputs["up"][0][0])
        if config.is_strided:
            values, size = model.up_block.attn.value(inputs["up"][1][0]), config.segment_size
            for t in range(29):
                begin = t - t % size
                expected[t] += attention.own[t, : t - begin + 1] @ values[begin : t + 1]
        torch.testing.assert_close(expected, outputs["up"], rtol=1e-9, atol=1e-9)


def test_heads_are_averaged():
    """With three heads the map is the mean of their weights."""
    model, q, k, by_head = lively(TRIANGULAR), [], [], []
    model.down_block.attn.query.register_forward_hook(lambda _, __, output: q.append(output[0]))
    model.down_block.attn.key.register_forward_hook(lambda _, __, output: k.append(output[0]))
    whole = reading_map(model, characters(29)).attention.latents
    for head in range(3):
        part = slice(14 * head, 14 * head + 14)
        e = (q[0][:, part] @ k[0][:, part].T / math.sqrt(14)).masked_fill(~torch.ones(7, 29).tril().bool(), -math.inf)
        by_head.append(torch.softmax(e, dim=1))
    torch.testing.assert_close(whole, torch.stack(by_head).mean(dim=0))


@every_mask
def test_a_character_changes_the_weights_of_the_latents_that_may_read_it(config: ModelConfig):
    """Changing a character changes the attention of those latents and of no others."""
    model, ids = lively(config), characters(29)
    before = reading_map(model, ids)
    for t in range(29):
        other = [*ids]
        other[t] = (other[t] + 1) % N_CHARACTERS
        after = reading_map(model, other)
        changed = (after.attention.latents != before.attention.latents).any(dim=1)
        reads = before.mask.latents[:, t]
        assert not changed[~reads].any()
        reads_one = before.mask.latents.sum(dim=1) == 1  # with a weight of 1 whatever the character
        assert changed[reads & ~reads_one].all()


@given(configs(), st.data())
def test_the_receptive_field_is_what_changes_the_logits(config: ModelConfig, data: st.DataObject):
    """A character changes the logits at exactly those positions whose receptive field contains it."""
    n_positions = data.draw(st.integers(1, config.block_size))
    # Character i is changed in row i, so that one pass tries all.
    idx, diagonal = torch.tensor([characters(n_positions)] * n_positions), torch.arange(n_positions)
    model, changed = lively(config), idx.clone()
    changed[diagonal, diagonal] = (changed[diagonal, diagonal] + 1) % N_CHARACTERS
    with torch.no_grad():
        differs = (model(idx) != model(changed)).any(dim=-1)
    assert torch.equal(differs.T, receptive_field(config, n_positions))


def test_the_receptive_field_by_hand():
    """Triangular with seven latents: after the seventh, a character reaches its own position alone."""
    field = receptive_field(TRIANGULAR, 11).int().tolist()
    assert field[4] == [1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    assert field[9] == [1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 0]
    assert torch.equal(receptive_field(STRIDED, 11), torch.ones(11, 11, dtype=torch.bool).tril())


def test_masks_of_a_text_that_ends_within_a_segment():
    """Eight characters in segments of five: the second segment has no latent yet."""
    mask = masks(STRIDED, 8)
    assert mask.latents.int().tolist() == [[1, 1, 1, 1, 1, 0, 0, 0]]
    assert mask.positions.int().tolist() == [[0], [0], [0], [0], [1], [1], [1], [1]]
    assert mask.own.int().tolist()[4:7] == [[1, 1, 1, 1, 1], [1, 0, 0, 0, 0], [1, 1, 0, 0, 0]]


def test_a_map_leaves_the_model_as_it_was():
    """The model stays in training mode, no hook stays behind, and dropout is off for the map."""
    model = lively(replace(STRIDED, attn_pdrop=0.5)).train()
    one, other = (reading_map(model, characters(29)).attention for _ in range(2))
    assert torch.equal(one.latents, other.latents)
    assert torch.equal(one.positions, other.positions)
    assert model.training
    assert not any(module._forward_pre_hooks for module in model.modules())


@pytest.mark.parametrize("positions", ["learned", "rotary"])
def test_the_heads_of_vanilla_have_the_weights_of_the_forward_pass(positions: Literal["learned", "rotary"]):
    """Each head's weights times its values are what the layer gives to its projection at the last position."""
    model, ids, outputs = lively(replace(VANILLA, positions=positions)), characters(29), []
    for block in model.blocks:
        block.attn.proj.register_forward_pre_hook(lambda _, args: outputs.append(args[0][0, -1]))
    values: list[Tensor] = []
    for block in model.blocks:
        block.attn.value.register_forward_hook(lambda _, __, output: values.append(output[0]))
    blocks = last_position_by_head(model, ids)
    assert [tuple(weights.shape) for weights in blocks] == [(3, 29), (3, 29)]
    for weights, value, output in zip(blocks, values, outputs, strict=False):
        by_head = [weights[head] @ value[:, 14 * head : 14 * head + 14] for head in range(3)]
        torch.testing.assert_close(torch.cat(by_head), output, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(weights.sum(dim=1), torch.ones(3, dtype=torch.float64))


def test_reading_the_heads_of_vanilla_leaves_the_model_as_it_was():
    """The model stays in training mode, no hook stays behind, and dropout is off."""
    model = lively(replace(VANILLA, attn_pdrop=0.5)).train()
    one, other = (last_position_by_head(model, characters(29)) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    assert model.training
    assert not any(module._forward_pre_hooks for module in model.modules())
