"""Output to people: results on standard output, everything else on standard error."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from closedbook.progress.printable import printable

# In a notebook too, plain lines: rich's own display there needs another package.
console = Console(stderr=True, soft_wrap=True, highlight=False, emoji=False, force_jupyter=False)


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
    sys.stdout.write((printable(line) if sys.stdout.isatty() else line) + "\n")
    sys.stdout.flush()


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
