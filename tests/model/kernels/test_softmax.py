"""Softmax without denormal numbers."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from closedbook.model.kernels.softmax import softmax

DENORMAL = torch.finfo(torch.float32).tiny


def decided(seed: int, spread: float) -> Tensor:
    """Logits of 5 queries of two heads over 7 keys, some far below the rest of their row."""
    return spread * torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(seed))


@given(st.integers(0, 2**31), st.sampled_from([0.1, 1.0, 10.0, 30.0, 100.0]), st.booleans())
def test_weights_and_gradient_are_pytorchs(seed: int, spread: float, hides: bool):
    """To what float32 can tell, beside a row's others."""
    e = decided(seed, spread)
    mask = torch.ones(5, 7, dtype=torch.bool).tril(2) if hides else None
    slope = torch.randn(e.shape, generator=torch.Generator().manual_seed(seed + 1))
    exact = e.double().requires_grad_()
    expected = torch.softmax(exact if mask is None else exact.masked_fill(~mask, -torch.inf), dim=-1)
    e.requires_grad_()
    given_weights = softmax(e, mask)
    torch.testing.assert_close(given_weights.double(), expected, rtol=1e-5, atol=1e-7)
    (gradient,) = torch.autograd.grad(given_weights, e, slope)
    (expected_gradient,) = torch.autograd.grad(expected, exact, slope.double())
    torch.testing.assert_close(gradient.double(), expected_gradient, rtol=1e-5, atol=1e-6)


def test_no_number_is_denormal():
    """Where PyTorch's own weights and gradient have such numbers, ours have zeros."""
    e = torch.linspace(-110, 0, 500)[None].requires_grad_()
    slope = torch.linspace(-1, 1, 500)[None]
    for own, some in ((softmax, False), (lambda e: torch.softmax(e, -1), True)):
        weights = own(e)
        (gradient,) = torch.autograd.grad(weights, e, slope)
        for numbers in (weights, gradient):
            assert ((numbers != 0) & (numbers.abs() < DENORMAL)).any() == some


def test_in_float64_it_is_exact():
    """So that gradients can be checked by differences."""
    e = decided(0, 1.0).double().requires_grad_()
    mask = torch.ones(5, 7, dtype=torch.bool).tril(2)
    assert torch.autograd.gradcheck(lambda e: softmax(e, mask), e)
    small = softmax(torch.tensor([[0.0, -100.0]], dtype=torch.float64))[0, 1]
    assert small == pytest.approx(3.7200759760208356e-44, rel=1e-9, abs=0)  # its own, 1e-12, lets a zero pass


def test_in_mixed_precision_it_is_pytorchs():
    """Bit for bit, logits being bfloat16."""
    e, slope = decided(0, 30.0).bfloat16().requires_grad_(), torch.randn(2, 5, 7)
    with torch.autocast("cpu", torch.bfloat16):
        given_weights, expected = softmax(e), torch.softmax(e, dim=-1)
    assert given_weights.dtype == expected.dtype
    assert torch.equal(given_weights, expected)
    (gradient,) = torch.autograd.grad(given_weights, e, slope)
    (expected_gradient,) = torch.autograd.grad(expected, e, slope)
    assert torch.equal(gradient, expected_gradient)
