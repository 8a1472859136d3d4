"""Measurements of one key's share of two: the logits' difference, and the share's histogram with its theory.

Letters: S samples.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from closedbook.lab.estimate import Estimate, proportion_of
from closedbook.lab.logit_normal import LogitNormal

_N_BINS = 40


@dataclass(frozen=True)
class Bin:
    """One bin of a histogram: shares from `low` up to `high`."""

    low: float
    high: float
    probability: Estimate


def logit_difference(a: Float[Tensor, " S"], b: Float[Tensor, " S"]) -> Float[Tensor, " S"]:
    """The difference of two logits, computed from their softmax weights."""
    return a.log() - b.log()


def histogram(share: Float[Tensor, " S"], theory: LogitNormal) -> tuple[Bin, ...]:
    """Equal bins from 0 to 1; each bin's theory is the exact probability, a difference of the distribution function.

    Empty where the share is always a half, which would lie on an edge.
    """
    if theory.logit_variance == 0:
        return ()
    edges = torch.linspace(0, 1, _N_BINS + 1, dtype=torch.float64)
    cdf = theory.cdf(edges)
    index = (share * _N_BINS).long().clamp(max=_N_BINS - 1)
    return tuple(
        Bin(float(edges[i]), float(edges[i + 1]), proportion_of(index == i, float(cdf[i + 1] - cdf[i])))
        for i in range(_N_BINS)
    )
