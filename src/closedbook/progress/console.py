"""Output to people: results on standard output, everything else on standard error."""

import errno
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from rich.console import Console

from closedbook.progress.printable import printable


class _StandardError(io.TextIOBase):
    """Standard error as it is now; what cannot be written is lost, so that a closed terminal ends no training.

    Nor does a signal's handler fail that writes while something is being written, which is a RuntimeError.
    """

    @property
    def _stream(self) -> Any:
        return getattr(sys.stderr, "rich_proxied_file", sys.stderr)  # rich puts its own in the place of a live display

    def write(self, text: str) -> int:
        with suppress(OSError, RuntimeError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, RuntimeError):
            self._stream.flush()

    def isatty(self) -> bool:
        return bool(self._stream.isatty())

    def fileno(self) -> int:
        return int(self._stream.fileno())


# In a notebook too, plain lines: rich's own display there needs another package.
console = Console(
    file=_StandardError(),  # type: ignore[arg-type]  # it has what rich calls
    soft_wrap=True,
    highlight=False,
    emoji=False,
    force_jupyter=False,
)


def say(text: str, *, wraps: bool = True) -> None:
    """Print a line to standard error; on a terminal between words where it is too long, unless it has a command."""
    console.print(printable(text), markup=False, soft_wrap=not (wraps and console.is_terminal))


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Inside the block, show on a terminal what is waited for."""
    if not console.is_terminal or console.quiet:
        yield
        return
    with console.status(f"{text} ...", spinner="line", spinner_style="dim"):
        yield


def out(line: str) -> None:
    """Print one line of results to standard output: on a terminal with codes for what would control it."""
    if console.quiet:
        return
    try:
        sys.stdout.write((printable(line) if sys.stdout.isatty() else line) + "\n")
        sys.stdout.flush()
    except OSError as error:
        if error.errno == errno.EIO:  # the terminal was closed
            raise BrokenPipeError from None
        raise


def be_quiet(is_quiet: bool = True) -> None:
    """Print nothing from now on, or print again."""
    console.quiet = is_quiet


@contextmanager
def quietly(is_quiet: bool) -> Iterator[None]:
    """Print nothing inside the block, if `is_quiet`."""
    before = console.quiet
    console.quiet = before or is_quiet
    try:
        yield
    finally:
        console.quiet = before
