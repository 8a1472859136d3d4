import errno
import os
import resource
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from closedbook.errors import RunError
from closedbook.files.durable import (
    check_folder_is_free,
    read_bytes,
    remove_leftovers,
    write_atomically,
    write_folder_atomically,
)

TOO_LONG = "a" * 300


@contextmanager
def files_of_at_most(n_bytes: int) -> Iterator[None]:
    """As on a disk that is full: the system refuses to make a file longer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def paths_in(folder: Path) -> list[str]:
    """Everything in a folder and its folders."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


# Files


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """After a write the file has the new content, and nothing else is in its folder."""
    for data in (b"old and long", b"new"):
        write_atomically(tmp_path / "file", data)
        assert (tmp_path / "file").read_bytes() == data
    assert paths_in(tmp_path) == ["file"]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    """Where the system refuses the bytes, one line says so, the old file stays, and no temporary one is left."""
    write_atomically(tmp_path / "file", b"old")
    with (
        files_of_at_most(1000),
        pytest.raises(RunError, match=r"file: cannot be written: File too large; free some space, or name ") as caught,
    ):
        write_atomically(tmp_path / "file", b"x" * 100_000)
    assert caught.value.exit_status == 2
    assert (tmp_path / "file").read_bytes() == b"old"
    assert paths_in(tmp_path) == ["file"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [("gone/file", "No such file or directory"), ("file/file", "Not a directory"), (TOO_LONG, "File name too long")],
)
def test_a_file_that_cannot_be_made_is_named(tmp_path: Path, path: str, reason: str) -> None:
    """A missing folder, a file in place of a folder, and a name too long end in one line, and nothing is made."""
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=rf"{path}: cannot be written: {reason}; ") as caught:
        write_atomically(tmp_path / path, b"x")
    assert "\n" not in str(caught.value)
    assert paths_in(tmp_path) == ["file"]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A missing file and a folder each end in one line; a file is read as it is."""
    with pytest.raises(RunError, match=r"gone: no such file"):
        read_bytes(tmp_path / "gone")
    with pytest.raises(RunError, match=r"cannot be read: Is a directory"):
        read_bytes(tmp_path)
    (tmp_path / "file").write_bytes(b"\r\n\xff")
    assert read_bytes(tmp_path / "file") == b"\r\n\xff"


# Folders


def write_two_files(folder: Path, n_bytes: int = 3) -> None:
    """A folder with a small file and one of `n_bytes`."""
    with write_folder_atomically(folder, "the world") as partial:
        (partial / "one").write_bytes(b"1")
        (partial / "two").write_bytes(b"2" * n_bytes)


@pytest.mark.parametrize("target", ["new", "empty", "not/there/yet"])
def test_a_folder_is_made_whole(tmp_path: Path, target: str) -> None:
    """A new folder, an empty one, and one without parents get all files, and nothing temporary is left."""
    (tmp_path / "empty").mkdir()
    write_two_files(tmp_path / target)
    assert {path.name: path.read_bytes() for path in (tmp_path / target).iterdir()} == {"one": b"1", "two": b"222"}
    parents = {"new": [], "empty": [], "not/there/yet": ["not", "not/there"]}[target]
    expected = {"empty", *parents, target, f"{target}/one", f"{target}/two"}
    assert set(paths_in(tmp_path)) == expected


def test_a_relative_folder_is_made_where_the_process_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of a bare name is made in the current folder."""
    monkeypatch.chdir(tmp_path)
    write_two_files(Path("new"))
    assert paths_in(tmp_path) == ["new", "new/one", "new/two"]


def test_the_current_folder_can_be_the_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder is filled, not replaced, so that a process whose current folder it is sees the files."""
    monkeypatch.chdir(tmp_path)
    write_two_files(Path())
    assert sorted(path.name for path in Path().iterdir()) == ["one", "two"]


def test_the_target_is_untouched_until_all_is_written(tmp_path: Path) -> None:
    """While files are written, the target does not exist, nor do its missing parents."""
    target = tmp_path / "not" / "there"
    with write_folder_atomically(target, "the world") as partial:
        (partial / "one").touch()
        assert not target.parent.exists()
        assert partial.parent == tmp_path
    assert paths_in(tmp_path) == ["not", "not/there", "not/there/one"]


@pytest.mark.parametrize("target", ["new", "empty", "not/there/yet"])
@pytest.mark.parametrize("error", [ValueError("of the caller"), KeyboardInterrupt()])
def test_an_error_while_writing_leaves_nothing(tmp_path: Path, target: str, error: BaseException) -> None:
    """An error of the caller's own is passed on; neither the folder nor its parents are made."""
    (tmp_path / "empty").mkdir()

    def fail_within() -> None:
        with write_folder_atomically(tmp_path / target, "the world") as partial:
            (partial / "one").touch()
            raise error

    with pytest.raises(type(error)):
        fail_within()
    assert paths_in(tmp_path) == ["empty"]


def test_a_full_disk_leaves_no_folder(tmp_path: Path) -> None:
    """Where the system refuses the bytes, one line says so, and neither the folder nor its parents are made."""
    with files_of_at_most(1000), pytest.raises(RunError, match=r"new: the world cannot be written there: File too lar"):
        write_two_files(tmp_path / "not" / "there" / "new", n_bytes=100_000)
    assert paths_in(tmp_path) == []


@pytest.mark.parametrize("check", [check_folder_is_free, write_two_files], ids=["checked", "written"])
@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("file", "the world needs a folder and this is a file; name another"),
        ("full", "the world needs a new or an empty folder and this one is not empty; name another"),
        ("file/a/b", "{folder}/file is a file, and no folder can be made in a file; name another"),
        (TOO_LONG, "the world cannot be written there: File name too long; free some space, or name another folder"),
    ],
)
def test_a_target_that_is_not_free_is_refused(
    tmp_path: Path, check: Callable[..., None], target: str, message: str
) -> None:
    """A file, a folder with something in it, a path through a file, and a name too long end in one line each."""
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    with pytest.raises(RunError) as caught:
        check(tmp_path / target, *(["the world"] if check is check_folder_is_free else []))
    assert str(caught.value) == f"{tmp_path / target}: {message.format(folder=tmp_path)}"
    assert paths_in(tmp_path) == ["file", "full", "full/mine"]
    assert (tmp_path / "file").read_text() == "mine"


def kill_before_rename(work: Callable[[], None], number: int) -> None:
    """Run `work` in a forked process, which dies before its n-th rename."""
    process = os.fork()
    if not process:
        rename, n_left = os.rename, number

        def counted(*arguments: Any, **options: Any) -> None:
            nonlocal n_left
            n_left -= 1
            if not n_left:
                os._exit(9)
            rename(*arguments, **options)

        os.rename = counted  # type: ignore[assignment]
        try:
            work()
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 9


@pytest.mark.parametrize("number", [1, 2])
def test_an_empty_folder_that_a_killed_process_began_to_fill_is_completed(tmp_path: Path, number: int) -> None:
    """Its files move in one by one; after a kill in between, the next check moves the rest, and says it is not free."""
    kill_before_rename(lambda: write_two_files(tmp_path), number)
    assert len([path for path in tmp_path.iterdir() if path.name in ("one", "two")]) == number - 1
    with pytest.raises(RunError, match="this one is not empty"):
        check_folder_is_free(tmp_path, "the world")
    assert paths_in(tmp_path) == ["one", "two"]


def test_what_a_killed_process_left_of_a_folder_is_removed(tmp_path: Path) -> None:
    """Killed before its folder gets its name, it leaves a hidden one, which the next to write the folder removes."""
    kill_before_rename(lambda: write_two_files(tmp_path / "new"), 1)
    (left,) = [path for path in tmp_path.iterdir() if path.name.startswith(".tmp-")]
    assert paths_in(left) == ["one", "two"]
    write_two_files(tmp_path / "new")
    assert not left.exists()
    assert paths_in(tmp_path / "new") == ["one", "two"]


def test_leftovers_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    """And nothing else is."""
    (tmp_path / "mine").touch()
    kill_before_rename(lambda: write_two_files(tmp_path / "new"), 1)
    assert len(list(tmp_path.iterdir())) == 2
    remove_leftovers(tmp_path)
    assert paths_in(tmp_path) == ["mine"]


@pytest.mark.parametrize(("target", "number"), [("new", 1), ("not/there/yet", 1), ("empty", 1), ("empty", 2)])
def test_a_folder_that_gets_no_name_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, number: int
) -> None:
    """Where a rename fails, new parents are removed again, and a folder that was there is empty again."""
    (tmp_path / "empty").mkdir()
    whole, n_calls = os.rename, 0

    def rename(*paths: Any, **options: Any) -> None:
        nonlocal n_calls
        n_calls += 1
        if n_calls == number:
            raise OSError(errno.EIO, "Input/output error")
        whole(*paths, **options)

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(RunError, match="the world cannot be written there: Input/output error"):
        write_two_files(tmp_path / target)
    assert paths_in(tmp_path) == ["empty"]


@pytest.mark.parametrize(("number", "is_accepted"), [(errno.EINVAL, True), (errno.EIO, False), (errno.EBADF, False)])
def test_a_folder_that_cannot_be_synced_is_an_error_unless_no_folder_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, is_accepted: bool
) -> None:
    """Some network file systems refuse it as invalid; any other reason is said, and names the file."""
    sync = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    if is_accepted:
        write_atomically(tmp_path / "file", b"new")
    else:
        with pytest.raises(RunError, match=f"file: cannot be written: {os.strerror(number)}"):
            write_atomically(tmp_path / "file", b"new")


@pytest.mark.parametrize("target", ["new", "empty", "not/there/yet"])
def test_a_free_target_passes_the_check(tmp_path: Path, target: str) -> None:
    """Checking makes nothing."""
    (tmp_path / "empty").mkdir()
    check_folder_is_free(tmp_path / target, "the world")
    assert paths_in(tmp_path) == ["empty"]
