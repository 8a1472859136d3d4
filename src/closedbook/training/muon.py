"""Muon for matrices, AdamW for the rest, as one optimizer.

Muon (Jordan et al. 2024, 'Muon: An optimizer for hidden layers in neural networks') replaces a matrix's
averaged gradient by the nearest semi-orthogonal matrix, so that all its directions are learnt at one rate.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

_MOMENTUM = 0.95
# A quintic whose repetition drives singular values into about [0.7, 1.2]; steeper at 0 than an exact one.
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_N_ITERATIONS = 5


class Muon(torch.optim.AdamW):
    """Groups with `muon` true are matrices for Muon; the others are AdamW's, whose options hold for all."""

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        groups = self.param_groups
        self.param_groups = [group for group in groups if not group["muon"]]
        try:
            super().step()
        finally:
            self.param_groups = groups
        for group in groups:
            if group["muon"]:
                self._update(group)
        return loss

    def _update(self, group: dict[str, Any]) -> None:
        """Matrices of one shape are orthogonalised together."""
        by_shape: dict[torch.Size, list[Tensor]] = defaultdict(list)
        for matrix in group["params"]:
            if matrix.grad is not None:
                by_shape[matrix.shape].append(matrix)
        for (n_out, n_in), matrices in by_shape.items():
            updates = orthogonalised(torch.stack([self._nesterov(matrix) for matrix in matrices]))
            # So that a map changes its output by as much whatever its shape.
            rate = group["lr"] * max(1.0, n_out / n_in) ** 0.5
            for matrix, update in zip(matrices, updates, strict=True):
                matrix.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-rate)

    def _nesterov(self, matrix: Tensor) -> Tensor:
        state = self.state[matrix]
        if not state:
            state["momentum"] = torch.zeros_like(matrix)
            # AdamW, when it loads a state, looks for this in every parameter's.
            state["step"] = torch.zeros(())
        assert matrix.grad is not None
        state["momentum"].lerp_(matrix.grad, 1 - _MOMENTUM)
        return matrix.grad.lerp(state["momentum"], _MOMENTUM)


def orthogonalised(matrices: Float[Tensor, "N O I"]) -> Float[Tensor, "N O I"]:
    """About U V^T of each matrix's singular value decomposition U S V^T, by Newton-Schulz iteration."""
    a, b, c = _COEFFICIENTS
    x: Tensor = matrices / (matrices.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    is_tall = x.size(-2) > x.size(-1)
    if is_tall:
        x = x.mT
    for _ in range(_N_ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if is_tall else x
