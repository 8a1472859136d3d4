"""Weights for the page: integers times steps, as narrow as answers allow, and packed into text.

A matrix has a step for each row, its largest weight divided by the largest integer. A table has one step for all rows,
so that a row of small weights takes few bits, and its rows of zeros, which training never touched, are left out.
Integers are bytes, or pairs of bytes; deflate's Huffman code makes bytes that take few values short (uniform
quantization with entropy coding: Gish and Pierce 1968, 'Asymptotically efficient quantizing').

Letters: R rows, K rows kept, N columns.
"""

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

_TABLES = ("prefix_table.table.weight", "name_table.table.weight")
"""Their rows are read one by one."""


@dataclass(frozen=True)
class Coding:
    """How narrow weights are: the bits of an integer, sign included, and a table's step as a share of its RMS.

    With None for `table_step` a table's step is its largest weight, divided by the largest integer.
    """

    bits: int
    table_step: float | None = None

    @property
    def largest(self) -> int:
        """The largest integer."""
        return (1 << (self.bits - 1)) - 1


CODINGS = (Coding(8, 0.4), Coding(8, 0.2), Coding(8), Coding(11), Coding(16))
"""From the narrowest."""


@dataclass(frozen=True)
class Quantized:
    """A tensor as integers times steps: one step for all rows or one for each; rows that are not `kept` are zeros."""

    shape: tuple[int, ...]
    integers: Int[Tensor, "K N"]
    steps: Float[Tensor, " S"]
    kept: NDArray[np.bool_]
    n_bytes: int
    """Of an integer."""

    def values(self) -> Tensor:
        """The tensor that the page's model works with."""
        rows = torch.zeros(len(self.kept), self.integers.size(1))
        rows[torch.from_numpy(self.kept)] = self.integers * self.steps[:, None]
        return rows.view(self.shape)

    def parts(self) -> list[bytes]:
        """The bytes: steps, which rows are kept where some are not, and integers, their low bytes first."""
        kept = [] if self.kept.all() else [np.packbits(self.kept, bitorder="little").tobytes()]
        integers = self.integers.numpy().astype(np.int16)
        planes = [(integers >> shift).astype(np.uint8).tobytes() for shift in range(0, 8 * self.n_bytes, 8)]
        return [self.steps.numpy().astype("<f4").tobytes(), *kept, *planes]


@dataclass(frozen=True)
class PackedWeights:
    """A model's weights as the page has them.

    `tensors` say what the bytes in `data` are, in their order; `values` are the weights that they stand for.
    """

    tensors: tuple[dict[str, object], ...]
    data: bytes
    values: Mapping[str, Tensor]


def pack_weights(weights: Mapping[str, Tensor], coding: Coding) -> PackedWeights:
    """A model's weights by name; vectors stay in float32."""
    tensors: list[dict[str, object]] = []
    parts: list[bytes] = []
    values = {}
    for name, tensor in weights.items():
        shape = tensor.shape[1:] if tensor.dim() > 2 else tensor.shape  # (1, T, C) is a matrix too
        is_table = name in _TABLES
        facts: dict[str, object] = {"name": name, "shape": list(shape), "isTable": is_table}
        if len(shape) == 1:
            tensors.append(facts | {"nBytes": 4})
            parts.append(tensor.numpy().astype("<f4").tobytes())
            values[name] = tensor
            continue
        made = quantized(tensor.reshape(shape), coding, is_table=is_table)
        values[name] = made.values().view(tensor.shape)
        n_kept = int(made.kept.sum())
        tensors.append(facts | {"nBytes": made.n_bytes, "nSteps": len(made.steps), "nKept": n_kept})
        parts += made.parts()
    return PackedWeights(tuple(tensors), b"".join(parts), values)


def quantized(matrix: Float[Tensor, "R N"], coding: Coding, *, is_table: bool) -> Quantized:
    """A matrix in a coding; a weight differs by half a step at most."""
    kept = (matrix != 0).any(1) if is_table else torch.ones(len(matrix), dtype=torch.bool)
    rows = matrix[kept]
    if is_table:
        step = rows.abs().max() / coding.largest if len(rows) else torch.tensor(0.0)
        if coding.table_step is not None and len(rows):
            step = torch.maximum(step, coding.table_step * rows.square().mean().sqrt())
        steps = step[None]
    else:
        steps = rows.abs().amax(1) / coding.largest
    steps = torch.where(steps > 0, steps, torch.ones_like(steps))
    integers = torch.round(rows / steps[:, None]).to(torch.int16)
    return Quantized(tuple(matrix.shape), integers, steps, kept.numpy(), -(-coding.bits // 8))


def packed_text(data: bytes, *, is_text: bool) -> str:
    """Deflated bytes in base64; in numbers nothing repeats, so that they are coded byte by byte."""
    strategy = zlib.Z_DEFAULT_STRATEGY if is_text else zlib.Z_HUFFMAN_ONLY
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15, 9, strategy)
    return base64.b64encode(deflate.compress(data) + deflate.flush()).decode()
