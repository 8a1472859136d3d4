"""Stop: Ctrl-C, SIGTERM and SIGHUP end what is going on where nothing is lost by it, and their number is kept.

Imports no torch, since `--help` and bad arguments must answer at once.
"""

import math
import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

from closedbook.progress.console import say

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Windows has no SIGHUP."""

_SECONDS_APART = 1.0
"""Signals that come closer are one request: torchrun sends its processes the Ctrl-C that they had from the terminal."""
_SECONDS_OF_IMPORT = 2.0
_SECONDS_TO_LOOK_AGAIN = 0.05


class Stopped(KeyboardInterrupt):
    """A signal asked to stop, and nothing had begun that could be resumed."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class Interrupted(Exception):
    """A signal stopped a run, which can be resumed: where it stopped or, `at_once`, from its last checkpoint."""

    def __init__(self, number: int, *, at_once: bool = False) -> None:
        super().__init__(number)
        self.number = number
        self.at_once = at_once


class Stop:
    """While it is entered, a signal raises Stopped or, where it `waits`, is noted; a second one raises at once.

    `number` is that of the first signal, 0 before. Only signals whose handler is the system's, Python's or another
    Stop's are taken: nohup and shells start programs with some ignored, and the program that calls us may have its own.
    """

    def __init__(self) -> None:
        self.number = 0
        self.waits = False
        self.at_once = False
        self._heard_at = -math.inf
        self._awaits_import = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Stop":
        if threading.current_thread() is threading.main_thread():  # Python gives signals to it alone.
            for each in SIGNALS:
                handler = signal.getsignal(each)
                is_stop = isinstance(getattr(handler, "__self__", None), Stop)
                if is_stop or handler in (signal.SIG_DFL, signal.default_int_handler):
                    self._before[each] = signal.signal(each, self._hear)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each, handler in self._before.items():
            signal.signal(each, handler)

    def ignore(self) -> None:
        """Take no signal any more, since the process ends."""
        for each in self._before:
            signal.signal(each, signal.SIG_IGN)
        self._before.clear()

    def _hear(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.number and not self._awaits_import:
            if now - self._heard_at < _SECONDS_APART:
                return
            self.at_once = True
        if not self._awaits_import:
            self._heard_at = now
        self.number = self.number or number
        if self.waits and not self.at_once:
            say("stopping after this step; once more to stop at once")
            return
        # An exception in the middle of an import can come out as another one, or crash a module that is written in C.
        self._awaits_import = now - self._heard_at < _SECONDS_OF_IMPORT and _is_importing(frame)
        if self._awaits_import:
            later = threading.Timer(_SECONDS_TO_LOOK_AGAIN, _send, (signal.Signals(number),))
            later.daemon = True
            later.start()
            return
        raise Stopped(self.number)


def _send(number: signal.Signals) -> None:
    """Send the main thread a signal, which ends a wait in it where the system can do that."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:  # Windows
        signal.raise_signal(number)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False
