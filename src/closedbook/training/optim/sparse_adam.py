"""Adam for a table of which a step uses few rows: the others are neither read nor moved.

Adam (Kingma and Ba 2015, algorithm 1) of the rows with a gradient, as torch.optim.SparseAdam has it, with a count of
its own for each row, so that a rare row's first step is corrected as its first.
"""

from typing import Any

import torch
from torch import Tensor

# Rows are met rarely: a longer memory of squares than the other parameters have keeps their steps even.
_BETA1, _BETA2 = 0.9, 0.99
_EPSILON = 1e-8


def update_rows(table: Tensor, state: dict[str, Any], rate: float) -> None:
    """One step of the rows that `table`'s sparse gradient has; `state` is the table's own, at first empty."""
    if not state:
        state["mean"] = torch.zeros_like(table)
        state["square"] = torch.zeros_like(table)
        state["n_steps"] = torch.zeros(len(table), 1, device=table.device)
        # AdamW, when it loads a state, looks for this in every parameter's.
        state["step"] = torch.zeros(())
    assert table.grad is not None
    gradient = table.grad.coalesce()
    (rows,) = gradient.indices()
    values = gradient.values()
    # index_select and index_copy_ take a fraction of the time that state[rows] does, and of index_add_'s.
    n_steps = state["n_steps"].index_select(0, rows).add_(1)
    mean = state["mean"].index_select(0, rows).lerp_(values, 1 - _BETA1)
    square = state["square"].index_select(0, rows).mul_(_BETA2).addcmul_(values, values, value=1 - _BETA2)
    for name, new in (("n_steps", n_steps), ("mean", mean), ("square", square)):
        state[name].index_copy_(0, rows, new)
    # Section 2's last paragraph: both corrections in one factor a row, and epsilon left as it is.
    mean.mul_((1 - _BETA2**n_steps).sqrt_().div_(1 - _BETA1**n_steps).mul_(-rate))
    table.index_copy_(0, rows, table.index_select(0, rows).addcdiv_(mean, square.sqrt_().add_(_EPSILON)))
