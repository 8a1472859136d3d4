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
from closedbook.model.strided import down_mask, up_mask

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
    """A random model in float64 whose logits depend on every parameter."""
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
    """Any block size, any number of latents, any segment length that covers the block."""
    block_size = draw(st.integers(9, 47))
    bottleneck = draw(st.integers(1, block_size + 3))
    least = -(-block_size // bottleneck)
    return replace(
        SMALL,
        block_size=block_size,
        bottleneck_dim=bottleneck,
        segment_length=draw(st.just(0) | st.integers(least, block_size + 3)),
        n_layer=draw(st.integers(2, 4)),
        positions=draw(st.sampled_from(["learned", "rotary"])),
        random_segment_offset=draw(st.booleans()),
    )


@given(configs(), st.booleans(), st.data())
def test_every_past_character_reaches_every_later_position_and_no_future_one_does(
    config: ModelConfig, training: bool, data: st.DataObject
):
    """Changing a character changes all logits from it on and not a bit before it, whatever the segment offset."""
    model, n_positions = lively(config).train(training), data.draw(st.integers(1, config.block_size))
    seed = data.draw(st.integers(0, 99))
    # Character i is changed in row i, so that one pass tries all.
    idx = characters(1, n_positions).repeat(n_positions, 1)
    changed, diagonal = idx.clone(), torch.arange(n_positions)
    changed[diagonal, diagonal] = (changed[diagonal, diagonal] + 1) % N_CHARACTERS
    with torch.no_grad():
        logits = []
        for text in (idx, changed):
            torch.manual_seed(seed)
            logits.append(model(text))
    differs = (logits[0] != logits[1]).any(dim=-1)
    assert torch.equal(differs, torch.ones(n_positions, n_positions, dtype=torch.bool).triu())


@given(configs(), st.data())
def test_decoding_with_a_cache_equals_decoding_without(config: ModelConfig, data: st.DataObject):
    """A text read in pieces, however it is cut, has the logits of the whole."""
    model, n_positions = lively(config), data.draw(st.integers(1, config.block_size))
    idx, cache, pieces = characters(2, n_positions), KVCache(len(model.blocks)), []
    with torch.no_grad():
        while len(cache) < n_positions:
            n = data.draw(st.integers(1, n_positions - len(cache)))
            pieces.append(model.logits(model.hidden(idx[:, len(cache) : len(cache) + n], cache)))
        torch.testing.assert_close(torch.cat(pieces, dim=1), model(idx), rtol=1e-9, atol=1e-9)


def test_a_latent_is_computed_once():
    """Each latent is computed in the step that completes its segment, and its cached key never changes afterwards."""
    model, cache, n_computed = lively(SMALL), KVCache(1), []
    model.down_block.register_forward_hook(lambda _module, _args, y: n_computed.append(y.size(1)))
    idx, keys = characters(2, 31), torch.zeros(2, 3, 0, 14, dtype=torch.float64)
    with torch.no_grad():
        for t in range(31):
            model.hidden(idx[:, t : t + 1], cache)
            now, _ = cache.up_latents.extend(*torch.zeros(2, 2, 3, 0, 14, dtype=torch.float64))
            assert torch.equal(now[:, :, : keys.size(2)], keys)
            keys = now
    # Seven latents for 31 characters: segments of 5, of which the seventh is never completed.
    assert n_computed == [1 if (t + 1) % 5 == 0 else 0 for t in range(31)]


def test_a_latent_depends_on_what_its_mask_allows():
    """A character changes exactly those latents that down_mask lets read it."""
    model, idx = lively(SMALL), characters(1, 31)
    assert isinstance(model.down_block, StridedDownProjectBlock)
    mask = down_mask(range(6), 31, 5)
    with torch.no_grad():
        before = model.down_block(model.embed(idx))
        for t in range(31):
            other = idx.clone()
            other[0, t] = (other[0, t] + 1) % N_CHARACTERS
            after = model.down_block(model.embed(other))
            assert torch.equal((after != before).any(dim=-1)[0], mask[:, t])


def test_padding_in_front_moves_the_segments_and_nothing_else():
    """No result depends on what the padding is; it shifts where segments end, and so the number of latents."""
    model, idx = lively(replace(SMALL, positions="rotary", n_layer=2)), characters(2, 23)
    assert isinstance(model.down_block, StridedDownProjectBlock)
    for n_padding in range(5):
        noise = torch.randn(2, n_padding, 42, dtype=torch.float64)
        with torch.no_grad():
            x = model.embed(idx)
            inputs = [torch.cat((z, x), dim=1) for z in (noise, torch.zeros_like(noise))]
            down = [model.down_block(z, None, n_padding) for z in inputs]
            up = [model.up_block(y, z, None, n_padding)[:, n_padding:] for y, z in zip(down, inputs, strict=True)]
        assert down[0].size(1) == (23 + n_padding) // 5
        assert torch.equal(down[0], down[1])
        assert torch.equal(up[0], up[1])


def test_segment_offsets_are_random_in_training_alone():
    """In training the seed decides the offset, limited by what the latents cover; in evaluation there is none."""
    model, idx = lively(replace(SMALL, random_segment_offset=True)), characters(1, 31)

    def logits(seed: int, n_positions: int) -> Tensor:
        torch.manual_seed(seed)
        return model(idx[:, :n_positions])

    assert torch.equal(logits(1, 31), logits(2, 31))
    model.train()
    assert {model.draw_segment_offset(7) for _ in range(99)} == {0, 1, 2, 3, 4}
    assert {model.draw_segment_offset(33) for _ in range(99)} == {0, 1, 2}
    assert torch.equal(logits(1, 23), logits(1, 23))
    assert len({float(logits(seed, 23).detach().sum()) for seed in range(20)}) == 5


def test_the_down_mask_by_hand():
    """Latents 1 and 2 of segments of three characters read the characters up to the ends of their segments."""
    assert down_mask(range(1, 3), 7, 3).int().tolist() == [
        [1, 1, 1, 1, 1, 1, 0],
        [1, 1, 1, 1, 1, 1, 1],
    ]


def test_the_up_mask_by_hand():
    """With segments of three characters, the last position of a segment may already attend to its latent."""
    assert up_mask(range(1, 7), 2, 3).int().tolist() == [
        [0, 0],
        [1, 0],
        [1, 0],
        [1, 0],
        [1, 1],
        [1, 1],
    ]


class Largest(TorchDispatchMode):
    """Records the size of the largest tensor that any operation returns."""

    def __init__(self) -> None:
        super().__init__()
        self.n_entries = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        result = func(*args, **(kwargs or {}))
        tensors = result if isinstance(result, tuple | list) else (result,)
        self.n_entries = max([self.n_entries, *(t.numel() for t in tensors if isinstance(t, Tensor))])
        return result


def test_the_strided_perceiver_makes_no_quadratic_matrix():
    """A training step over 1,021 characters makes no tensor near 1,021 x 1,021 in size; vanilla does.

    Vanilla with dropout, since the fused kernel would not show its weights.
    """
    n_entries = {}
    for variant in ("vanilla", "perceiver"):
        config = replace(SMALL, variant=variant, n_head=1, n_embd=6, block_size=1021, attn_pdrop=0.1)
        model = GPT(replace(config, bottleneck_dim=31), N_CHARACTERS)
        with Largest() as largest:
            model(characters(1, 1021)).sum().backward()
        n_entries[variant] = largest.n_entries
    assert n_entries["perceiver"] < 1021**2 / 8
    assert n_entries["vanilla"] >= 1021**2


@pytest.mark.parametrize(("segment_length", "segment_size"), [(0, 5), (5, 5), (31, 31)])
def test_a_segment_length_of_0_stands_for_the_least_that_covers_the_block(segment_length: int, segment_size: int):
    """Seven latents for 31 characters need segments of 5; other lengths are taken as they are."""
    assert replace(SMALL, segment_length=segment_length).segment_size == segment_size


def test_segments_that_do_not_cover_the_block_are_refused():
    """Seven segments of four characters leave three of 31 without a latent; a negative length is none."""
    rule = r"model\.segment_length: bottleneck_dim \(7\) segments must cover block_size \(31\)"
    with pytest.raises(RecipeError, match=rule):
        replace(SMALL, segment_length=4)
    with pytest.raises(RecipeError, match=r"model\.segment_length: 0 or more is needed; received -1"):
        replace(SMALL, segment_length=-1)


def test_the_latent_mask_changes_no_parameter():
    """Under both masks the Perceiver has the same parameters, name by name."""
    triangular, strided = (
        GPT(replace(SMALL, latent_mask=mask), N_CHARACTERS).state_dict() for mask in ("triangular", "strided")
    )
    assert {n: p.shape for n, p in triangular.items()} == {n: p.shape for n, p in strided.items()}
