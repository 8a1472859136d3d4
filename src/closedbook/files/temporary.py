"""Temporary files and folders: no two writers share one, and what a killed writer left is removed by the next.

A name has a random part, because containers that share a folder can have the same process ids. A writer locks what it
writes (flock(2), which ends with the process), and a leftover is what nobody has locked. Where the system cannot lock
(Windows, some network file systems), a leftover is what is older than a day.
"""

import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # tested before each use

# Older versions wrote no random part.
_NAME = re.compile(r"\.tmp-\d+-(?:[0-9a-f]{16}-)?(.+)", re.DOTALL)
_SECONDS_OF_A_DAY = 24 * 60 * 60


def temporary_path(target: Path, home: Path | None = None) -> Path:
    """A new name for content that will be moved to `target`, in its folder or in the folder `home`."""
    return (home or target.parent) / f".tmp-{os.getpid()}-{secrets.token_hex(8)}-{target.name}"


@contextmanager
def temporary(target: Path, make: Callable[[Path], None], home: Path | None = None) -> Iterator[Path]:
    """A temporary file or folder, made by `make`, whose content will be moved to `target`.

    It is removed at the end unless it was moved, and so is what killed writers of `target` left. Raises OSError.
    """
    for leftover in leftovers(home or target.parent, target.name):
        remove(leftover)
    path, lock = _made(target, make, home)
    try:
        yield path
    finally:
        remove(path)
        _release(lock)


def leftovers(folder: Path, name: str | None = None) -> Iterator[Path]:
    """The temporary files and folders that killed writers left in a folder, of the target `name` or of all.

    Each is locked until the next is asked for, so that only one process removes it.
    """
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return
    for path in paths:
        match = _NAME.fullmatch(path.name)
        if match is not None and name in (None, match[1]):
            with suppress(OSError):  # Somebody writes it or is removing it, or it is not ours.
                lock = _locked(path)
                try:
                    if lock is not None or _is_old(path):
                        yield path
                finally:
                    _release(lock)


def remove(path: Path) -> None:
    """Remove a file or a folder with all that is in it; what cannot be removed stays, without an error."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _made(target: Path, make: Callable[[Path], None], home: Path | None) -> tuple[Path, int | None]:
    """A new temporary file or folder and the descriptor of its lock."""
    while True:
        path = temporary_path(target, home)
        make(path)
        lock = None
        try:
            lock = _locked(path)
            path.stat()
            return path, lock
        except (BlockingIOError, FileNotFoundError):
            _release(lock)  # Another process took it for a leftover before it was locked.


def _locked(path: Path) -> int | None:
    """A descriptor that locks a file or folder until it is closed; None where the system cannot lock.

    Raises BlockingIOError where another has locked it, and OSError where it cannot be opened.
    """
    if sys.platform == "win32" or fcntl is None:
        return None
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            raise
        return None
    return descriptor


def _release(lock: int | None) -> None:
    if lock is not None:
        os.close(lock)


def _is_old(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > _SECONDS_OF_A_DAY
