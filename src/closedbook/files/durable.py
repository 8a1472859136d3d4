"""Files and folders that are there whole or not at all."""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from closedbook.errors import RunError


def sha256(data: bytes) -> str:
    """SHA-256 of some bytes, as hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that, whenever the process dies, the old or the new one is whole; raises RunError."""
    temporary = temporary_beside(path)
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
            f"{path}: cannot be written: {error.strerror or error}; make room, or give a folder that can be written to"
        ) from error


def contents(path: Path) -> bytes:
    """A file's bytes; raises RunError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise RunError(f"{path}: no such file") from None
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None


def temporary_beside(path: Path) -> Path:
    """Where this process writes what is to become `path`."""
    return path.with_name(f".tmp-{os.getpid()}-{path.name}")


def remove_leftovers(folder: Path) -> None:
    """Remove what a killed process was in the middle of writing there."""
    for leftover in folder.glob(".tmp-*"):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()


def write_synced(path: Path, data: bytes) -> None:
    """Write a file and wait until the disk has it; may leave half of it, so `path` is a temporary one."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names in a folder, where the system can do that."""
    if os.name == "nt":  # Windows opens no folders.
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # Some network file systems answer so.
            raise
    finally:
        os.close(descriptor)


def check_folder_is_free(folder: Path, what: str) -> None:
    """Raise RunError, saying `what` it was for, unless nothing or an empty folder is there."""
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder}: {what} needs a folder and this is a file; name another")
    if folder.exists() and any(folder.iterdir()):
        raise RunError(f"{folder}: {what} needs a new or an empty folder and this one is not empty; name another")
    above = next(parent for parent in folder.absolute().parents if parent.exists())
    if not above.is_dir():
        raise RunError(f"{folder}: {above} is a file, and no folder can be made in a file; name another")


@contextmanager
def folder_written_whole(folder: Path, what: str) -> Iterator[Path]:
    """A temporary folder to write into, which becomes `folder` at the end; after any error nothing is left.

    Raises RunError, which says `what` was to be written, where `folder` is not free or cannot be written. Not promised: a killed process leaves the hidden
    folder `.<name>.<process>.partial`, which may be deleted.
    """
    folder = folder.absolute()
    partial: Path | None = None
    try:
        check_folder_is_free(folder, what)
        # Missing parents are made last, so that a failure leaves none behind.
        beside = next(parent for parent in folder.parents if parent.exists())
        partial = beside / f".{folder.name}.{os.getpid()}.partial"
        partial.mkdir()
        yield partial
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists():
            folder.rmdir()  # it is empty, and not every system can rename onto an empty folder
        partial.rename(folder)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(
            f"{folder}: {what} cannot be written there: {reason}; make room or name another folder"
        ) from None
    finally:
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)
