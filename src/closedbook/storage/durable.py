"""Files that are there whole or not at all, and tensors in them as safetensors. No pickle is ever loaded."""

import errno
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from closedbook.errors import RunError


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that, whenever the process dies, the old or the new one is whole; raises RunError."""
    temporary = temporary_beside(path)
    try:
        try:
            write_synced(temporary, data)
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise RunError(
            f"{path}: cannot be written: {error.strerror or error}; make room, or give a folder that can be written to"
        ) from error


def save_weights(path: Path, weights: Mapping[str, Tensor], metadata: Mapping[str, str] | None) -> None:
    """Write a safetensors file, the same bytes for the same weights and metadata; raises RunError."""
    write_atomically(path, tensors_to_bytes(weights, metadata or {}))


def load_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a safetensors file; raises RunError where there is none, and on any pickle."""
    try:
        return tensors_from_bytes(path, contents(path))
    except RunError as fault:
        raise RunError(f"{fault}; give a .safetensors file that closedbook wrote") from None


def tensors_to_bytes(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """A safetensors file's bytes; tied and strided tensors are written out each by itself."""
    copies = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()
    }
    data = safetensors.torch.save(copies)
    if not metadata:
        return data
    # safetensors shuffles the metadata's keys at each call; sorted, equal weights are equal files.
    end = 8 + int.from_bytes(data[:8], "little")
    header = {"__metadata__": dict(sorted(metadata.items())), **json.loads(data[8:end])}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[end:]


def tensors_from_bytes(path: Path, data: bytes) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a safetensors file's bytes; raises RunError, which names `path`."""
    try:
        # Cloned, since the last bits of a product may depend on where in memory a tensor begins.
        tensors = {name: tensor.clone() for name, tensor in safetensors.torch.load(data).items()}
    except (SafetensorError, KeyError, ValueError, RuntimeError):
        if data.startswith((b"PK\x03\x04", b"\x80")):
            reason = "looks like a pickle, and pickles are never loaded, since they can run code"
        else:
            reason = "is no safetensors file, or a damaged one"
        raise RunError(f"{path}: {reason}") from None
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return tensors, header.get("__metadata__", {})


def contents(path: Path) -> bytes:
    """A file's bytes; raises RunError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise RunError(f"{path}: no such file") from None
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None


def temporary_beside(path: Path) -> Path:
    """Where this process writes what is to become `path`."""
    return path.with_name(f".tmp-{os.getpid()}-{path.name}")


def remove_leftovers(folder: Path) -> None:
    """Remove what a killed process was in the middle of writing there."""
    for leftover in folder.glob(".tmp-*"):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()


def write_synced(path: Path, data: bytes) -> None:
    """Write a file and wait until the disk has it; may leave half of it, so `path` is a temporary one."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names in a folder, where the system can do that."""
    if os.name == "nt":  # Windows opens no folders.
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # Some network file systems answer so.
            raise
    finally:
        os.close(descriptor)
