"""Softmax over the keys that a mask allows, faster on a CPU than the plain line that it replaces:

    torch.softmax(e.masked_fill(~mask, -math.inf), dim=-1)

Two things differ. The mask is added, since the gradient of an addition costs nothing. And weights under 2^-64 become 0:
a head that attends to few keys gives the others weights under 1e-38, denormal numbers, which some processors multiply
so slowly that a step of recipe `course` takes twice as long. Weights that small are lost in float32 anyway, since those
of a row add up to 1.

Letters: B batch, Q queries, K keys.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

_LEAST = 2.0**-64


def softmax(e: Float[Tensor, "*B Q K"], mask: Bool[Tensor, "*#N Q K"] | None = None) -> Float[Tensor, "*B Q K"]:
    """Attention weights from logits `e`; `mask` is True where a query may attend to a key, at least once per query."""
    if mask is not None:
        e = e + torch.zeros(mask.shape, dtype=e.dtype, device=e.device).masked_fill_(~mask, -math.inf)
    weights = torch.softmax(e, dim=-1)
    # bfloat16 has products that flush denormal numbers to 0 anyway, and float64 is for exact comparisons.
    if e.dtype is torch.float32:
        # Through .data, so that the tensor changes that autograd keeps for the gradient: denormal weights there would
        # be as slow.
        torch.threshold_(weights.data, _LEAST, 0.0)
    return weights
