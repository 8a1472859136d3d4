"""Rotary positions: queries and keys turned by their places.

Letters: B batch, H heads, T time, D head size.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor


def rotate(x: Float[Tensor, "B H T D"], first: int = 0, step: int = 1) -> Float[Tensor, "B H T D"]:
    """Turn pairs of numbers by angles that grow with the place: `first`, and each `step` behind the one before.

    q . k then depends on the distance of their places alone (Su et al. 2021, RoFormer, equation 34).
    """
    half = x.size(-1) // 2
    frequency = 10_000.0 ** (-torch.arange(half, device=x.device, dtype=torch.float32) / half)
    place = first + step * torch.arange(x.size(-2), device=x.device, dtype=torch.float32)
    angle = place[:, None] * frequency  # T D/2
    return _Rotation.apply(x, angle.cos().to(x.dtype), angle.sin().to(x.dtype))  # type: ignore[no-untyped-call]


class _Rotation(torch.autograd.Function):
    """Its gradient is turned back; autograd would keep and add up all four products, which takes twice as long."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        ctx.save_for_backward(cos, sin)
        return _turned(x, cos, sin)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        cos, sin = ctx.saved_tensors
        return _turned(gradient, cos, -sin), None, None


def _turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, dim=-1)
    turned = torch.empty_like(x)
    turned_a, turned_b = turned.chunk(2, dim=-1)
    torch.mul(a, cos, out=turned_a).addcmul_(b, sin, value=-1)
    torch.mul(b, cos, out=turned_b).addcmul_(a, sin)
    return turned
