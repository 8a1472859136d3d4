"""Rotary positions: by hand, by distance, and their gradient."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from closedbook.model.kernels.rotary import rotate


@pytest.mark.parametrize("distance", [0, 1, 7, 31])
def test_rotary_logits_depend_on_the_distance_alone(distance: int):
    """q . k is the same wherever the two stand, as long as they stand so far apart."""
    torch.manual_seed(19)
    q, k = torch.randn(2, 3, 1, 14), torch.randn(2, 3, 1, 14)

    def logit(place: int, distance: int) -> Tensor:
        return (rotate(q, place + distance) * rotate(k, place)).sum(-1)

    here = logit(0, distance)
    for place in (1, 5, 53, 97):
        torch.testing.assert_close(logit(place, distance), here, rtol=1e-4, atol=1e-4)
    assert (logit(0, distance + 1) - here).abs().min() > 1e-3


def test_rotary_turns_by_these_angles():
    """By hand: at place 3 the first pair turns by 3, the second by 3/100; at place 0 nothing turns."""
    x = torch.tensor([1.0, 1.0, 0.0, 0.0]).view(1, 1, 1, 4)
    turned = torch.tensor([math.cos(3), math.cos(0.03), math.sin(3), math.sin(0.03)])
    torch.testing.assert_close(rotate(x, 3).flatten(), turned)
    assert torch.equal(rotate(x, 0), x)
    torch.testing.assert_close(rotate(x.expand(1, 1, 5, 4))[0, 0, 3], turned)


@given(
    shape=st.tuples(*[st.integers(1, 5)] * 3),
    half=st.integers(1, 5),
    first=st.integers(0, 50),
    step=st.integers(1, 5),
    seed=st.integers(0, 2**31),
)
def test_the_gradient_is_that_of_what_it_computes(shape: tuple[int, ...], half: int, first: int, step: int, seed: int):
    """Turning is linear and changes no length, so a gradient turned forth again is the gradient that came."""
    torch.manual_seed(seed)
    x = torch.randn(*shape, 2 * half, dtype=torch.float64, requires_grad=True)
    slope = torch.randn_like(x)
    turned = rotate(x, first, step)
    (gradient,) = torch.autograd.grad(turned, x, slope)
    torch.testing.assert_close(rotate(gradient, first, step), slope, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close((gradient * x).sum(), (slope * turned).sum(), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1), rtol=1e-5, atol=1e-5)


def test_heads_apart_in_memory_are_turned_alike():
    """Whether a head's numbers lie side by side or are a view of all channels, or one row stands for many."""
    torch.manual_seed(23)
    x = torch.randn(3, 11, 5, 14).transpose(1, 2)
    torch.testing.assert_close(rotate(x, 7), rotate(x.contiguous(), 7), rtol=0, atol=0)
    many = x[:1].expand(3, -1, -1, -1)
    torch.testing.assert_close(rotate(many), rotate(many.contiguous()), rtol=0, atol=0)
