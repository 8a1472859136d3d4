"""Lock: one process at a time trains into a run's folder, and a second one is refused with the name of the first.

The lock is the operating system's (flock), so it ends with the process, however that ends. The locked file names the
process: `RUN/lock` while there is a run, and before `.RUN.lock`, where its folder will be. A process that is killed
leaves this file; the next one uses and then removes it.
"""

import errno
import json
import os
import platform
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from closedbook.errors import RunError

LOCK = "lock"
"""The locked file in a run's folder."""
_CANNOT_LOCK = {errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL}
"""What file systems without locks answer."""

if sys.platform == "win32":
    import msvcrt

    _BEYOND = 1 << 20
    """Windows locks a part of a file, which others cannot read then: not the part with the text."""

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _BEYOND, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(*error.args) from None
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        """Lock an open file until it is closed; raises BlockingIOError where another process has locked it."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _CANNOT_LOCK:
                raise


class OneWriter:
    """While entered, no other process trains into the run's folder `run`, which a new run does not have yet.

    Raises RunError, which names the other process, where there is one. `is_needed` is false where another process of
    the same training has the lock.
    """

    def __init__(self, run: Path, *, is_new: bool, is_needed: bool = True) -> None:
        self.run = run
        self.is_new = is_new
        self.is_needed = is_needed
        self._held: tuple[Path, int] | None = None

    def __enter__(self) -> "OneWriter":
        if self.is_needed and self.is_new:
            self._held = _locked(self.run, _claim(self.run))
        elif self.is_needed and self.run.is_dir():
            self._held = _locked(self.run, self.run / LOCK)
        return self

    def move_in(self) -> None:
        """Lock the folder itself, once it has been made."""
        if self.is_needed:
            claim, self._held = self._held, _locked(self.run, self.run / LOCK)
            _release(claim)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        _release(self._held)
        self._held = None


def check_no_writer(run: Path) -> None:
    """Raise RunError, which names the process, where one trains into a run's folder."""
    if (named := writer_of(run)) is not None:
        raise _refusal(run, named)


def writer_of(run: Path) -> str | None:
    """The process that trains into a run's folder, in words; None where there is none."""
    try:
        descriptor = os.open(run / LOCK, os.O_RDONLY | _NO_LINK)
    except OSError:
        return None
    try:
        _lock(descriptor)
    except BlockingIOError:
        return _named(descriptor)
    finally:
        os.close(descriptor)
    return None


_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
"""A link in a run from others could lead to any file of the user's."""


def _claim(run: Path) -> Path:
    """The locked file of a run that has no folder yet, in the nearest folder that there is."""
    run = run.resolve()
    home = next(parent for parent in run.parents if parent.is_dir())
    return home / f".{'-'.join(run.relative_to(home).parts)}.{LOCK}"


def _locked(run: Path, path: Path) -> tuple[Path, int]:
    """Make a file, lock it and write into it which process this is; returns it with its descriptor."""
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _NO_LINK, 0o644)
        except OSError as error:
            cure = "free some space, or make its folder writable"
            raise RunError(f"{path}: cannot be written: {error.strerror or error}; {cure}") from None
        try:
            _lock(descriptor)
            # Another process may have removed the file after it was opened here.
            if _is_same(path, descriptor):
                with suppress(OSError):  # A full disk: it is locked all the same.
                    os.ftruncate(descriptor, 0)
                    os.write(descriptor, _own_name())
                return path, descriptor
        except BlockingIOError:
            named = _named(descriptor)
            os.close(descriptor)
            raise _refusal(run, named) from None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _release(held: tuple[Path, int] | None) -> None:
    if held is None:
        return
    path, descriptor = held
    # Removed while it is locked, so that it is nobody else's.
    with suppress(OSError):
        if _is_same(path, descriptor):
            path.unlink()
    os.close(descriptor)
    if sys.platform == "win32":  # which removes no open file
        with suppress(OSError):
            path.unlink()


def _is_same(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _own_name() -> bytes:
    now = time.strftime("%Y-%m-%d %H:%M:%S")
    return json.dumps({"process": os.getpid(), "host": platform.node(), "since": now}).encode() + b"\n"


def _named(descriptor: int) -> str:
    """The process that a locked file names, in words."""
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        facts = json.loads(os.read(descriptor, 1000))
        words = f"process {facts['process']} on {facts['host']} has been training into it since {facts['since']}"
    except (OSError, ValueError, TypeError, KeyError):
        words = ""
    # The file may be from others, and a terminal obeys escape codes.
    return words if words.isprintable() and words else "another process is training into it"


def _refusal(run: Path, named: str) -> RunError:
    return RunError(f"{run}: {named}; wait for its end, or stop it, or name another folder")
