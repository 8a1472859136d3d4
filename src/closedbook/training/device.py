"""Where the arithmetic happens: device, processes, precision. With cli.py the only reader of the environment."""

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
    """One GPU where there is one, else the CPU; as many processes as torchrun started.

    `precision` must have been resolved: 'auto' is none.
    """
    # Its notices ("Using bfloat16 Automatic Mixed Precision") say nothing that the run's first line does not.
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
    """Return to the system what was freed: of tensors of ever other sizes glibc would keep some gigabytes."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def leave_group() -> None:
    """Part from the other processes, if there are any; one that just ends may be killed by threads that still wait."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _n_processes() -> int:
    """As many as torchrun started."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def fastest_precision(n_embd: int) -> Precision:
    """Time the widest product of a step in both precisions and take the faster; under half a second."""
    if torch.cuda.is_available():
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    if _n_processes() > 1:
        return "float32"  # Each would time for itself, and come to its own result.
    seconds = {name: _product_seconds(n_embd, dtype) for name, dtype in _DTYPES.items()}
    # Mixed precision casts every weight at every step, so a small gain in products is none.
    return "bfloat16" if seconds["bfloat16"] < 0.7 * seconds["float32"] else "float32"


_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def _product_seconds(n_embd: int, dtype: torch.dtype) -> float:
    """The best of a few runs of a feed-forward map over 2,048 characters, forward and both gradients."""
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
