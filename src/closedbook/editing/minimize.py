"""Minimizing a loss over a few numbers by L-BFGS, until every part of it has reached its goal."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor


class _Reached(Exception):
    """Every loss has reached its goal."""


def minimize(
    losses: Callable[[], Float[Tensor, " B"]], numbers: Tensor, goals: Float[Tensor, " B"], max_steps: int
) -> None:
    """Change `numbers` in place until each loss is at most its goal, or for `max_steps` steps.

    L-BFGS with a strong Wolfe line search (Nocedal and Wright 2006, section 7.2), on the mean of the losses.
    """
    optimizer = torch.optim.LBFGS(
        [numbers], max_iter=max_steps, history_size=10, tolerance_change=0.0, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        now = losses()
        if bool((now <= goals).all()):
            raise _Reached
        optimizer.zero_grad()
        loss = now.mean()
        torch.autograd.backward(loss)
        return loss

    try:
        optimizer.step(closure)  # type: ignore[no-untyped-call]  # torch's own gap
    except _Reached:
        return
