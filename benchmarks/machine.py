"""What a measurement depends on besides its command: processor, its speed in matrix products, torch, commit."""

import os
import platform
import subprocess
import time
from pathlib import Path

import torch


def facts() -> dict[str, object]:
    return {
        "processor": _processor(),
        "threads": torch.get_num_threads(),
        "load_before": round(os.getloadavg()[0], 2),
        "gemm_gflops": {name: round(gemm_flops(dtype) / 1e9) for name, dtype in _DTYPES.items()},
        "torch": torch.__version__,
        "commit": _commit(),
    }


_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def gemm_flops(dtype: torch.dtype, n: int = 4096, width: int = 256) -> float:
    """Floating-point operations per second of a linear layer as in a training step: the best in half a second."""
    x, weight = torch.randn(n, width).to(dtype), torch.randn(4 * width, width).to(dtype)
    best, begin = float("inf"), time.perf_counter()
    while time.perf_counter() - begin < 0.5:
        start = time.perf_counter()
        _ = x @ weight.T
        best = min(best, time.perf_counter() - start)
    return 2 * n * width * 4 * width / best


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]} x {len(names)}" if names else platform.processor()


def _commit() -> str:
    here = Path(__file__).parent
    words = ["git", "-C", str(here), "describe", "--always", "--dirty"]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
