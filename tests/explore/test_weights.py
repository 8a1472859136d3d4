"""Quantized weights: how far they are from the model's, and how they are packed."""

import base64
import zlib

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from closedbook.explore.weights import CODINGS, Coding, pack_weights, packed_text, quantized

numbers = st.floats(-8, 8, width=32)
matrices = st.integers(1, 5).flatmap(
    lambda n: st.lists(st.lists(numbers, min_size=n, max_size=n), min_size=1, max_size=11).map(torch.tensor)
)


@given(matrices, st.sampled_from(CODINGS), st.booleans())
def test_a_weight_differs_by_half_a_step_at_most(matrix: torch.Tensor, coding: Coding, is_table: bool) -> None:
    """Whatever the numbers, and rows of zeros are zeros again."""
    made = quantized(matrix, coding, is_table=is_table)
    off = (made.values() - matrix).abs()
    assert (off <= made.steps.max() * 0.5001 + 1e-7).all()
    assert not made.values()[(matrix == 0).all(1)].any()
    assert all(abs(i) < 2 ** (coding.bits - 1) for i in made.integers.flatten().tolist())


@given(matrices, st.sampled_from(CODINGS))
def test_bytes_are_steps_rows_and_integers(matrix: torch.Tensor, coding: Coding) -> None:
    """A table read back from its bytes is the one that PyTorch answers with; its rows of zeros take a bit each."""
    packed = pack_weights({"name_table.table.weight": matrix}, coding)
    (facts,) = packed.tensors
    n_rows, width = facts["shape"]
    step, rest = np.frombuffer(packed.data[:4], "<f4"), packed.data[4:]
    n_kept = facts["nKept"]
    kept = np.ones(n_rows, dtype=bool)
    if n_kept < n_rows:
        n_bytes = -(-n_rows // 8)
        kept = np.unpackbits(np.frombuffer(rest[:n_bytes], "u1"), count=n_rows, bitorder="little").astype(bool)
        rest = rest[n_bytes:]
    assert len(rest) == n_kept * width * -(-coding.bits // 8)
    low = np.frombuffer(rest[: n_kept * width], "u1").astype(np.int16)
    high = np.frombuffer(rest[n_kept * width :], "u1").astype(np.int16)
    integers = low | high << 8 if coding.bits > 8 else low.astype(np.int8)
    values = np.zeros((n_rows, width), dtype=np.float32)
    values[kept] = integers.reshape(n_kept, width) * step
    np.testing.assert_array_equal(values, packed.values["name_table.table.weight"].numpy())


@given(st.binary(max_size=999), st.booleans())
def test_packed_text_inflates_to_the_same_bytes(data: bytes, is_text: bool) -> None:
    """Base64 of what DecompressionStream("deflate-raw") reads."""
    assert zlib.decompress(base64.b64decode(packed_text(data, is_text=is_text)), -15) == data


def test_a_table_of_few_values_takes_few_bits() -> None:
    """Weights of one standard deviation, in steps of 0.4 of it, take less than four bits each."""
    torch.manual_seed(0)
    packed = pack_weights({"prefix_table.table.weight": torch.randn(997, 31)}, CODINGS[0])
    assert len(packed_text(packed.data, is_text=False)) * 6 < 997 * 31 * 4
