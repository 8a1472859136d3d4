"""Sparse Adam: Adam for an embedding table, updating only the rows that a step used.

Adam (Kingma and Ba 2015, algorithm 1) over the rows with a gradient, as torch.optim.SparseAdam; but each row has a step
count of its own, so that the bias of its moments is corrected by how often it was updated.
"""

from typing import Any

import torch
from torch import Tensor

from closedbook.training.optim.tables import rows_and_values

# A row is updated rarely, so its squared gradients are averaged over more updates than those of other parameters.
_BETA1, _BETA2 = 0.9, 0.99
_EPSILON = 1e-8


def update_rows(table: Tensor, state: dict[str, Any], rate: float) -> None:
    """One step for the rows in `table`'s sparse gradient; `state` belongs to the table and is empty at first."""
    if not state:
        state["mean"] = torch.zeros_like(table)
        state["square"] = torch.zeros_like(table)
        state["n_steps"] = torch.zeros(len(table), 1, device=table.device)
        # AdamW.load_state_dict needs this entry in the state of every parameter.
        state["step"] = torch.zeros(())
    assert table.grad is not None
    rows, values = rows_and_values(table)
    # index_select and index_copy_ take a fraction of the time of state[rows] and index_add_.
    n_steps = state["n_steps"].index_select(0, rows).add_(1)
    mean = state["mean"].index_select(0, rows).lerp_(values, 1 - _BETA1)
    square = state["square"].index_select(0, rows).mul_(_BETA2).addcmul_(values, values, value=1 - _BETA2)
    for name, new in (("n_steps", n_steps), ("mean", mean), ("square", square)):
        state[name].index_copy_(0, rows, new)
    # The paper's section 2, last paragraph: both corrections as one factor per row, epsilon uncorrected.
    mean.mul_((1 - _BETA2**n_steps).sqrt_().div_(1 - _BETA1**n_steps).mul_(-rate))
    table.index_copy_(0, rows, table.index_select(0, rows).addcdiv_(mean, square.sqrt_().add_(_EPSILON)))
