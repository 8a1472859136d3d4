"""Softmax, whose weights are 0 where they are too small to count.

A head that has made up its mind gives weights under 1e-38, denormal numbers, and some processors multiply those so
slowly that a step of the assignment's recipe takes twice as long. Beside the others of its row, which come to 1, a
weight under 2^-64 is far below what float32 can tell.

Letters: B batch, Q queries, K keys.
"""

import math
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd.function import once_differentiable

_LEAST = 2.0**-64


def softmax(e: Float[Tensor, "*B Q K"], mask: Bool[Tensor, "*#N Q K"] | None = None) -> Float[Tensor, "*B Q K"]:
    """Of each query's logits `e` over the keys that it sees, of which there must be one at least."""
    return _Softmax.apply(e, mask)  # type: ignore[no-untyped-call]


class _Softmax(torch.autograd.Function):
    """A function of its own, since PyTorch's gradient would be made from the denormal weights again."""

    @staticmethod
    def forward(ctx: Any, e: Tensor, mask: Tensor | None) -> Tensor:
        if mask is not None:
            e = e.masked_fill(~mask, -math.inf)
        weights = torch.softmax(e, dim=-1)
        # Products in bfloat16 take denormal numbers as 0 by themselves, and float64 is there to be exact.
        if e.dtype is torch.float32:
            torch.threshold_(weights, _LEAST, 0.0)
        ctx.save_for_backward(weights)
        return weights

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (weights,) = ctx.saved_tensors
        return torch._softmax_backward_data(gradient, weights, -1, weights.dtype), None
