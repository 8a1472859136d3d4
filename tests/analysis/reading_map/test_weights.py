import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from closedbook.analysis.reading_map.weights import ReadingMap, masks, reached, reading_map
from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT

N_CHARACTERS = 11
COURSE = ModelConfig(
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
STRIDED = replace(COURSE, latent_mask="strided")
every_coverage = pytest.mark.parametrize(
    "config",
    [
        COURSE,
        replace(COURSE, bottleneck_dim=37),
        replace(COURSE, block_size=127, bottleneck_dim=101),
        STRIDED,
        replace(STRIDED, positions="rotary", qk_norm=True),
        replace(STRIDED, reach="stretch"),
        replace(STRIDED, block_size=127, stretch=23),
    ],
    ids=["course", "more latents", "fused", "strided", "rotary", "own stretch alone", "strided, fused"],
)


def lively(config: ModelConfig) -> GPT:
    """A model in float64 all of whose numbers count."""
    torch.manual_seed(3)
    model = GPT(config, N_CHARACTERS).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return model


def characters(n: int) -> list[int]:
    """Random ones."""
    return torch.randint(0, N_CHARACTERS, (n,), generator=torch.Generator().manual_seed(5)).tolist()


def rows(reading: ReadingMap) -> list[tuple[Tensor, Tensor]]:
    """Of the latents and of the places, what may be read and what is."""
    may, attention = reading.may_read, reading.attention
    by_places = (torch.cat((may.own, may.places), dim=1), torch.cat((attention.own, attention.places), dim=1))
    return [(may.latents, attention.latents), by_places]


@st.composite
def configs(draw: st.DrawFn) -> ModelConfig:
    """Any latent_mask, length and number of latents; queries and keys are normed, so that no share is lost to rounding."""
    return replace(
        COURSE,
        block_size=draw(st.integers(9, 37)),
        bottleneck_dim=(n_latents := draw(st.integers(1, 41))),
        latent_mask=draw(st.sampled_from(["course", "strided"])),
        stretch=draw(st.just(0) | st.integers(-(-37 // n_latents), 41)),
        reach=draw(st.sampled_from(["past", "stretch"])),
        n_layer=draw(st.integers(2, 4)),
        qk_norm=True,
    )


@every_coverage
@pytest.mark.parametrize("n_places", [1, 4, 29, 31])
def test_attention_is_shared_out_among_what_may_be_read(config: ModelConfig, n_places: int):
    """Each latent and each place gives 1 in all, something to everything that it may read, nothing to the rest."""
    for may_read, attention in rows(reading_map(lively(config), characters(n_places))):
        assert torch.equal(attention > 0, may_read)
        torch.testing.assert_close(attention.sum(dim=1), torch.ones(len(attention), dtype=torch.float64))


@every_coverage
def test_the_map_is_what_the_forward_pass_mixes_by(config: ModelConfig):
    """With one value a head, the mean over heads of what is read is the map's attention times the values."""
    model, numbers = lively(replace(config, n_head=1)), characters(29)
    given, read = {}, {}
    for name, block in (("down", model.down_block), ("up", model.up_block)):
        block.attn.register_forward_pre_hook(lambda _, args, name=name: given.update({name: args}))
        block.attn.proj.register_forward_pre_hook(lambda _, args, name=name: read.update({name: args[0][0]}))
    attention = reading_map(model, numbers).attention
    with torch.no_grad():
        x = model.down_block.attn.value(given["down"][0][0])
        torch.testing.assert_close(attention.latents @ x, read["down"], rtol=1e-9, atol=1e-9)
        expected = attention.places @ model.up_block.attn.value(given["up"][0][0])
        if config.is_strided:
            own, stretch = model.up_block.attn.value(given["up"][1][0]), config.segment_size
            for place in range(29):
                begin = place - place % stretch
                expected[place] += attention.own[place, : place - begin + 1] @ own[begin : place + 1]
        torch.testing.assert_close(expected, read["up"], rtol=1e-9, atol=1e-9)


def test_heads_are_averaged():
    """The map of a model of three heads is the mean of what each of them does by itself."""
    model, q, k, parts = lively(COURSE), [], [], []
    model.down_block.attn.query.register_forward_hook(lambda _, __, output: q.append(output[0]))
    model.down_block.attn.key.register_forward_hook(lambda _, __, output: k.append(output[0]))
    whole = reading_map(model, characters(29)).attention.latents
    for head in range(3):
        own = slice(14 * head, 14 * head + 14)
        e = (q[0][:, own] @ k[0][:, own].T / math.sqrt(14)).masked_fill(~torch.ones(7, 29).tril().bool(), -math.inf)
        parts.append(torch.softmax(e, dim=1))
    torch.testing.assert_close(whole, torch.stack(parts).mean(dim=0))


@every_coverage
def test_characters_that_a_latent_may_not_read_change_nothing_of_it(config: ModelConfig):
    """Changing a character changes the latents, and what they read, where the mask says so and not elsewhere."""
    model, numbers = lively(config), characters(29)
    before = reading_map(model, numbers)
    for place in range(29):
        other = [*numbers]
        other[place] = (other[place] + 1) % N_CHARACTERS
        after = reading_map(model, other)
        changed = (after.attention.latents != before.attention.latents).any(dim=1)
        may_read = before.may_read.latents[:, place]
        assert not changed[~may_read].any()
        alone = before.may_read.latents.sum(dim=1) == 1  # whose share is 1 whatever stands there
        assert changed[may_read & ~alone].all()


@given(configs(), st.data())
def test_what_reaches_a_place_is_what_changes_it(config: ModelConfig, data: st.DataObject):
    """The masks of all blocks, one behind the other, say which characters change which logits."""
    n_places = data.draw(st.integers(1, config.block_size))
    # Row i has character i changed, so that one pass tries them all.
    idx, place = torch.tensor([characters(n_places)] * n_places), torch.arange(n_places)
    model, changed = lively(config), idx.clone()
    changed[place, place] = (changed[place, place] + 1) % N_CHARACTERS
    with torch.no_grad():
        differs = (model(idx) != model(changed)).any(dim=-1)
    assert torch.equal(differs.T, reached(config, n_places))


def test_the_course_reaches_no_further_than_its_latents():
    """Seven latents of eleven characters, by hand: behind the seventh each reaches itself alone."""
    by_course = reached(COURSE, 11).int().tolist()
    assert by_course[4] == [1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    assert by_course[9] == [1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 0]
    assert torch.equal(reached(STRIDED, 11), torch.ones(11, 11, dtype=torch.bool).tril())


def test_masks_of_a_text_that_ends_within_a_stretch():
    """Stretches of five: of eight characters one has ended, and the second's three have themselves."""
    may_read = masks(STRIDED, 8)
    assert may_read.latents.int().tolist() == [[1, 1, 1, 1, 1, 0, 0, 0]]
    assert may_read.places.int().tolist() == [[0], [0], [0], [0], [1], [1], [1], [1]]
    assert may_read.own.int().tolist()[4:7] == [[1, 1, 1, 1, 1], [1, 0, 0, 0, 0], [1, 1, 0, 0, 0]]


def test_a_map_leaves_the_model_as_it_was():
    """A model in training goes on training, with no hook left behind, and its dropout touches no map."""
    model = lively(replace(STRIDED, attn_pdrop=0.5)).train()
    one, other = (reading_map(model, characters(29)).attention for _ in range(2))
    assert torch.equal(one.latents, other.latents)
    assert torch.equal(one.places, other.places)
    assert model.training
    assert not any(module._forward_pre_hooks for module in model.modules())
