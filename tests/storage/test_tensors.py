import pickle
from pathlib import Path

import pytest
import torch

from closedbook.errors import RunError
from closedbook.storage.tensors import load_weights, save_weights
from closedbook.text.vocabulary import MASK, PAD


class Trap:
    """Makes a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def test_weights_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Bit for bit and with metadata: tied, transposed, scalar, empty, half-precision and NaN tensors."""
    base = torch.randn(3, 7)
    weights = {
        "tied": base,
        "to it": base,
        "transposed": base.T,
        "expanded": base[:, :1].expand(3, 5),
        "scalar": torch.tensor(2.5, dtype=torch.float64),
        "empty": torch.zeros(0, 5),
        "half": torch.randn(11).bfloat16(),
        "counts": torch.arange(3),
        "nan": torch.tensor([float("nan"), float("-inf"), -0.0]),
        "parameter": torch.nn.Parameter(torch.randn(2)),
    }
    save_weights(tmp_path / "w.safetensors", weights, {"vocabulary": f"{PAD}{MASK}ab\n", "b": "1"})
    loaded, metadata = load_weights(tmp_path / "w.safetensors")
    assert metadata == {"vocabulary": f"{PAD}{MASK}ab\n", "b": "1"}
    assert loaded.keys() == weights.keys()
    for name, tensor in weights.items():
        assert loaded[name].dtype == tensor.dtype
        assert loaded[name].shape == tensor.shape
        assert loaded[name].data_ptr() % 64 == 0, "begins where torch begins its own"
        assert pickle.dumps(loaded[name].tolist()) == pickle.dumps(tensor.tolist())
    assert list(tmp_path.iterdir()) == [tmp_path / "w.safetensors"]


def test_weights_without_metadata_have_none(tmp_path: Path) -> None:
    """Reading them gives no metadata."""
    save_weights(tmp_path / "w", {"a": torch.ones(2)}, None)
    assert load_weights(tmp_path / "w")[1] == {}


def test_the_same_weights_are_the_same_bytes(tmp_path: Path) -> None:
    """Files with equal weights and metadata have the same SHA-256."""
    metadata = {str(number): "x" for number in range(13)}
    files = [tmp_path / str(number) for number in range(3)]
    for file in files:
        save_weights(file, {"a": torch.ones(3), "b": torch.zeros(5)}, metadata)
    assert len({file.read_bytes() for file in files}) == 1


@pytest.mark.parametrize("new_format", [True, False])
def test_a_pickle_is_refused_and_not_executed(tmp_path: Path, new_format: bool) -> None:
    """A file made by torch.save ends in one line with the reason."""
    file, trapped = tmp_path / "w.safetensors", tmp_path / "trapped"
    torch.save({"a": Trap(trapped)}, file, _use_new_zipfile_serialization=new_format)
    with pytest.raises(RunError, match="pickles are never loaded") as caught:
        load_weights(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not trapped.exists()


@pytest.mark.parametrize("data", [b"", b"text", b"\xff" * 100, b"\x08" + b"\0" * 7 + b'{"a":1} '])
def test_a_file_that_is_not_safetensors_is_named(tmp_path: Path, data: bytes) -> None:
    """Any other content ends in one line that names the file."""
    (tmp_path / "w").write_bytes(data)
    with pytest.raises(RunError, match=r"w: is no safetensors file, or a damaged one; give"):
        load_weights(tmp_path / "w")


def test_a_missing_file_of_weights_is_named(tmp_path: Path) -> None:
    """A missing file, and a folder in its place, end in one line each."""
    with pytest.raises(RunError, match=r"gone: no such file"):
        load_weights(tmp_path / "gone")
    with pytest.raises(RunError, match=r"cannot be read: Is a directory"):
        load_weights(tmp_path)
