"""Dropout, in half to two thirds of the time that PyTorch's takes on a CPU.

Dropout (Srivastava et al. 2014, section 4): in training each number becomes 0 with probability p, and what is left
grows by 1 / (1 - p).
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

_N_BITS = 16
_LOWEST = -(2 ** (_N_BITS - 1))


def drop(x: Float[Tensor, "*B"], p: float) -> Float[Tensor, "*B"]:
    """Of every number of `x`, with probability `p`, to the nearest of 65,536 parts; the draws follow torch's seed."""
    n_dropped = round(p * 2**_N_BITS)
    # A probability that 16 bits cannot tell from 0 or 1, and other devices, which draw side by side, are PyTorch's.
    if x.device.type != "cpu" or not 0 < n_dropped < 2**_N_BITS:
        return functional.dropout(x, p)
    return _Dropout.apply(x, n_dropped)  # type: ignore[no-untyped-call]


class Dropout(nn.Module):
    """The same as a module, which does nothing in evaluation."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Float[Tensor, "*B"]) -> Float[Tensor, "*B"]:
        """Drops in training alone."""
        return drop(x, self.p) if self.training and self.p else x


class _Dropout(torch.autograd.Function):
    """PyTorch draws one number after the other on a CPU: a quarter of a step of the assignment's recipe."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, n_dropped: int) -> Tensor:
        seed = int(torch.randint(2**62, ()))
        n_words = -(-x.numel() * _N_BITS // 64)
        words = np.random.SFC64(seed).random_raw(n_words).view(np.int16)
        kept = (torch.from_numpy(words)[: x.numel()] >= _LOWEST + n_dropped).view(x.shape)
        ctx.save_for_backward(kept)
        ctx.scale = 2**_N_BITS / (2**_N_BITS - n_dropped)
        return _kept_of(x, kept, ctx.scale)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (kept,) = ctx.saved_tensors
        return _kept_of(gradient, kept, ctx.scale), None


def _kept_of(x: Tensor, kept: Tensor, scale: float) -> Tensor:
    return torch.addcmul(x.new_zeros(()), x, kept.to(x.dtype), value=scale)
