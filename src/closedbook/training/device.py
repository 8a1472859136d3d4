"""Device, number of processes and precision. Only this and the command line read the environment."""

import ctypes
import logging
import os
import sys
import time

import torch
from lightning_fabric import Fabric

from closedbook.recipe.recipe import Precision

_FABRIC_PRECISION = {"float32": "32-true", "bfloat16": "bf16-mixed"}


def make_fabric(precision: Precision) -> Fabric:
    """A GPU where there is one, else the CPU; as many processes as torchrun started.

    `precision` is float32 or bfloat16: see `fastest_precision` for 'auto'.
    """
    # Its notices ("Using bfloat16 Automatic Mixed Precision") repeat the run's first line.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    n_processes = _n_processes()
    accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    fabric = Fabric(
        accelerator=accelerator,
        devices=n_processes,
        strategy="ddp" if n_processes > 1 else "auto",
        precision=_FABRIC_PRECISION[precision],  # type: ignore[arg-type]  # a plain str of Fabric's own set
    )
    fabric.launch()
    return fabric


def give_back_memory() -> None:
    """Return freed memory to the system: with tensors of many sizes, glibc would keep gigabytes of it."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def leave_group() -> None:
    """Leave the group of processes, if there is one; a process that exits without this can crash at exit."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _n_processes() -> int:
    """The number of processes that torchrun started."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def fastest_precision(n_embd: int) -> Precision:
    """The precision in which the widest matrix product of a step is faster, measured in under half a second."""
    if torch.cuda.is_available():
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    if _n_processes() > 1:
        return "float32"  # Each process would measure for itself, and they might disagree.
    seconds = {name: _product_seconds(n_embd, dtype) for name, dtype in _DTYPES.items()}
    # Mixed precision casts every weight at every step, which a small gain in the products does not make up for.
    return "bfloat16" if seconds["bfloat16"] < 0.7 * seconds["float32"] else "float32"


_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def _product_seconds(n_embd: int, dtype: torch.dtype) -> float:
    """The best time of a feed-forward layer's products over 2,048 characters: forward and both gradients."""
    x = torch.ones(2048, n_embd, dtype=dtype)
    weight = torch.ones(4 * n_embd, n_embd, dtype=dtype)
    best = float("inf")
    begin = time.perf_counter()
    while time.perf_counter() - begin < 0.15:
        start = time.perf_counter()
        y = x @ weight.T
        _ = y @ weight
        _ = y.T @ x
        best = min(best, time.perf_counter() - start)
    return best
