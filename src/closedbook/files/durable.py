"""Files and folders that are written as a whole or not at all."""

import errno
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from closedbook.errors import RunError
from closedbook.files.temporary import leftovers, remove, temporary

# In the temporary folder of a writer that has begun to move its entries: their names.
_MOVING = ".moving"


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
    try:
        with temporary(path, lambda part: part.touch(exist_ok=False)) as part:
            write_synced(part, data)
            part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise RunError(
            f"{path}: cannot be written: {error.strerror or error}; free some space, or name a folder that can be "
            "written to"
        ) from error


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files and folders that killed processes left in a folder; others write on."""
    for leftover in leftovers(folder):
        remove(leftover)


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
    folder = folder.absolute()
    with _as_run_error(folder, what):
        _check_folder_is_free(folder, what)
        with temporary(folder, Path.mkdir, _nearest_existing(folder)):
            pass  # the only sure way to know that it can be done


@contextmanager
def write_folder_atomically(folder: Path, what: str) -> Iterator[Path]:
    """A temporary folder to write into, which becomes `folder` at the end; after an error nothing is left of it.

    `what` names the content in errors. Raises RunError where `folder` is not free or cannot be written. The content is
    on disk at the end. A killed process leaves a hidden folder next to `folder`, which the next to write `folder`
    removes.
    """
    folder = folder.absolute()
    with _as_run_error(folder, what):
        _check_folder_is_free(folder, what)
        home = _nearest_existing(folder)
        with temporary(folder, Path.mkdir, home) as part:
            yield part
            _sync_all(part)
            if folder.exists():
                _move_entries(part, folder)
            else:
                _move(part, folder, home)
            sync_folder(folder.parent)


def complete_folder(folder: Path) -> None:
    """Move the rest of its entries into a folder whose writer was killed while it moved them."""
    folder = folder.absolute()
    for part in leftovers(_nearest_existing(folder), folder.name):
        with suppress(OSError, ValueError):
            names = json.loads((part / _MOVING).read_bytes())
            rest = [name for name in names if (part / name).exists()]
            if not any((folder / name).exists() for name in rest):
                for name in rest:
                    (part / name).rename(folder / name)


def _check_folder_is_free(folder: Path, what: str) -> None:
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder}: {what} needs a folder and this is a file; name another")
    complete_folder(folder)
    if folder.exists() and any(folder.iterdir()):
        raise RunError(f"{folder}: {what} needs a new or an empty folder and this one is not empty; name another")
    above = _nearest_existing(folder)
    if not above.is_dir():
        raise RunError(f"{folder}: {above} is a file, and no folder can be made in a file; name another")


def _move(part: Path, folder: Path, home: Path) -> None:
    """Give a folder its name; missing parents are made last, and an error leaves none of them."""
    missing = [parent for parent in folder.parents if not parent.exists()]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part.rename(folder)
    except BaseException:
        for parent in missing:
            with suppress(OSError):
                parent.rmdir()
        raise
    if missing:
        sync_folder(home)


def _move_entries(source: Path, target: Path) -> None:
    """Fill an empty folder. It is not replaced, because it may be the current folder of a process."""
    names = sorted(entry.name for entry in source.iterdir())
    write_synced(source / _MOVING, json.dumps(names).encode())
    sync_folder(source)
    moved: list[str] = []
    try:
        for name in names:
            (source / name).rename(target / name)
            moved.append(name)
        sync_folder(target)
    except BaseException:
        for name in moved:
            (target / name).rename(source / name)
        raise


def _sync_all(folder: Path) -> None:
    """Wait until a folder's files, and the names of all that is in it, are on disk."""
    for parent, _, files in os.walk(folder):
        for name in files:
            descriptor = os.open(Path(parent) / name, os.O_RDWR)  # Windows cannot sync what is open for reading alone.
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        sync_folder(Path(parent))


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
