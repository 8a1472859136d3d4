"""Whitening: what is common to all gradients counts less than what is rare.

Influence functions compare gradients by the inverse of the curvature F (Koh and Liang 2017). For one weight matrix F is
close to the Kronecker product of A and S, with A the mean of x x^T and S that of delta delta^T (K-FAC: Martens and
Grosse 2015, section 3; for influence: Grosse et al. 2023). So the product is that of two whitened factors,

    (A^-1/2 x . A^-1/2 x') (S^-1/2 delta . S^-1/2 delta')

Divided by both gradients' lengths, it does not always choose the texts with long gradients (Barshan et al. 2020).

Letters: N texts, C channels.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from closedbook.attribution.gradients import Gradients

DAMPING = 0.1
"""What is added to the diagonal of A and of S, as a share of its mean."""


class Whitening(NamedTuple):
    """A^-1/2 and S^-1/2."""

    inputs: Float[Tensor, "C C"]
    deltas: Float[Tensor, "C C"]

    @classmethod
    def of(cls, gradients: Gradients, damping: float = DAMPING) -> "Whitening":
        """The whitening of a sample of gradients, each taken as of length 1."""
        return cls(*(_inverse_root(factor, damping) for factor in gradients.normalized()))

    def __call__(self, gradients: Gradients) -> Gradients:
        """Gradients whose cosines are those of the influence."""
        return Gradients(gradients.inputs @ self.inputs, gradients.deltas @ self.deltas)


def _inverse_root(vectors: Float[Tensor, "N C"], damping: float) -> Float[Tensor, "C C"]:
    """(M + damping mean(diag M) I)^-1/2, with M the mean of v v^T."""
    moment = (vectors.T @ vectors / len(vectors)).cpu().double()
    damped = moment + damping * moment.diagonal().mean() * torch.eye(len(moment), dtype=moment.dtype)
    values, basis = torch.linalg.eigh(damped)
    root: Tensor = (basis * values.rsqrt()) @ basis.T
    return root.to(vectors)
