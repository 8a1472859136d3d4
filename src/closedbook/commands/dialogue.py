"""A dialogue on a terminal: lines are edited and recalled, and answered one by one."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from closedbook.progress.console import say

_N_KEPT = 1000
_WORDS_TO_END = {"", "quit", "exit"}
_SECONDS_TO_WAKE = 0.2


def hold_dialogue(answer: Callable[[str], None], help_text: str) -> None:
    """Answer lines typed until an empty one, `quit` or Ctrl-D, or until the terminal is gone; `?` prints the help text.

    Raises KeyboardInterrupt, after a line feed, on Ctrl-C.
    """
    say("Ask; ? for help, quit to end.")
    with _history():
        while (line := _typed()) not in _WORDS_TO_END:
            if line == "?":
                say(help_text)
            else:
                answer(line)


def _typed() -> str:
    """A line that was typed, without blanks around it; nothing where there is none more."""
    try:
        with _awake():
            # Where answers go to a file, the prompt must not.
            return input("> " if sys.stdout.isatty() else "").strip()
    except (EOFError, OSError):
        say("")
        return ""
    except KeyboardInterrupt:
        say("")
        raise


@contextmanager
def _awake() -> Iterator[None]:
    """Inside the block a timer wakes the wait for keys.

    Without it, a signal that comes just before that wait begins would not be heard until the next key.
    """
    if sys.platform == "win32":  # Its wait for keys ends by Ctrl-C itself.
        yield
        return
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, _SECONDS_TO_WAKE, _SECONDS_TO_WAKE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _history() -> Iterator[None]:
    """Inside the block lines can be edited and recalled, those of earlier dialogues too, where Python has readline."""
    if sys.platform == "win32":  # Python has none there.
        yield
        return
    try:
        import readline
    except ImportError:
        yield
        return
    path = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "closedbook/questions"
    with suppress(OSError):
        readline.read_history_file(path)
    try:
        yield
    finally:
        readline.set_history_length(_N_KEPT)
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            readline.write_history_file(path)
