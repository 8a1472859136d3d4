from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from closedbook.errors import RecipeError
from closedbook.model.blocks import StridedDownProjectBlock
from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT
from closedbook.model.kv_cache import KVCache
from closedbook.model.strided import character_mask, latent_mask_of_positions

N_CHARACTERS = 11
SMALL = ModelConfig(
    "perceiver",
    n_layer=3,
    n_head=3,
    n_embd=42,
    block_size=31,
    bottleneck_dim=7,
    latent_mask="strided",
    embd_pdrop=0.0,
    resid_pdrop=0.0,
    attn_pdrop=0.0,
)


def lively(config: ModelConfig, seed: int = 3) -> GPT:
    """A model in float64 all of whose numbers count."""
    torch.manual_seed(seed)
    model = GPT(config, N_CHARACTERS).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return model


def characters(*shape: int, seed: int = 5) -> Tensor:
    """Random characters."""
    return torch.randint(0, N_CHARACTERS, shape, generator=torch.Generator().manual_seed(seed))


@st.composite
def configs(draw: st.DrawFn) -> ModelConfig:
    """Any length, any number of latents, any stretch that covers the length."""
    block_size = draw(st.integers(9, 47))
    bottleneck = draw(st.integers(1, block_size + 3))
    least = -(-block_size // bottleneck)
    return replace(
        SMALL,
        block_size=block_size,
        bottleneck_dim=bottleneck,
        stretch=draw(st.just(0) | st.integers(least, block_size + 3)),
        n_layer=draw(st.integers(2, 4)),
        positions=draw(st.sampled_from(["learned", "rotary"])),
        reach=draw(st.sampled_from(["past", "stretch"])),
        qk_norm=draw(st.booleans()),
        random_segment_offset=draw(st.booleans()),
    )


@given(configs(), st.booleans(), st.data())
def test_every_past_character_reaches_every_later_place_and_no_future_one_does(
    config: ModelConfig, training: bool, data: st.DataObject
):
    """Changing a character changes not a bit of the logits before it, and all from it on, at every phase."""
    model, n_places = lively(config).train(training), data.draw(st.integers(1, config.block_size))
    seed = data.draw(st.integers(0, 99))
    # Row i has character i changed, so that one pass tries them all.
    idx = characters(1, n_places).repeat(n_places, 1)
    changed, places = idx.clone(), torch.arange(n_places)
    changed[places, places] = (changed[places, places] + 1) % N_CHARACTERS
    with torch.no_grad():
        logits = []
        for text in (idx, changed):
            torch.manual_seed(seed)
            logits.append(model(text))
    differs = (logits[0] != logits[1]).any(dim=-1)
    assert torch.equal(differs, torch.ones(n_places, n_places, dtype=torch.bool).triu())


@given(configs(), st.data())
def test_decoding_with_a_past_equals_decoding_without(config: ModelConfig, data: st.DataObject):
    """However a text is cut into pieces that are read one after the other, the logits are those of the whole."""
    model, n_places = lively(config), data.draw(st.integers(1, config.block_size))
    idx, past, pieces = characters(2, n_places), KVCache(len(model.blocks)), []
    with torch.no_grad():
        while len(past) < n_places:
            n = data.draw(st.integers(1, n_places - len(past)))
            pieces.append(model.logits(model.hidden(idx[:, len(past) : len(past) + n], past)))
        torch.testing.assert_close(torch.cat(pieces, dim=1), model(idx), rtol=1e-9, atol=1e-9)


def test_a_latent_is_computed_once():
    """Each latent comes from the step that ends its stretch, and what is kept of it never changes again."""
    model, past, made = lively(SMALL), KVCache(1), []
    model.down_block.register_forward_hook(lambda _module, _args, y: made.append(y.size(1)))
    idx, kept = characters(2, 31), torch.zeros(2, 3, 0, 14, dtype=torch.float64)
    with torch.no_grad():
        for place in range(31):
            model.hidden(idx[:, place : place + 1], past)
            now, _ = past.up_latents.extend(*torch.zeros(2, 2, 3, 0, 14, dtype=torch.float64))
            assert torch.equal(now[:, :, : kept.size(2)], kept)
            kept = now
    # 7 latents for 31 characters: stretches of 5, of which the seventh never ends.
    assert made == [1 if (place + 1) % 5 == 0 else 0 for place in range(31)]


@pytest.mark.parametrize("reach", ["past", "stretch"])
def test_the_masks_say_what_is_read(reach: str):
    """Which characters change which latent is what character_mask says of them."""
    config = replace(SMALL, reach=reach)
    model, idx = lively(config), characters(1, 31)
    assert isinstance(model.down_block, StridedDownProjectBlock)
    said = character_mask(range(6), 31, 5, whole_past=reach == "past")
    with torch.no_grad():
        before = model.down_block(model.embed(idx))
        for place in range(31):
            other = idx.clone()
            other[0, place] = (other[0, place] + 1) % N_CHARACTERS
            after = model.down_block(model.embed(other))
            assert torch.equal((after != before).any(dim=-1)[0], said[:, place])


def test_a_phase_moves_the_stretches_and_nothing_else():
    """Behind p places that nobody reads the model gives what it gives without them, its stretches p characters on."""
    model, idx = lively(replace(SMALL, positions="rotary", n_layer=2)), characters(2, 23)
    assert isinstance(model.down_block, StridedDownProjectBlock)
    for phase in range(5):
        noise = torch.randn(2, phase, 42, dtype=torch.float64)
        with torch.no_grad():
            x = model.embed(idx)
            padded, zeros = (torch.cat((z, x), dim=1) for z in (noise, torch.zeros_like(noise)))
            down = [model.down_block(z, None, phase) for z in (padded, zeros)]
            up = [model.up_block(y, z, None, phase)[:, phase:] for y, z in zip(down, (padded, zeros), strict=True)]
        assert down[0].size(1) == (23 + phase) // 5
        assert torch.equal(down[0], down[1])
        assert torch.equal(up[0], up[1])


def test_phases_are_drawn_in_training_alone():
    """While training, the seed decides of the phase, up to what the latents can cover; answers do not depend on it."""
    model, idx = lively(replace(SMALL, random_segment_offset=True)), characters(1, 31)

    def logits(seed: int, n_places: int) -> Tensor:
        torch.manual_seed(seed)
        return model(idx[:, :n_places])

    assert torch.equal(logits(1, 31), logits(2, 31))
    model.train()
    assert {model.segment_offset(7) for _ in range(99)} == {0, 1, 2, 3, 4}
    assert {model.segment_offset(33) for _ in range(99)} == {0, 1, 2}
    assert torch.equal(logits(1, 23), logits(1, 23))
    assert len({float(logits(seed, 23).detach().sum()) for seed in range(20)}) == 5


def test_latents_read_these_characters():
    """Latents 1 and 2 of stretches of three characters, by hand."""
    assert character_mask(range(1, 3), 7, 3, whole_past=True).int().tolist() == [
        [1, 1, 1, 1, 1, 1, 0],
        [1, 1, 1, 1, 1, 1, 1],
    ]
    assert character_mask(range(1, 3), 7, 3, whole_past=False).int().tolist() == [
        [0, 0, 0, 1, 1, 1, 0],
        [0, 0, 0, 0, 0, 0, 1],
    ]


def test_places_consult_these_latents():
    """Places 1 to 6 and stretches of three characters, by hand: a place that ends a stretch has its latent."""
    assert latent_mask_of_positions(range(1, 7), 2, 3).int().tolist() == [
        [0, 0],
        [1, 0],
        [1, 0],
        [1, 0],
        [1, 1],
        [1, 1],
    ]


class Largest(TorchDispatchMode):
    """Watches for the largest tensor that any operation makes."""

    def __init__(self) -> None:
        super().__init__()
        self.n_numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        result = func(*args, **(kwargs or {}))
        tensors = result if isinstance(result, tuple | list) else (result,)
        self.n_numbers = max([self.n_numbers, *(t.numel() for t in tensors if isinstance(t, Tensor))])
        return result


def test_no_matrix_is_length_by_length():
    """A training step over 1,021 characters makes no tensor near as large as length by length; vanilla's does.

    Vanilla's weights are seen where dropout has them made; the fused kernel keeps them to itself.
    """
    sizes = {}
    for latent_mask, variant in (("strided", "perceiver"), ("course", "vanilla")):
        config = replace(
            SMALL, variant=variant, latent_mask=latent_mask, n_head=1, n_embd=6, block_size=1021, attn_pdrop=0.1
        )
        model = GPT(replace(config, bottleneck_dim=31), N_CHARACTERS)
        with Largest() as largest:
            model(characters(1, 1021)).sum().backward()
        sizes[latent_mask] = largest.n_numbers
    assert sizes["strided"] < 1021**2 / 8
    assert sizes["course"] >= 1021**2


@pytest.mark.parametrize(("stretch", "expected"), [(0, 5), (5, 5), (31, 31)])
def test_a_stretch_of_0_is_as_long_as_the_latents_need(stretch: int, expected: int):
    """Seven latents for 31 characters need stretches of 5; longer ones are taken as they are."""
    assert replace(SMALL, stretch=stretch).segment_size == expected


def test_stretches_that_do_not_cover_the_block_are_refused():
    """Seven stretches of four characters leave three of 31 without a latent; below 0 there is no length."""
    with pytest.raises(
        RecipeError, match=r"model\.stretch: bottleneck_dim \(7\) stretches must cover block_size \(31\)"
    ):
        replace(SMALL, stretch=4)
    with pytest.raises(RecipeError, match=r"model\.stretch: 0 or more is needed; received -1"):
        replace(SMALL, stretch=-1)


def test_coverage_moves_no_parameter():
    """The strided Perceiver has the parameters of the assignment's, name by name."""
    course, strided = (GPT(replace(SMALL, latent_mask=c), N_CHARACTERS).state_dict() for c in ("course", "strided"))
    assert {n: p.shape for n, p in course.items()} == {n: p.shape for n, p in strided.items()}
