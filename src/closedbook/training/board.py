"""What TensorBoard shows of a run, where it is installed. Whatever is wrong with it, training goes on."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any


class Board:
    """Writes figures for TensorBoard until it first fails, as it may with any exception of what it imports."""

    def __init__(self, folder: Path, after: int) -> None:
        """`after` is the step whose later figures, of a run that was killed, are hidden."""
        self._writer: Any = None
        self._fault: str | None = None
        self._tried(lambda: self._open(folder, after))

    def add(self, figures: Mapping[str, float], step: int) -> None:
        """Write the figures of a step."""
        if self._writer is not None:
            self._tried(lambda: [self._writer.add_scalar(name, value, step) for name, value in figures.items()])

    def close(self) -> None:
        """Write what is not yet written."""
        if self._writer is not None:
            self._tried(self._writer.close)

    def notes(self) -> Iterator[str]:
        """A note to show the user where it has failed since it was asked last."""
        fault, self._fault = self._fault, None
        if fault is not None:
            yield f"nothing more is written for TensorBoard, which failed: {fault}; metrics.jsonl has the same figures"

    def _open(self, folder: Path, after: int) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ModuleNotFoundError as error:
            if error.name != "tensorboard":
                raise
            return  # it is not installed
        self._writer = SummaryWriter(str(folder), purge_step=after + 1)

    def _tried(self, action: Callable[[], object]) -> None:
        try:
            action()
        except Exception as error:  # an import of what TensorBoard needs can fail in any way
            self._writer = None
            self._fault = " ".join(f"{type(error).__name__}: {error}".split())
