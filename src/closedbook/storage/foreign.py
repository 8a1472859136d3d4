"""Runs from others: their weights are compared with their recipe before anything is allocated, links are not followed.

A recipe may ask for more memory than there is; weights may be another model's, or no numbers; a link in the folder may
lead to any file of the user's.
"""

import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from closedbook.errors import RunError
from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT

MAX_HEADER = 1_000_000
"""Bytes of a header at most: some ten thousand tensors."""

_NO_SAFETENSORS = "is no safetensors file, or a damaged one"
_SIZES = {
    "BOOL": 1, "U8": 1, "I8": 1, "I16": 2, "I32": 4, "I64": 8, "F16": 2, "BF16": 2, "F32": 4, "F64": 8,
}  # fmt: skip
"""Bytes of a number of each dtype that is read."""
_DTYPES = {
    torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.bool: "BOOL",
}  # fmt: skip


class TensorFacts(NamedTuple):
    """What a header says of a tensor: the name of its dtype as safetensors has it, and its shape; None is any size."""

    dtype: str
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        return f"{self.dtype} {list(self.shape)}"


def read_header(path: Path) -> dict[str, TensorFacts]:
    """The tensors that a safetensors file says it has, by name.

    Raises RunError where the header is over MAX_HEADER, or the file is larger or smaller than its tensors.
    """
    try:
        with path.open("rb") as file:
            n_bytes = os.fstat(file.fileno()).st_size
            begin = file.read(8)
            n_header = int.from_bytes(begin, "little")
            if len(begin) < 8 or n_header > n_bytes - 8:
                raise RunError(f"{path}: {no_safetensors(begin)}")
            if n_header > MAX_HEADER:
                raise RunError(f"{path}: a header of at most {MAX_HEADER:,} bytes is read; it has {n_header:,}")
            header = json.loads(file.read(n_header))
    except FileNotFoundError:
        raise RunError(f"{path}: no such file") from None
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise RunError(f"{path}: {_NO_SAFETENSORS}") from None
    try:
        facts = {
            name: TensorFacts(str(entry["dtype"]), tuple(int(size) for size in entry["shape"]))
            for name, entry in header.items()
            if name != "__metadata__"
        }
        n_data = sum(_SIZES[one.dtype] * math.prod(size or 0 for size in one.shape) for one in facts.values())
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise RunError(f"{path}: {_NO_SAFETENSORS}") from None
    if n_data != n_bytes - 8 - n_header:
        raise RunError(f"{path}: damaged: {n_data:,} bytes by its header, {n_bytes - 8 - n_header:,} there")
    return facts


def no_safetensors(begin: bytes) -> str:
    """What a file is that begins like this and is no safetensors file, in words."""
    if begin.startswith((b"PK\x03\x04", b"\x80")):
        return "looks like a pickle, and pickles are never loaded, since they can run code"
    return _NO_SAFETENSORS


def facts_of(weights: Mapping[str, Tensor]) -> dict[str, TensorFacts]:
    """The same of tensors in memory, or without any (torch's device 'meta')."""
    return {
        name: TensorFacts(_DTYPES.get(tensor.dtype, str(tensor.dtype)), tuple(tensor.shape))
        for name, tensor in weights.items()
    }


def refuse_foreign_weights(path: Path, config: ModelConfig, vocab_size: int) -> None:
    """Raise RunError where a file has other weights than a model of this recipe; of its tables' rows any number.

    Only the header is read, and no model allocated.
    """
    header = {todays_name(name): facts for name, facts in read_header(path).items()}
    # So that a recipe cannot have a module made for each of a thousand million layers.
    if config.n_layer > len(header):
        raise RunError(f"{path}: weights of another model: {len(header)} tensors for {config.n_layer:,} layers")
    try:
        with torch.device("meta"):
            bare = GPT(replace(config, prefix_table=False, name_table=False), vocab_size)
    except (RuntimeError, OverflowError, TypeError):  # sizes that torch cannot count
        raise RunError(f"{path}: weights of another model: the recipe's is larger than any file") from None
    refuse_other(facts_of(bare.state_dict()) | dict(_table_facts(config)), header, path)


def todays_name(name: str) -> str:
    """A weight's name today: older versions called the prefix table `memory`."""
    return re.sub(r"^memory\.", "prefix_table.", name)


def _table_facts(config: ModelConfig) -> Iterator[tuple[str, TensorFacts]]:
    width = config.name_width or config.n_embd
    if config.prefix_table:
        yield "prefix_table.table.weight", TensorFacts("F32", (None, config.n_embd))
    if config.has_names:
        yield "name_table.table.weight", TensorFacts("F32", (None, width))
        if width != config.n_embd:
            yield "name_table.projection.weight", TensorFacts("F32", (config.n_embd, width))


def refuse_other(own: Mapping[str, TensorFacts], header: Mapping[str, TensorFacts], path: Path) -> None:
    """Raise RunError where a file has other weights than a model's `own`: another name, dtype or shape."""
    for name in sorted(own.keys() | header.keys()):
        mine, other = own.get(name), header.get(name)
        if mine is None or other is None or not _is_same(mine, other):
            raise RunError(
                f"{path}: weights of another model: {name} is {other or 'missing'} there and {mine or 'unknown'} here; "
                "use the recipe and corpus that it was trained with"
            )


def _is_same(own: TensorFacts, other: TensorFacts) -> bool:
    sizes = zip(own.shape, other.shape, strict=False)
    return own.dtype == other.dtype and len(own.shape) == len(other.shape) and all(a in (None, b) for a, b in sizes)


def refuse_not_finite(weights: Mapping[str, Tensor], path: Path) -> None:
    """Raise RunError where a weight is infinite or NaN: no training of ours ends with such."""
    for name, tensor in weights.items():
        if not bool(torch.isfinite(tensor).all()):
            raise RunError(
                f"{path}: {name} has infinite numbers or NaN, and no trained model has; put it back from a copy"
            )


def refuse_links(run: Path) -> None:
    """Raise RunError where something in a run's folder is a link to what is outside of it; the folder may be one."""
    home = run.resolve()
    for folder, folders, files in os.walk(run):
        for name in [*folders, *files]:
            path = Path(folder, name)
            if path.is_symlink() and not path.resolve().is_relative_to(home):
                raise RunError(f"{path}: a link to outside of the run, which is not followed; put a copy in its place")
