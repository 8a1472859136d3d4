"""Embedding tables with sparse gradients: which they are, what they cost, and their gradients over several processes.

DistributedDataParallel would all-reduce sparse gradients, which gloo can and NCCL cannot. So it is not told of the
tables, and each step gathers the rows that any process used.

Letters: N rows, C channels.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from closedbook.training.processes import all_gathered

_BYTES = 4


def sparse_tables(model: nn.Module) -> dict[str, nn.Parameter]:
    """The trainable weights of embeddings with sparse gradients, by parameter name."""
    sparse = {name for name, module in model.named_modules() if isinstance(module, nn.Embedding) and module.sparse}
    trained = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    return {name: parameter for name, parameter in trained if name.removesuffix(".weight") in sparse}


def n_bytes_trained(table: nn.Parameter, optimizer: Literal["row_wise", "sparse_adam"]) -> int:
    """Bytes that a table takes while it is trained: its rows in float32, and what the optimizer keeps for each."""
    n_rows, n_channels = table.shape
    # A step count, and one mean of squares per row, or both moments of Adam.
    n_kept = 1 + (1 if optimizer == "row_wise" else 2 * n_channels)
    return n_rows * (n_channels + n_kept) * _BYTES


@contextmanager
def without_gradients(tables: Iterable[nn.Parameter]) -> Iterator[None]:
    """Inside the block the tables need no gradient; DistributedDataParallel exchanges none that need none when made."""
    tables = list(tables)
    for table in tables:
        table.requires_grad_(False)
    try:
        yield
    finally:
        for table in tables:
            table.requires_grad_(True)


def average_rows(table: nn.Parameter, n_processes: int) -> None:
    """Replace a table's gradient by its mean over all processes, as DistributedDataParallel does for other parameters.

    All processes get the same bits. A process that used no row may have no gradient.
    """
    if n_processes == 1:
        return
    rows, values = rows_and_values(table)
    n_rows = all_gathered(torch.tensor(len(rows), device=table.device), n_processes)
    n_most = int(n_rows.max())
    padding = n_most - len(rows)  # gathering needs one shape
    is_used = torch.arange(n_most, device=table.device) < n_rows[:, None]
    all_rows = all_gathered(nn.functional.pad(rows, (0, padding)), n_processes)[is_used]
    all_values = all_gathered(nn.functional.pad(values, (0, 0, 0, padding)), n_processes)[is_used] / n_processes
    # Rows of a gradient are rows of its table, which need no check.
    table.grad = torch.sparse_coo_tensor(all_rows[None], all_values, table.shape, check_invariants=False).coalesce()


def rows_and_values(table: Tensor) -> tuple[Int64[Tensor, " N"], Float[Tensor, "N C"]]:
    """The rows that have a gradient, each once, and their gradients."""
    if table.grad is None:
        return torch.zeros(0, dtype=torch.long, device=table.device), table.new_zeros(0, table.size(1))
    gradient = table.grad.coalesce()
    return gradient.indices()[0], gradient.values()
