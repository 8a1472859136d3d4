"""Muon, for matrices.

Muon (Jordan et al. 2024, 'Muon: An optimizer for hidden layers in neural networks') replaces a matrix's
averaged gradient by the nearest semi-orthogonal matrix, so that all its directions are learnt at one rate.
"""

from collections import defaultdict
from collections.abc import MutableMapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

_MOMENTUM = 0.95
# Each the best quintic for what those before it leave (Amsel et al. 2025, 'The Polar Express', arXiv 2505.16932v1,
# theorem 4.1): singular values between 0.01 and 1 of the largest end within 0.29 of 1, smaller ones grow as much as
# they can, and all but the last leave 1% of room for rounding.
_QUINTICS = (
    (8.0132, -22.9258, 16.5994),
    (3.6006, -2.6419, 0.5105),
    (2.6613, -1.9772, 0.4526),
)
_ROOM = 1.01


def update_matrices(group: dict[str, Any], states: MutableMapping[Tensor, Any]) -> None:
    """One step of a group of matrices; those of one shape, or of one shape turned, are orthogonalised together."""
    by_sides: dict[tuple[int, ...], list[Tensor]] = defaultdict(list)
    for matrix in group["params"]:
        if matrix.grad is not None:
            by_sides[tuple(sorted(matrix.shape))].append(matrix)
    for sides, matrices in by_sides.items():
        # Turning half as many bytes takes less time.
        dtype = getattr(torch, group["dtype"])
        gradients = [_turned_to(sides, _nesterov(matrix, states[matrix]).to(dtype)) for matrix in matrices]
        updates = orthogonalised(torch.stack(gradients))
        for matrix, update in zip(matrices, updates, strict=True):
            n_out, n_in = matrix.shape
            # So that a map changes its output by as much whatever its shape.
            rate = group["lr"] * max(1.0, n_out / n_in) ** 0.5
            matrix.mul_(1 - group["lr"] * group["weight_decay"]).add_(_turned_to(matrix.shape, update), alpha=-rate)


def _turned_to(shape: tuple[int, ...], matrix: Tensor) -> Tensor:
    """A matrix of this shape, or of this shape turned."""
    return matrix if matrix.shape == shape else matrix.mT


def _nesterov(matrix: Tensor, state: dict[str, Any]) -> Tensor:
    """The gradient looked ahead."""
    if not state:
        state["momentum"] = torch.zeros_like(matrix)
        # AdamW, when it loads a state, looks for this in every parameter's.
        state["step"] = torch.zeros(())
    assert matrix.grad is not None
    state["momentum"].lerp_(matrix.grad, 1 - _MOMENTUM)
    return torch.lerp(matrix.grad, state["momentum"], _MOMENTUM)


def orthogonalised(matrices: Float[Tensor, "N O I"]) -> Float[Tensor, "N O I"]:
    """About U V^T of each matrix's singular value decomposition U S V^T, by Newton-Schulz iteration.

    The products are of the matrices' own type: the iteration forgives bfloat16, where that is the faster.
    """
    is_tall = matrices.size(-2) > matrices.size(-1)
    # Contiguous, and with the sums inside the products, it takes a quarter less time in bfloat16.
    x = (matrices.mT if is_tall else matrices).contiguous()
    gram = x @ x.mT
    # The root of the Gram matrix's norm is no less than the largest singular value, and nearer to it than x's norm.
    bound = _ROOM * gram.norm(dim=(-2, -1), keepdim=True).sqrt() + 1e-7
    x, gram = x / bound, gram / bound**2
    first, *others = _QUINTICS
    x = torch.baddbmm(x, _even_part(gram, first), x, beta=first[0])
    if x.size(-1) > 2 * x.size(-2):
        x = _product_of_quintics(x @ x.mT, others) @ x
    else:
        for quintic in others:
            x = torch.baddbmm(x, _even_part(x @ x.mT, quintic), x, beta=quintic[0])
    return (x.mT if is_tall else x).contiguous()


def _even_part(gram: Float[Tensor, "N O O"], quintic: tuple[float, float, float]) -> Float[Tensor, "N O O"]:
    """b G + c G^2, which added to a I takes X to a X + b (X X^T) X + c (X X^T)^2 X."""
    _, b, c = quintic
    return torch.baddbmm(gram, gram, gram, beta=b, alpha=c)


def _product_of_quintics(
    gram: Float[Tensor, "N O O"], quintics: list[tuple[float, float, float]]
) -> Float[Tensor, "N O O"]:
    """What takes a wide X to where the iteration would, from X X^T alone: all products are of X's shorter side.

    It is known as Gram Newton-Schulz, after Dao-AILab's package of that name.
    Not fit for the first iteration: a Gram matrix in bfloat16 has lost the smallest singular values by then, and what
    stands in their place can grow without bound.
    """
    first, *others = quintics
    factor = product = _factor(gram, first)
    for quintic in others:
        gram = factor @ gram @ factor
        factor = _factor(gram, quintic)
        product = factor @ product
    return product


def _factor(gram: Float[Tensor, "N O O"], quintic: tuple[float, float, float]) -> Float[Tensor, "N O O"]:
    """a I + b G + c G^2."""
    factor = _even_part(gram, quintic)
    factor.diagonal(dim1=-2, dim2=-1).add_(quintic[0])
    return factor
