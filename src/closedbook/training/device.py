"""Device and precision. Only this, processes.py and the command line read the environment."""

import ctypes
import logging
import os
import sys
from collections.abc import Mapping
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy

from closedbook.errors import InputError
from closedbook.recipe.recipe import Precision
from closedbook.training.processes import join_group, numbers_of_processes

_FABRIC_PRECISION = {"float32": "32-true", "bfloat16": "bf16-mixed"}


def make_fabric(precision: Precision) -> Fabric:
    """A CUDA GPU where there is one, else the CPU; as many processes on as many machines as torchrun started.

    On a Mac that is the CPU: nothing was ever tried on Apple's GPUs.

    `precision` is float32 or bfloat16: see `fastest_precision` for 'auto'. Raises InputError where several processes
    were announced in another way than torchrun's, or this machine has fewer GPUs than processes.
    """
    # Its notices ("Using bfloat16 Automatic Mixed Precision") repeat the run's first line.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    n_here, n_machines = numbers_of_processes()
    n_gpus = torch.cuda.device_count()
    if n_gpus and n_here > n_gpus:
        raise InputError(
            f"--nproc-per-node: a process for each GPU at most is needed; received {n_here}, with {n_gpus} here; give "
            "fewer, or hide the GPUs with CUDA_VISIBLE_DEVICES= to train on the CPU"
        )
    if n_here * n_machines > 1:
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if n_gpus else torch.device("cpu")
        join_group(n_here * n_machines, device)
    fabric = Fabric(
        accelerator="cuda" if n_gpus else "cpu",
        devices=n_here,
        num_nodes=n_machines,
        # No buffer changes in training, so none is copied to the other processes at each step.
        strategy=DDPStrategy(forward_sync_buffers=False) if n_here * n_machines > 1 else "auto",
        precision=_FABRIC_PRECISION[precision],  # type: ignore[arg-type]  # a plain str of Fabric's own set
    )
    fabric.launch()
    return fabric


def free_gpu_memory() -> int | None:
    """Bytes that are free on this process's GPU; None without one."""
    if not torch.cuda.is_available():
        return None
    return torch.cuda.mem_get_info(int(os.environ.get("LOCAL_RANK", "0")))[0]


def give_back_memory() -> None:
    """Return freed memory to the system: with tensors of many sizes, glibc would keep gigabytes of it."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def local_processes() -> int:
    """The number of processes that torchrun started on this machine; raises InputError as `make_fabric` does."""
    return numbers_of_processes().here


def fastest_precision() -> Precision:
    """The faster precision by what the processor can do, so that the same command on the same machine is the same run.

    Not timed: a busy machine would choose otherwise. A step in bfloat16 takes about 0.6 of the time where the processor
    has AVX512-BF16 (benchmarks/precision.py); where it has to convert every number, it takes longer than in float32.
    """
    if torch.cuda.is_available():
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    if numbers_of_processes() != (1, 1):
        return "float32"  # Machines that differ would disagree.
    return "bfloat16" if multiplies_in_bfloat16(torch.cpu.get_capabilities()) else "float32"


def multiplies_in_bfloat16(capabilities: Mapping[str, Any]) -> bool:
    """Whether a processor with these capabilities, as torch.cpu names them, has bfloat16 products that torch uses.

    On ARM, which was not measured, torch uses them through oneDNN, which it has on Linux.
    """
    if capabilities.get("bf16") or capabilities.get("sve_bf16"):
        return sys.platform == "linux"
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))
