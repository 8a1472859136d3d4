"""Dropout: how much falls out, what is left, and that draws follow torch's seed."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from closedbook.model.kernels.dropout import Dropout, drop


@pytest.mark.parametrize("p", [0.03, 0.1, 0.5, 0.97])
def test_so_many_fall_out_and_the_rest_grows(p: float):
    """Of a million ones a share p become 0, within five standard errors, and the rest 1 / (1 - p)."""
    torch.manual_seed(3)
    out = drop(torch.ones(1000, 1000), p)
    assert (out == 0).float().mean().item() == pytest.approx(p, abs=5e-3 * (p * (1 - p)) ** 0.5)
    left = out[out != 0]
    assert torch.all(left == left[0])
    # One of 65,536 parts more or fewer may fall out.
    assert left[0].item() == pytest.approx(1 / (1 - p), rel=1e-5 / (1 - p))


def test_neighbours_fall_out_independently():
    """That a number falls out says nothing of those 1 to 8 places on, whose bits came out of the same draw."""
    torch.manual_seed(5)
    fallen = (drop(torch.ones(2**20), 0.25) == 0).float()
    for lag in range(1, 9):
        both = (fallen[:-lag] * fallen[lag:]).mean().item()
        assert both == pytest.approx(1 / 16, abs=5e-3 * (15 / 256) ** 0.5)


@given(shape=st.lists(st.integers(1, 7), min_size=1, max_size=4), seed=st.integers(0, 2**31))
def test_gradients_fall_out_with_their_numbers(shape: list[int], seed: int):
    """Whatever the shape, the gradient of what fell out is 0, and that of the rest grew as it did."""
    torch.manual_seed(seed)
    x = torch.ones(shape, requires_grad=True)
    out = drop(x, 0.4)
    (gradient,) = torch.autograd.grad(out.sum(), x)
    torch.testing.assert_close(gradient, out.detach())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_the_precision_stays(dtype: torch.dtype):
    """What comes out is of the kind that went in, forth and back."""
    x = torch.randn(5, 7, dtype=dtype, requires_grad=True)
    out = drop(x, 0.3)
    (gradient,) = torch.autograd.grad(out.sum(), x)
    assert out.dtype == gradient.dtype == dtype


def test_draws_follow_the_seed():
    """One seed, one mask, and other numbers of torch's generator behind it; another call, another mask."""
    x = torch.ones(1000)
    torch.manual_seed(7)
    first, second = drop(x, 0.5), drop(x, 0.5)
    torch.manual_seed(7)
    assert torch.equal(first, drop(x, 0.5))
    assert not torch.equal(first, second)


@pytest.mark.parametrize("p", [0.0, 1e-9, 1.0])
def test_a_probability_that_bits_cannot_tell_is_pytorchs(p: float):
    """All, or nothing, or nearly so, falls out as by PyTorch's own, whose draws these are."""
    torch.manual_seed(11)
    own = drop(torch.ones(100), p)
    torch.manual_seed(11)
    assert torch.equal(own, functional.dropout(torch.ones(100), p))


def test_the_module_drops_in_training_alone():
    """In evaluation, and with probability 0, what goes in comes out."""
    x = torch.ones(1000)
    module = Dropout(0.5)
    assert (module(x) == 0).any()
    assert module.eval()(x) is x
    assert Dropout(0.0)(x) is x
