"""Files and folders that are written as a whole or not at all."""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from closedbook.errors import RunError


def sha256(data: bytes) -> str:
    """SHA-256 as hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def read_bytes(path: Path) -> bytes:
    """The content of a file; raises RunError where it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise RunError(f"{path}: no such file") from None
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file; even if the process is killed, `path` has all of its old or all of its new content.

    The data is on disk when this returns. Raises RunError where the file cannot be written.
    """
    temporary = temporary_path(path)
    try:
        try:
            write_synced(temporary, data)
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise RunError(
            f"{path}: cannot be written: {error.strerror or error}; free some space, or name a folder that can be "
            "written to"
        ) from error


def temporary_path(path: Path) -> Path:
    """Where this process writes the content that will be moved to `path`: in the same folder."""
    return path.with_name(f".tmp-{os.getpid()}-{path.name}")


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files and folders that killed processes left in a folder; raises OSError."""
    for leftover in folder.glob(".tmp-*"):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()


def write_synced(path: Path, data: bytes) -> None:
    """Write a file and wait until it is on disk. Not atomic: an error or a kill can leave part of it."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on disk, where the system can do that."""
    if os.name == "nt":  # Windows cannot open folders.
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # Some network file systems cannot sync a folder.
            raise
    finally:
        os.close(descriptor)


def check_folder_is_free(folder: Path, what: str) -> None:
    """Raise RunError, naming `what` is to be written, where `folder` is a file, is not empty, or cannot be made."""
    with _as_run_error(folder, what):
        _check_folder_is_free(folder, what)
        partial = _partial_path(folder)
        partial.mkdir()  # the only sure way to know that it can be done
        partial.rmdir()


@contextmanager
def write_folder_atomically(folder: Path, what: str) -> Iterator[Path]:
    """A temporary folder to write into, which becomes `folder` at the end; after an error nothing is left of it.

    `what` names the content in errors. Raises RunError where `folder` is not free or cannot be written. A killed
    process leaves the hidden folder `.<name>.<process>.partial` next to `folder`; deleting it is safe.
    """
    folder = folder.absolute()
    partial: Path | None = None
    try:
        with _as_run_error(folder, what):
            _check_folder_is_free(folder, what)
            # Missing parents are made last, so that an error leaves none of them.
            partial = _partial_path(folder)
            partial.mkdir()
            yield partial
            if folder.exists():
                _move_entries(partial, folder)
            else:
                folder.parent.mkdir(parents=True, exist_ok=True)
                partial.rename(folder)
    finally:
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)


def _check_folder_is_free(folder: Path, what: str) -> None:
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder}: {what} needs a folder and this is a file; name another")
    if folder.exists() and any(folder.iterdir()):
        raise RunError(f"{folder}: {what} needs a new or an empty folder and this one is not empty; name another")
    above = _nearest_existing(folder)
    if not above.is_dir():
        raise RunError(f"{folder}: {above} is a file, and no folder can be made in a file; name another")


def _move_entries(source: Path, target: Path) -> None:
    """Fill an empty folder. It is not replaced, because it may be the current folder of a process."""
    moved: list[Path] = []
    try:
        for entry in source.iterdir():
            moved.append(entry.rename(target / entry.name))
    except BaseException:
        for entry in moved:
            entry.rename(source / entry.name)
        raise


def _partial_path(folder: Path) -> Path:
    return _nearest_existing(folder) / f".{folder.absolute().name}.{os.getpid()}.partial"


def _nearest_existing(folder: Path) -> Path:
    return next(parent for parent in folder.absolute().parents if parent.exists())


@contextmanager
def _as_run_error(folder: Path, what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(
            f"{folder}: {what} cannot be written there: {reason}; free some space, or name another folder"
        ) from None
