"""The share of one key of two, measured: its logit, and its histogram beside the theory.

Letters: S samples.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from closedbook.lab.estimate import Estimate, share_of
from closedbook.lab.logit_normal import Share

_N_BINS = 40


@dataclass(frozen=True)
class Bin:
    """Of a histogram: the shares from `low` up to `high`."""

    low: float
    high: float
    probability: Estimate


def logit_difference(a: Float[Tensor, " S"], b: Float[Tensor, " S"]) -> Float[Tensor, " S"]:
    """The difference of two logits, told from the weights they made."""
    return a.log() - b.log()


def bins(share: Float[Tensor, " S"], theory: Share) -> tuple[Bin, ...]:
    """Equal bins from 0 to 1; theory is the distribution function's rise over each, and so exact.

    None where the share is a half and nothing else: it would lie on an edge.
    """
    if theory.logit_variance == 0:
        return ()
    edges = torch.linspace(0, 1, _N_BINS + 1, dtype=torch.float64)
    below = theory.below(edges)
    place = (share * _N_BINS).long().clamp(max=_N_BINS - 1)
    return tuple(
        Bin(float(edges[i]), float(edges[i + 1]), share_of(place == i, float(below[i + 1] - below[i])))
        for i in range(_N_BINS)
    )
