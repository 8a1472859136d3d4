"""Softmax with a mask and without denormal numbers."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from closedbook.model.kernels.softmax import softmax

LEAST_NORMAL = torch.finfo(torch.float32).tiny


def plain(e: Tensor, mask: Tensor | None = None) -> Tensor:
    """The plain line that softmax replaces."""
    return torch.softmax(e if mask is None else e.masked_fill(~mask, -torch.inf), dim=-1)


def with_gradient(weights: Tensor, e: Tensor, d_weights: Tensor) -> tuple[Tensor, Tensor]:
    """The weights, and the gradient with respect to the logits."""
    (gradient,) = torch.autograd.grad(weights, e, d_weights)
    return weights.detach(), gradient


def logits(seed: int, std: float) -> Tensor:
    """Random logits of 5 queries over 7 keys, for a batch of two."""
    return std * torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(seed))


@given(st.integers(0, 2**31), st.sampled_from([0.1, 1.0, 10.0, 30.0, 100.0]), st.booleans())
def test_weights_and_gradient_are_the_plain_lines(seed: int, std: float, is_masked: bool):
    """In float32 both agree with the plain line in float64 up to rounding, whatever the logits and the mask."""
    e = logits(seed, std)
    mask = torch.ones(5, 7, dtype=torch.bool).tril(2) if is_masked else None
    d_weights = torch.randn(e.shape, generator=torch.Generator().manual_seed(seed + 1))
    exact = e.double().requires_grad_()
    expected, expected_gradient = with_gradient(plain(exact, mask), exact, d_weights.double())
    e.requires_grad_()
    weights, gradient = with_gradient(softmax(e, mask), e, d_weights)
    torch.testing.assert_close(weights.double(), expected, rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(gradient.double(), expected_gradient, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("is_masked", [False, True])
def test_where_all_weights_are_large_nothing_differs(is_masked: bool):
    """Weights and gradient are those of the plain line, bit for bit."""
    e, d_weights = logits(3, 3.0).requires_grad_(), logits(5, 1.0)
    mask = torch.ones(5, 7, dtype=torch.bool).tril(2) if is_masked else None
    ours, expected = (with_gradient(function(e, mask), e, d_weights) for function in (softmax, plain))
    assert torch.equal(ours[0], expected[0])
    assert torch.equal(ours[1], expected[1])


def test_a_mask_that_broadcasts_serves_every_row():
    """A mask for all rows gives what the same mask gives row by row."""
    e, mask = logits(0, 1.0), torch.ones(5, 7, dtype=torch.bool).tril(2)
    assert torch.equal(softmax(e, mask), softmax(e, mask.expand(2, 5, 7)))


def test_weights_under_the_least_become_zero():
    """By hand: of two weights, the smaller is kept at twice 2^-64 and becomes 0 at half of it."""
    for factor, is_kept in ((2.0, True), (0.5, False)):
        small = factor * 2.0**-64
        weight = softmax(torch.tensor([[0.0, math.log(small)]]))[0, 1].item()
        assert (weight == pytest.approx(small, rel=1e-5)) if is_kept else (weight == 0)


def test_no_number_is_denormal():
    """The plain line gives denormal weights and gradients where softmax gives zeros."""
    e = torch.linspace(-110, 0, 500)[None].requires_grad_()
    d_weights = torch.linspace(-1, 1, 500)[None]
    for function, has_some in ((softmax, False), (plain, True)):
        for result in with_gradient(function(e), e, d_weights):
            assert ((result != 0) & (result.abs() < LEAST_NORMAL)).any() == has_some


def test_in_float64_it_is_exact():
    """Small weights are kept, and finite differences confirm the gradient."""
    e = logits(0, 1.0).double().requires_grad_()
    mask = torch.ones(5, 7, dtype=torch.bool).tril(2)
    assert torch.autograd.gradcheck(lambda e: softmax(e, mask), e)
    small = softmax(torch.tensor([[0.0, -100.0]], dtype=torch.float64))[0, 1]
    assert small == pytest.approx(3.7200759760208356e-44, rel=1e-9, abs=0)  # the default of 1e-12 lets a zero pass


def test_in_mixed_precision_it_is_the_plain_line():
    """Logits in bfloat16 give the plain line's weights and gradient, bit for bit."""
    e, d_weights = logits(0, 30.0).bfloat16().requires_grad_(), torch.randn(2, 5, 7)
    with torch.autocast("cpu", torch.bfloat16):
        weights, expected = softmax(e), plain(e)
    assert weights.dtype == expected.dtype
    ours, theirs = (with_gradient(w, e, d_weights) for w in (weights, expected))
    assert torch.equal(ours[0], theirs[0])
    assert torch.equal(ours[1], theirs[1])
