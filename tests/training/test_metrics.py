"""metrics.jsonl as it is read: whole, cut by a kill, or damaged."""

from pathlib import Path

import pytest

from closedbook.errors import RunError
from closedbook.training.metrics import read_metrics

LINE = '{"kind": "evaluation", "step": 3, "epoch": 1, "accuracy": 0.5}\n'


def test_a_last_line_without_an_end_is_left_out(tmp_path: Path) -> None:
    """A killed process may have written a part of it."""
    (tmp_path / "metrics.jsonl").write_text(LINE + LINE[:20])
    assert [entry["accuracy"] for entry in read_metrics(tmp_path)] == [0.5]


def test_a_last_line_that_is_damaged_is_left_out(tmp_path: Path) -> None:
    """On a full disk a part of a line can be written before the whole line is."""
    (tmp_path / "metrics.jsonl").write_text(LINE + LINE[:20] + LINE)
    assert [entry["accuracy"] for entry in read_metrics(tmp_path)] == [0.5]


def test_a_run_without_metrics_has_none(tmp_path: Path) -> None:
    """A run that an edit made has no such file."""
    assert list(read_metrics(tmp_path)) == []


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\x80",
        b"[]",
        b"3",
        b"{}",
        b"[" * 9000,
        b'{"kind": "step", "step": 3, "epoch": 0}',
        b'{"kind": "evaluation", "step": "3", "epoch": 1, "accuracy": 0.5}',
        b'{"kind": [], "step": 3}',
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, line: bytes) -> None:
    """The error has the file, the line and what to do."""
    (tmp_path / "metrics.jsonl").write_bytes(LINE.encode() + line + b"\n" + LINE.encode())
    with pytest.raises(
        RunError, match=r"metrics.jsonl, line 2: damaged; put the file back from a copy, or remove that"
    ):
        list(read_metrics(tmp_path))
