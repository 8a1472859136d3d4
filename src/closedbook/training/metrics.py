"""metrics.jsonl: a line per step and a line per evaluation; the same for TensorBoard, if it is installed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from closedbook.errors import RunError
from closedbook.files.durable import read_bytes, write_atomically
from closedbook.training.board import Board
from closedbook.training.events import Evaluated
from closedbook.training.trainer import StepReport

_FIGURES = {
    "step": ("step", "epoch", "loss", "n_supervised", "n_characters", "seconds"),
    "evaluation": ("step", "epoch", "accuracy"),
}
"""What the line of a kind has at least."""


class MetricsLog:
    """Appends to a run's metrics.

    Lines of steps later than `after` are removed first: a killed run wrote them after its last checkpoint, and will
    write them again. So is that of an evaluation after this step, unless the checkpoint `is_evaluated`. Only the
    process that `writes` touches the file.
    """

    def __init__(self, run: Path, after: int, *, is_evaluated: bool = True, writes: bool = True) -> None:
        self._path = run / "metrics.jsonl"
        self._file: IO[str] | None = None
        self._board: Board | None = None
        if writes:
            self._open(run, after, is_evaluated)

    def _open(self, run: Path, after: int, is_evaluated: bool) -> None:
        entries = [entry for entry in read_metrics(run) if entry["step"] <= after]
        if not is_evaluated:
            entries = [entry for entry in entries if entry["step"] < after or entry["kind"] == "step"]
        kept = [json.dumps(entry) + "\n" for entry in entries]
        write_atomically(self._path, "".join(kept).encode())
        with self._as_run_error():
            self._file = self._path.open("a", encoding="utf-8", newline="\n")
        self._board = Board(run / "tensorboard", after)

    def cut(self, after: int) -> None:
        """Remove the lines of steps later than `after`, which will be taken again."""
        if self._file is not None:
            self._close()
            self._open(self._path.parent, after, is_evaluated=True)

    def step(self, report: StepReport) -> list[str]:
        """Write a step's line; returns notes to show the user where TensorBoard has failed."""
        entry = asdict(report)
        self._write({"kind": "step", **entry}, {name: entry[name] for name in ("loss", "learning_rate")})
        return [] if self._board is None else list(self._board.notes())

    def evaluation(self, step: int, evaluated: Evaluated) -> None:
        """Write the line of an evaluation after `step`."""
        figures = {
            "accuracy": evaluated.score.accuracy,
            "seen_text_loss": evaluated.seen_text_loss,
            "validation_pairs_loss": evaluated.validation_pairs_loss,
        }
        known = {name: value for name, value in figures.items() if value is not None}
        self._write({"kind": "evaluation", "step": step, "epoch": evaluated.epoch, **figures}, known)

    def _write(self, entry: dict[str, Any], scalars: dict[str, float]) -> None:
        if self._file is None:
            return
        with self._as_run_error():
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()
        if self._board is not None:
            self._board.add(scalars, entry["step"])

    @contextmanager
    def _as_run_error(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise RunError(f"{self._path}: cannot be written: {error.strerror}; free some space, and resume") from error

    def __enter__(self) -> "MetricsLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            # Closing tries once more to write what could not be written, which was reported already.
            with suppress(OSError):
                self._file.close()
        if self._board is not None:
            self._board.close()


def read_metrics(run: Path) -> Iterator[dict[str, Any]]:
    """The entries so far; a last line that was cut is left out. Raises RunError on another damaged one."""
    path = run / "metrics.jsonl"
    if not path.exists():
        return
    *lines, _ = read_bytes(path).split(b"\n")
    for number, line in enumerate(lines, 1):
        entry = _entry(line)
        if entry is None and number == len(lines):
            return  # A full disk can cut a line too, and have its end written once more when the file is closed.
        if entry is None:
            raise RunError(f"{path}, line {number}: damaged; put the file back from a copy, or remove that line")
        yield entry


def _entry(line: bytes) -> dict[str, Any] | None:
    """The entry in a line; None where it lacks one of the figures that every version has written."""
    try:
        entry = json.loads(line)
        figures = [entry[name] for name in _FIGURES[entry["kind"]]]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return entry if all(type(figure) in (int, float) for figure in figures) else None


def read_steps(run: Path) -> list[dict[str, Any]]:
    """The entries of steps so far."""
    return [entry for entry in read_metrics(run) if entry["kind"] == "step"]
