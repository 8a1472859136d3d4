"""Dropout: the plain line but for its draws, how many entries are dropped, and that draws follow torch's seed."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from closedbook.model.kernels.dropout import Dropout, drop


@pytest.mark.parametrize("p", [0.03, 0.1, 0.5, 0.97])
def test_a_share_p_is_dropped_and_the_rest_is_scaled(p: float):
    """Of a million ones a share p become 0, within five standard errors, and the rest 1 / (1 - p)."""
    torch.manual_seed(3)
    out = drop(torch.ones(1000, 1000), p)
    assert (out == 0).float().mean().item() == pytest.approx(p, abs=5e-3 * (p * (1 - p)) ** 0.5)
    kept = out[out != 0]
    assert torch.all(kept == kept[0])
    # p is rounded to a multiple of 1 / 65,536.
    assert kept[0].item() == pytest.approx(1 / (1 - p), rel=1e-5 / (1 - p))


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_what_both_keep_is_the_plain_line(p: float):
    """Entries and gradients that neither drop nor PyTorch's dropout drops are the same up to the rounding of p."""
    torch.manual_seed(13)
    x, d_out = torch.randn(101, 103, requires_grad=True), torch.randn(101, 103)
    ours, plain = drop(x, p), functional.dropout(x, p)
    kept = (ours != 0) & (plain != 0)
    torch.testing.assert_close(ours[kept], plain[kept], rtol=3e-5, atol=0)
    (gradient,), (plain_gradient,) = (torch.autograd.grad(out, x, d_out) for out in (ours, plain))
    torch.testing.assert_close(gradient[kept], plain_gradient[kept], rtol=3e-5, atol=0)
    assert (gradient[ours == 0] == 0).all()


def test_neighbours_are_dropped_independently():
    """Whether an entry is dropped says nothing about the next eight, although one random number serves four."""
    torch.manual_seed(5)
    is_dropped = (drop(torch.ones(2**20), 0.25) == 0).float()
    for lag in range(1, 9):
        both = (is_dropped[:-lag] * is_dropped[lag:]).mean().item()
        assert both == pytest.approx(1 / 16, abs=5e-3 * (15 / 256) ** 0.5)


@given(shape=st.lists(st.integers(1, 7), min_size=1, max_size=4), seed=st.integers(0, 2**31))
def test_gradients_are_dropped_with_their_entries(shape: list[int], seed: int):
    """Whatever the shape, the gradient is 0 for dropped entries, and scaled alike for the others."""
    torch.manual_seed(seed)
    x = torch.ones(shape, requires_grad=True)
    out = drop(x, 0.4)
    (gradient,) = torch.autograd.grad(out.sum(), x)
    torch.testing.assert_close(gradient, out.detach())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_the_dtype_stays(dtype: torch.dtype):
    """Output and gradient have the input's dtype."""
    x = torch.randn(5, 7, dtype=dtype, requires_grad=True)
    out = drop(x, 0.3)
    (gradient,) = torch.autograd.grad(out.sum(), x)
    assert out.dtype == gradient.dtype == dtype


def test_draws_follow_the_seed():
    """The same seed gives the same mask, and each call draws a new one."""
    x = torch.ones(1000)
    torch.manual_seed(7)
    first, second = drop(x, 0.5), drop(x, 0.5)
    torch.manual_seed(7)
    assert torch.equal(first, drop(x, 0.5))
    assert not torch.equal(first, second)


@pytest.mark.parametrize("p", [0.0, 1e-9, 1.0])
def test_probabilities_that_16_bits_cannot_tell_from_0_or_1_are_pytorchs(p: float):
    """For these PyTorch's own dropout is used, with the same draws."""
    torch.manual_seed(11)
    ours = drop(torch.ones(100), p)
    torch.manual_seed(11)
    assert torch.equal(ours, functional.dropout(torch.ones(100), p))


def test_the_module_drops_in_training_alone():
    """In evaluation mode, and with probability 0, the input is returned."""
    x = torch.ones(1000)
    module = Dropout(0.5)
    assert (module(x) == 0).any()
    assert module.eval()(x) is x
    assert Dropout(0.0)(x) is x
