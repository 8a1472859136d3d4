"""QK-norm: queries and keys of one length (Dehghani et al. 2023, 'Scaling Vision Transformers to 22 Billion', 2.1).

Letters: B batch, H heads, T time, D head size.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor


def of_one_length(x: Float[Tensor, "B H T D"], scale: float = 1.0) -> Float[Tensor, "B H T D"]:
    """Each vector divided by the root of its numbers' mean square (Zhang and Sennrich 2019, RMSNorm, equation 4),
    and times `scale`; zero stays zero."""
    return _Normed.apply(x, scale)  # type: ignore[no-untyped-call]


class _Normed(torch.autograd.Function):
    """With a gradient from what came out; autograd's own goes through each step in float32 and takes twice as long."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: float) -> Tensor:
        dtype = torch.promote_types(x.dtype, torch.float32)
        mean_square = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=dtype).square() / x.size(-1)
        factor = (scale * (mean_square + torch.finfo(dtype).eps).rsqrt()).to(x.dtype)
        y = x * factor
        ctx.save_for_backward(y, factor)
        ctx.square_length = scale**2 * x.size(-1)
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        y, factor = ctx.saved_tensors
        along = (y * gradient).sum(-1, keepdim=True) / ctx.square_length
        return torch.addcmul(gradient, y, along, value=-1).mul_(factor), None
