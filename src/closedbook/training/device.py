"""Device, number of processes and precision. Only this and the command line read the environment."""

import ctypes
import gc
import logging
import os
import sys
import time

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy

from closedbook.errors import InputError
from closedbook.recipe.recipe import Precision

_FABRIC_PRECISION = {"float32": "32-true", "bfloat16": "bf16-mixed"}


def make_fabric(precision: Precision) -> Fabric:
    """A GPU where there is one, else the CPU; as many processes on as many machines as torchrun started.

    `precision` is float32 or bfloat16: see `fastest_precision` for 'auto'. Raises InputError where several processes
    were announced in another way than torchrun's, or this machine has fewer GPUs than processes.
    """
    # Its notices ("Using bfloat16 Automatic Mixed Precision") repeat the run's first line.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    n_processes = _n_processes()
    n_here = n_processes if n_processes == 1 else int(os.environ["LOCAL_WORLD_SIZE"])
    n_gpus = torch.cuda.device_count()
    if n_gpus and n_here > n_gpus:
        raise InputError(
            f"--nproc-per-node: a process for each GPU at most is needed; received {n_here}, with {n_gpus} here; give "
            "fewer, or hide the GPUs with CUDA_VISIBLE_DEVICES= to train on the CPU"
        )
    fabric = Fabric(
        accelerator="cuda" if n_gpus else "cpu",
        devices=n_here,
        num_nodes=n_processes // n_here,
        # No buffer changes in training, so none is copied to the other processes at each step.
        strategy=DDPStrategy(forward_sync_buffers=False) if n_processes > 1 else "auto",
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
    """Leave the group of processes, if there is one; a process that exits without this can crash at exit.

    No trainer should be in use any more.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        # Trainers that only cycles keep alive go first. A DistributedDataParallel that outlives the group destroys it,
        # and waits, with Python's global lock held, for gloo's thread, which may be waiting for that lock.
        gc.collect()
        torch.distributed.destroy_process_group()


# What torchrun tells each process. Without one of them a process would wait for others that never come.
_TORCHRUN = ("RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RUN_ID")


def _n_processes() -> int:
    """The number of processes that torchrun started; raises InputError where something else announced several."""
    announced = os.environ.get("WORLD_SIZE", "1")
    if announced == "1":
        return 1
    missing = [name for name in _TORCHRUN if name not in os.environ]
    if missing:
        raise InputError(
            f"WORLD_SIZE: torchrun sets it for several processes, and {', '.join(missing)} too; received "
            f"{announced} without; start with `torchrun --standalone --nproc-per-node 2 -m closedbook ...`, or unset "
            "WORLD_SIZE"
        )
    return int(announced)


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
