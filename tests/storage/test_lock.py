import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from closedbook.errors import RunError
from closedbook.storage.lock import LOCK, OneWriter, check_no_writer

HOLD = """
import sys
from pathlib import Path
from closedbook.errors import RunError
from closedbook.storage.lock import OneWriter
try:
    with OneWriter(Path(sys.argv[1]), is_new=sys.argv[2] == "new"):
        print("locked", flush=True)
        sys.stdin.read()
except RunError as error:
    print(error, flush=True)
"""


@contextmanager
def process(folder: Path, state: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that locks a folder until its input ends, and the line that it printed first."""
    words = [sys.executable, "-c", HOLD, str(folder), state]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        try:
            yield other, other.stdout.readline().strip()
        finally:
            other.kill()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run's folder, with what the lock needs of it."""
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("state", ["new", "old"])
def test_a_second_process_is_refused_and_told_which_is_the_first(run: Path, state: str) -> None:
    """Its line names process, machine and time, and nothing is changed."""
    with OneWriter(run, is_new=state == "new"), process(run, state) as (_, line):
        assert line.startswith(f"{run}: process {os.getpid()} on ")
        assert " has been training into it since 2" in line
        assert line.endswith("; wait for its end, or stop it, or name another folder")


@pytest.mark.parametrize("state", ["new", "old"])
def test_a_killed_process_holds_nothing(run: Path, state: str) -> None:
    """The lock ends with the process, and the next one removes the file that was left."""
    before = sorted(run.parent.rglob("*"))
    with process(run, state) as (other, line):
        assert line == "locked"
        with pytest.raises(RunError, match=f"process {other.pid} on "), OneWriter(run, is_new=state == "new"):
            pass
        other.kill()
        other.wait()
    with OneWriter(run, is_new=state == "new"):
        pass
    assert sorted(run.parent.rglob("*")) == before


def test_of_many_processes_that_begin_at_once_one_gets_a_new_folder(tmp_path: Path) -> None:
    """The others are refused, although the folder and the one above are not there yet."""
    words = [sys.executable, "-c", HOLD, str(tmp_path / "runs" / "new"), "new"]
    others = [subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    lines = [other.stdout.readline() for other in others if other.stdout is not None]
    for other in others:
        other.communicate()
    assert sorted(line == "locked\n" for line in lines) == [False] * 5 + [True]
    assert list(tmp_path.iterdir()) == []


def test_a_claim_becomes_the_lock_of_the_folder(tmp_path: Path) -> None:
    """While the folder is made and afterwards, no other process gets in; at the end nothing but the folder is left."""
    with OneWriter(tmp_path / "run", is_new=True) as writer:
        (tmp_path / "run").mkdir()
        writer.move_in()
        assert [path.name for path in tmp_path.rglob("*")] == ["run", LOCK]
        with pytest.raises(RunError), OneWriter(tmp_path / "run", is_new=False):
            pass
        with pytest.raises(RunError):
            check_no_writer(tmp_path / "run")
    check_no_writer(tmp_path / "run")
    assert [path.name for path in tmp_path.rglob("*")] == ["run"]


def test_folders_of_one_name_in_missing_folders_are_two(tmp_path: Path) -> None:
    """Each has a claim of its own in the folder that is there."""
    with OneWriter(tmp_path / "a" / "run", is_new=True), OneWriter(tmp_path / "b" / "run", is_new=True):
        pass


def test_other_processes_of_the_same_training_lock_nothing(run: Path) -> None:
    """Only rank 0 needs the lock."""
    with OneWriter(run, is_new=False), OneWriter(run, is_new=False, is_needed=False) as other:
        other.move_in()
    assert list(run.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"process": 1, "host": "\\u001b[2J", "since": ""}', b"\xff"])
def test_a_lock_that_names_no_process_is_a_lock(run: Path, content: bytes) -> None:
    """Another process is training, whatever the file says, and no escape code is printed."""
    with OneWriter(run, is_new=False):
        (run / LOCK).write_bytes(content)
        with pytest.raises(RunError, match=": another process is training into it; "):
            check_no_writer(run)


def test_no_link_is_followed(run: Path, tmp_path: Path) -> None:
    """A run from others cannot have a file of the user's emptied."""
    (tmp_path / "mine").write_text("mine")
    (run / LOCK).symlink_to(tmp_path / "mine")
    with pytest.raises(RunError, match="lock: cannot be written: "), OneWriter(run, is_new=False):
        pass
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.fixture
def interrupted(tmp_path: Path) -> Path:
    """A copy of an interrupted run."""
    return shutil.copytree(Path(__file__).with_name("runs_of_0_1") / "interrupted", tmp_path / "interrupted")


@pytest.mark.parametrize("words", [("--resume",), ()])
def test_a_training_beside_another_is_refused(
    closedbook: Callable[..., Any], files: Path, interrupted: Path, words: tuple[str, ...]
) -> None:
    """In one line that names the process, whether it resumes the run or begins anew; the run is untouched."""
    before = {path: path.read_bytes() for path in interrupted.rglob("*") if path.is_file()}
    given = (files / "corpus.txt", "--pairs", files / "pairs.tsv", "--out", interrupted)
    with OneWriter(interrupted, is_new=False):
        outcome = closedbook("study", *given, *words)
    assert outcome.status == 2
    assert f"closedbook: {interrupted}: process {os.getpid()} on " in outcome.err
    assert {path: path.read_bytes() for path in interrupted.rglob("*") if path.is_file()} == before


def test_a_training_is_refused_while_another_prepares_the_same_new_folder(
    closedbook: Callable[..., Any], files: Path, tmp_path: Path
) -> None:
    """It is refused before it reads its files, and makes nothing."""
    with OneWriter(tmp_path / "run", is_new=True):
        outcome = closedbook("pretrain", files / "corpus.txt", "--out", tmp_path / "run")
    assert outcome.status == 2
    assert f"closedbook: {tmp_path / 'run'}: process {os.getpid()} on " in outcome.err
    assert "reading 8 documents" not in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_an_ended_run_is_not_locked(runs: Path) -> None:
    """Training leaves no lock file."""
    assert not list(runs.glob(f"*/{LOCK}")) + list(runs.glob(f".*{LOCK}"))


def test_inspect_says_which_process_trains(closedbook: Callable[..., Any], interrupted: Path) -> None:
    """While one does; reading a run needs no lock."""
    with OneWriter(interrupted, is_new=False):
        assert f"\nnow         process {os.getpid()} on " in closedbook("inspect", interrupted).out
    assert "\nnow  " not in closedbook("inspect", interrupted).out
