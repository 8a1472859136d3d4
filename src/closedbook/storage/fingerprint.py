"""What a run's numbers depend on besides its recipe and data: machine, torch, precision."""

import platform
from collections.abc import Mapping
from pathlib import Path

import torch

_CPUINFO = Path("/proc/cpuinfo")
# Of x86 and of ARM: what torch's kernels and its libraries choose their instructions by.
_FEATURES = ("avx", "amx", "fma", "f16c", "asimd", "sve", "bf16", "i8mm")


def fingerprint(precision: str, device: str | torch.device = "cpu") -> dict[str, str]:
    """Where all of this is the same, training gives the same weights, bit for bit, on a CPU."""
    cpu = _cpuinfo()
    features = cpu.get("flags", cpu.get("Features", "")).split()
    chosen = sorted(feature for feature in features if feature.startswith(_FEATURES))
    device = torch.device(device)
    return {
        "torch": torch.__version__,
        "precision": precision,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": str(torch.get_num_threads()),
        # The model too: MKL and oneDNN cut products into blocks by its maker and its caches.
        "processor": cpu.get("model name") or platform.processor() or platform.machine(),
        "processor features": " ".join([torch.backends.cpu.get_cpu_capability(), *chosen]),
    }


def differences(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """One phrase for each entry that is not the same: 'torch 2.12.0 then, 2.13.0 now'."""
    return [
        f"{name} {then.get(name, 'unknown')} then, {now.get(name, 'unknown')} now"
        for name in {**then, **now}
        if then.get(name) != now.get(name)
    ]


def _cpuinfo() -> dict[str, str]:
    """What Linux says of the first processor; empty elsewhere."""
    try:
        first = _CPUINFO.read_text(encoding="utf-8", errors="replace").split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}
