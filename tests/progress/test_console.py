"""What is printed where a terminal is gone."""

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import IO

import pytest

from closedbook.progress.console import out, say, waiting


@pytest.fixture
def closed_terminal() -> Iterator[IO[str]]:
    """A terminal whose window was closed: whatever is written fails."""
    window, terminal = os.openpty()
    os.close(window)
    stream = os.fdopen(terminal, "w", encoding="utf-8", buffering=1)
    yield stream
    with suppress(OSError):
        stream.close()


def test_messages_to_a_closed_terminal_are_lost_without_an_error(
    closed_terminal: IO[str], monkeypatch: pytest.MonkeyPatch
):
    """A training goes on, and can save what it has."""
    monkeypatch.setattr(sys, "stderr", closed_terminal)
    with waiting("starting"):
        say("a line")


def test_results_to_a_closed_terminal_end_the_command_as_those_to_a_closed_pipe(
    closed_terminal: IO[str], monkeypatch: pytest.MonkeyPatch
):
    """Nobody reads them any more."""
    monkeypatch.setattr(sys, "stdout", closed_terminal)
    with pytest.raises(BrokenPipeError):
        out("a line")
