import fcntl
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from closedbook.files.durable import remove_leftovers, write_atomically
from closedbook.files.temporary import temporary, temporary_path


def hold(target: Path, connection: Connection) -> None:
    """Write to a temporary folder until the process is killed."""
    with temporary(target, Path.mkdir) as part:
        (part / "content").touch()
        connection.send(part)
        time.sleep(600)


@contextmanager
def writer(target: Path) -> Iterator[tuple[Path, int]]:
    """Another process that writes `target`: its temporary folder and its id."""
    ours, theirs = get_context("fork").Pipe()
    process = get_context("fork").Process(target=hold, args=(target, theirs))
    process.start()
    assert process.pid is not None
    try:
        yield ours.recv(), process.pid
    finally:
        process.kill()
        process.join()


def kill(process: int) -> None:
    """Kill a child and wait until it is gone; its parent can still wait for it."""
    os.kill(process, signal.SIGKILL)
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)


def names_in(folder: Path) -> list[str]:
    """The names in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_two_writers_of_one_file_never_share_a_name(tmp_path: Path) -> None:
    """Not even with the same process id, as in two containers: a part of the name is random."""
    first, second = temporary_path(tmp_path / "file"), temporary_path(tmp_path / "file")
    assert first != second
    assert re.fullmatch(rf".tmp-{os.getpid()}-[0-9a-f]{{16}}-file", first.name)


def test_leftovers_of_killed_writers_are_removed_and_living_ones_write_on(tmp_path: Path) -> None:
    """What a living process writes stays until it is killed; other files stay."""
    (tmp_path / "kept").touch()
    (tmp_path / ".tmp-mine").touch()
    (tmp_path / ".tmp-1-of-an-older-version").touch()
    with writer(tmp_path / "run") as (part, process):
        remove_leftovers(tmp_path)
        assert names_in(tmp_path) == sorted([".tmp-mine", part.name, "kept"])
        kill(process)
        remove_leftovers(tmp_path)
        assert names_in(tmp_path) == [".tmp-mine", "kept"]


def test_a_file_is_written_beside_another_writer_of_it(tmp_path: Path) -> None:
    """The next write removes what a killed writer left of this file, and nothing else."""
    with writer(tmp_path / "file") as (part, process):
        other = temporary_path(tmp_path / "other")
        other.touch()
        write_atomically(tmp_path / "file", b"new")
        assert names_in(tmp_path) == sorted([part.name, other.name, "file"])
        kill(process)
        write_atomically(tmp_path / "file", b"newer")
        assert names_in(tmp_path) == [other.name, "file"]


def test_a_temporary_file_that_another_process_took_for_a_leftover_is_made_again(tmp_path: Path) -> None:
    """Between making and locking it, another process can lock or remove it; the writer makes another."""
    made: list[Path] = []
    locks: list[int] = []

    def make(path: Path) -> None:
        path.touch(exist_ok=False)
        made.append(path)
        if len(made) == 1:
            path.unlink()
        if len(made) == 2:
            locks.append(os.open(path, os.O_RDONLY))
            fcntl.flock(locks[0], fcntl.LOCK_EX)

    with temporary(tmp_path / "file", make) as part:
        assert part == made[2]
        assert part.exists()
    os.close(locks[0])
    assert not part.exists()


@pytest.mark.parametrize("days", [0, 2])
def test_without_locks_only_what_is_older_than_a_day_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    """As on Windows, where nobody can know whether its writer lives."""
    monkeypatch.setattr(sys.modules[temporary.__module__], "fcntl", None)
    left = temporary_path(tmp_path / "file")
    left.touch()
    os.utime(left, (time.time() - days * 86_500,) * 2)
    write_atomically(tmp_path / "file", b"new")
    assert left.exists() == (days == 0)
    assert (tmp_path / "file").read_bytes() == b"new"
