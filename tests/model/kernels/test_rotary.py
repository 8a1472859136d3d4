"""Rotary position embedding: the plain lines, by hand, by distance, and the gradient."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from closedbook.model.kernels.rotary import rotate


def plain(x: Tensor, first: int, step: int) -> Tensor:
    """The plain lines that rotate replaces, with cos and sin in float64."""
    half = x.size(-1) // 2
    position = first + step * torch.arange(x.size(-2), dtype=torch.float64)
    angle = position[:, None] * 10_000.0 ** (-torch.arange(half, dtype=torch.float64) / half)
    cos, sin = angle.cos(), angle.sin()
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1)


shapes = st.tuples(*[st.integers(1, 5)] * 4).map(lambda shape: (*shape[:3], 2 * shape[3]))


@given(shapes, st.integers(0, 50), st.integers(1, 5), st.integers(0, 2**31))
def test_result_and_gradient_are_the_plain_lines(shape: tuple[int, ...], first: int, step: int, seed: int):
    """Whatever the shape and the positions, autograd's gradient of the plain lines included."""
    torch.manual_seed(seed)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    d_rotated = torch.randn_like(x)
    rotated, expected = rotate(x, first, step), plain(x, first, step)
    # The angles themselves are computed in float32.
    torch.testing.assert_close(rotated, expected, rtol=1e-4, atol=1e-4)
    (gradient,) = torch.autograd.grad(rotated, x, d_rotated)
    (expected_gradient,) = torch.autograd.grad(expected, x, d_rotated)
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-4, atol=1e-4)


@given(shapes, st.integers(0, 50), st.integers(1, 5), st.integers(0, 2**31))
def test_the_gradient_is_rotated_back(shape: tuple[int, ...], first: int, step: int, seed: int):
    """Rotation is linear and changes no length, so rotating the gradient gives the output's gradient again."""
    torch.manual_seed(seed)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    d_rotated = torch.randn_like(x)
    rotated = rotate(x, first, step)
    (gradient,) = torch.autograd.grad(rotated, x, d_rotated)
    torch.testing.assert_close(rotate(gradient, first, step), d_rotated, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close((gradient * x).sum(), (d_rotated * rotated).sum(), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(rotated.norm(dim=-1), x.norm(dim=-1), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("distance", [0, 1, 7, 31])
def test_logits_depend_on_the_distance_alone(distance: int):
    """q . k is the same at all pairs of positions with the same distance."""
    torch.manual_seed(19)
    q, k = torch.randn(2, 3, 1, 14), torch.randn(2, 3, 1, 14)

    def logit(position: int, distance: int) -> Tensor:
        return (rotate(q, position + distance) * rotate(k, position)).sum(-1)

    at_zero = logit(0, distance)
    for position in (1, 5, 53, 97):
        torch.testing.assert_close(logit(position, distance), at_zero, rtol=1e-4, atol=1e-4)
    assert (logit(0, distance + 1) - at_zero).abs().min() > 1e-3


def test_angles_by_hand():
    """At position 3 the first pair rotates by 3, the second by 3/100; at position 0 nothing rotates."""
    x = torch.tensor([1.0, 1.0, 0.0, 0.0]).view(1, 1, 1, 4)
    expected = torch.tensor([math.cos(3), math.cos(0.03), math.sin(3), math.sin(0.03)])
    torch.testing.assert_close(rotate(x, 3).flatten(), expected)
    assert torch.equal(rotate(x, 0), x)
    torch.testing.assert_close(rotate(x.expand(1, 1, 5, 4))[0, 0, 3], expected)


def test_the_memory_layout_changes_nothing():
    """Heads as a view of all channels, and one row expanded to many, give what contiguous copies give."""
    torch.manual_seed(23)
    x = torch.randn(3, 11, 5, 14).transpose(1, 2)
    torch.testing.assert_close(rotate(x, 7), rotate(x.contiguous(), 7), rtol=0, atol=0)
    expanded = x[:1].expand(3, -1, -1, -1)
    torch.testing.assert_close(rotate(expanded), rotate(expanded.contiguous()), rtol=0, atol=0)
