"""Tensors in files, as safetensors. No pickle is ever loaded."""

import json
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from closedbook.errors import RunError
from closedbook.files.durable import write_atomically
from closedbook.storage.foreign import no_safetensors, read_header, todays_name
from closedbook.storage.sums import read_summed


def save_weights(path: Path, weights: Mapping[str, Tensor], metadata: Mapping[str, str] | None) -> None:
    """Write a safetensors file, with the same bytes for the same weights and metadata; raises RunError."""
    write_atomically(path, tensors_to_bytes(weights, metadata or {}))


def load_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a safetensors file; raises RunError where there is none, and on any pickle."""
    try:
        read_header(path)  # so that no file is read that has something else, or a header without end
    except RunError as fault:
        raise RunError(f"{fault}; give a .safetensors file that closedbook wrote") from None
    return tensors_from_bytes(path, read_summed(path))


def tensors_to_bytes(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """The bytes of a safetensors file; tensors that share memory are written separately."""
    copies = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()
    }
    data = safetensors.torch.save(copies)
    if not metadata:
        return data
    # safetensors shuffles the metadata's keys; sorted here, so that equal weights give equal files.
    end = 8 + int.from_bytes(data[:8], "little")
    header = {"__metadata__": dict(sorted(metadata.items())), **json.loads(data[8:end])}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[end:]


def tensors_from_bytes(path: Path, data: bytes) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata from the bytes of the safetensors file `path`; raises RunError."""
    try:
        # Cloned, since the last bits of a product can depend on a tensor's alignment in memory.
        tensors = {name: tensor.clone() for name, tensor in safetensors.torch.load(data).items()}
    except (SafetensorError, KeyError, ValueError, RuntimeError):
        raise RunError(f"{path}: {no_safetensors(data)}") from None
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return tensors, header.get("__metadata__", {})


def with_todays_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A model's weights under today's names."""
    return {todays_name(name): tensor for name, tensor in weights.items()}
