"""Fingerprint: what a run's exact weights depend on besides its recipe and data: machine, versions, precision."""

import platform
from collections.abc import Mapping
from pathlib import Path

import torch

from closedbook.storage.made_by import made_by

_CPUINFO = Path("/proc/cpuinfo")
# Prefixes of the x86 and ARM features by which torch's kernels and libraries choose their instructions.
_FEATURES = ("avx", "amx", "fma", "f16c", "asimd", "sve", "bf16", "i8mm")


def fingerprint(precision: str, device: str | torch.device = "cpu") -> dict[str, str]:
    """Two runs on a CPU with the same fingerprint, recipe and data have the same weights, bit for bit."""
    cpu = _cpuinfo()
    features = cpu.get("flags", cpu.get("Features", "")).split()
    chosen = sorted(feature for feature in features if feature.startswith(_FEATURES))
    device = torch.device(device)
    return {
        **made_by(),
        "precision": precision,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": str(torch.get_num_threads()),
        # MKL and oneDNN choose the block sizes of products by the processor's maker and caches.
        "processor": cpu.get("model name") or platform.processor() or platform.machine(),
        "processor features": " ".join([torch.backends.cpu.get_cpu_capability(), *chosen]),
    }


def differences(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """A phrase for each entry that differs: 'torch 2.12.0 then, 2.13.0 now'."""
    return [
        f"{name} {then.get(name, 'unknown')} then, {now.get(name, 'unknown')} now"
        for name in {**then, **now}
        if then.get(name) != now.get(name)
    ]


def _cpuinfo() -> dict[str, str]:
    """/proc/cpuinfo of the first processor; empty where there is none."""
    try:
        first = _CPUINFO.read_text(encoding="utf-8", errors="replace").split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}
