"""Commands in forked processes, which share what this process imported: starting one takes milliseconds."""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from closedbook.commands.main import main


class Ended(NamedTuple):
    """How a command ended: its exit status, negative for a signal, what it printed to stderr, and its CPU seconds."""

    status: int
    err: str
    seconds: float


class Command:
    """`closedbook WORDS` in a process of its own, which calls `first` before it begins."""

    def __init__(self, words: Sequence[object], log: Path, first: Callable[[], object] = lambda: None) -> None:
        self.log = log
        log.write_bytes(b"")
        sys.stdout.flush()
        self.process = os.fork()
        if not self.process:
            _run([str(word) for word in words], log, first)

    def cpu_seconds(self) -> float:
        """The processor time so far, which another busy program does not change."""
        return int(Path(f"/proc/{self.process}/schedstat").read_text(encoding="utf-8").split()[0]) / 1e9

    def wait_for(self, seconds: float) -> None:
        """Wait until it has used so much processor time, or has ended."""
        ended = os.WEXITED | os.WNOHANG | os.WNOWAIT
        while self.cpu_seconds() < seconds and not os.waitid(os.P_PID, self.process, ended):
            time.sleep(0.001)

    def kill(self) -> None:
        """Kill it; nothing happens where it has ended."""
        os.kill(self.process, signal.SIGKILL)

    def end(self) -> Ended:
        """Wait for its end."""
        _, status, usage = os.wait4(self.process, 0)
        text = self.log.read_text(errors="replace")
        return Ended(os.waitstatus_to_exitcode(status), text, usage.ru_utime + usage.ru_stime)


def _run(words: list[str], log: Path, first: Callable[[], object]) -> None:
    """The child: never returns."""
    status = 70
    try:
        null, target = os.open(os.devnull, os.O_RDWR), os.open(log, os.O_WRONLY | os.O_APPEND)
        for number, source in enumerate((null, null, target)):
            os.dup2(source, number)
        first()
        status = main(words)
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)
