"""Commands as separate processes, which tests watch, interrupt and kill."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

SERVER = Path(__file__).with_name("fork_server.py")
PATIENCE_SECONDS = 120.0


class Process:
    """A command in a process of its own; its output is appended to files in its working directory."""

    def __init__(
        self,
        server: subprocess.Popen[str],
        folder: Path,
        words: tuple[object, ...],
        n_processes: int = 0,
        max_restarts: int = 0,
    ) -> None:
        self.server = server
        self.stdout, self.stderr = folder / "stdout.txt", folder / "stderr.txt"
        for path in (self.stdout, self.stderr):
            path.unlink(missing_ok=True)
        request = {
            "words": [str(word) for word in words],
            "folder": str(folder),
            "stdout": str(self.stdout),
            "stderr": str(self.stderr),
            "n_processes": n_processes,
            "max_restarts": max_restarts,
        }
        assert server.stdin is not None
        server.stdin.write(json.dumps(request) + "\n")
        server.stdin.flush()
        self.number = self._answer()

    def _answer(self) -> int:
        assert self.server.stdout is not None
        return int(self.server.stdout.readline())

    def until(self, has_come: Callable[[], bool]) -> None:
        """Wait until `has_come` is true."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not has_come():
            assert time.monotonic() < end, self.err
            time.sleep(0.002)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.number, number)

    def end(self) -> int:
        """Wait for its exit status; a negative one is the signal that ended it."""
        return self._answer()

    @property
    def out(self) -> str:
        """Its standard output so far."""
        return self.stdout.read_text() if self.stdout.exists() else ""

    @property
    def err(self) -> str:
        """Its standard error so far."""
        return self.stderr.read_text() if self.stderr.exists() else ""


@pytest.fixture(scope="session")
def start() -> Iterator[Callable[..., Process]]:
    """Start `closedbook WORDS` in a folder; one at a time, and the caller waits for its end.

    With `n_processes` as torchrun starts that many, restarting them up to `max_restarts` times.
    """
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "error", str(SERVER)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,  # Ctrl-C in pytest is not meant for it
    ) as server:
        yield lambda folder, *words, **torchrun: Process(server, folder, words, **torchrun)
        assert server.stdin is not None
        server.stdin.close()


def _n_lines(run: Path) -> int:
    """The number of complete lines of metrics.jsonl so far."""
    path = run / "metrics.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _entries(run: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl without the times of steps."""
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [{key: value for key, value in json.loads(line).items() if key != "seconds"} for line in lines]


@pytest.fixture(scope="session")
def n_lines() -> Callable[[Path], int]:
    """The number of complete lines of a run's metrics so far."""
    return _n_lines


@pytest.fixture(scope="session")
def entries() -> Callable[[Path], list[dict[str, Any]]]:
    """A run's metrics without the times of steps."""
    return _entries


@pytest.fixture(scope="session")
def kill_and_resume(start: Callable[..., Process]) -> Callable[..., None]:
    """Run `closedbook WORDS RUN` in a folder, kill it at random moments of its `n_entries` lines, and let it finish."""

    def kill_and_resume(
        home: Path, words: tuple[object, ...], killed: Path, n_entries: int, n_kills: int, random: Random
    ) -> None:
        for kill in range(n_kills):
            is_begun = (killed / "run.json").exists()
            process = start(home, *words, killed.name, "--save-every", 0, *(["--resume"] if is_begun else []))
            if kill:
                # The first four fifths of the run are divided among the kills; each is at a random moment of its part.
                moment = 0.8 * n_entries * (kill - 1 + random.random()) / (n_kills - 1)
                process.until(lambda moment=moment: _n_lines(killed) > moment)
                time.sleep(random.uniform(0, 0.03))
            else:
                time.sleep(random.uniform(0, 0.3))
            process.signal(signal.SIGKILL)
            assert process.end() == -signal.SIGKILL, process.err
        last = start(home, *words, killed.name, "--resume")
        assert last.end() == 0, last.err
        assert "not bit for bit" not in last.err

    return kill_and_resume
