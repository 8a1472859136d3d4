"""TensorBoard beside a training: whatever is wrong with it is one note."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from closedbook.training.board import Board


class Writer:
    """A SummaryWriter of another version, whose disk is full after two figures."""

    def __init__(self, folder: str, purge_step: int) -> None:
        self.folder, self.purge_step, self.n_left = folder, purge_step, 2

    def add_scalar(self, name: str, value: float, step: int) -> None:
        """Write a figure."""
        self.n_left -= 1
        if self.n_left < 0:
            raise OSError(28, f"No space left for {name} {value} of step {step}")

    def close(self) -> None:
        """Write the rest."""
        raise RuntimeError("closed twice")


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """TensorBoard's module in torch, as if it were installed."""
    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    return module


def test_an_import_that_fails_in_any_way_is_a_note(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """An installed TensorBoard beside another NumPy raises AttributeError when it is imported."""
    broken = tmp_path / "tensorboard"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise AttributeError('no attribute\\n float_')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    board = Board(tmp_path / "out", -1)
    board.add({"loss": 1.0}, 1)
    board.close()
    (note,) = board.notes()
    assert "which failed: AttributeError: no attribute float_; metrics.jsonl has the same" in note
    assert list(board.notes()) == []


@pytest.mark.usefixtures("installed")
def test_figures_that_cannot_be_written_are_said_once(tmp_path: Path):
    """After the first failure nothing more is tried, and no exception leaves the board."""
    board = Board(tmp_path, 7)
    board.add({"loss": 1.0, "learning_rate": 0.1}, 8)
    assert list(board.notes()) == []
    for step in (9, 10):
        board.add({"loss": 0.5}, step)
    (note,) = board.notes()
    assert "No space left for loss 0.5 of step 9" in note
    board.close()
    assert list(board.notes()) == []


@pytest.mark.usefixtures("installed")
def test_an_end_that_fails_is_no_exception(tmp_path: Path):
    """What a run has computed is not lost to a writer that cannot be closed."""
    board = Board(tmp_path, -1)
    board.close()
    assert "RuntimeError: closed twice" in next(board.notes())


def test_without_tensorboard_nothing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Most people have none."""
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    board = Board(tmp_path, -1)
    board.add({"loss": 1.0}, 1)
    board.close()
    assert list(board.notes()) == []
