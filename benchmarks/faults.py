"""A disk that fails: the n-th call that changes the disk fails, or the process dies there.

The calls are the code's own: each write(2) of a file that Python opened, of which half is done first, and `os.fsync`,
`os.open` of a new file, `os.mkdir`, `os.rename`, `os.replace`, `os.unlink` and `os.rmdir`.
"""

import builtins
import errno
import io
import os
from collections.abc import Callable
from typing import Any, Literal

Fault = Literal["EIO", "ENOSPC", "death"]
"""EIO: this call fails. ENOSPC: it fails, and so does every later one that needs space. death: the process ends."""

FAULTS: tuple[Fault, ...] = ("EIO", "ENOSPC", "death")
DIED = 99
"""The exit status of a process that died of a fault."""
_NEED_SPACE = {"write", "open", "mkdir"}
_CALLS = ("fsync", "open", "mkdir", "rename", "replace", "unlink", "rmdir")


class Disk:
    """Counts the calls that change the disk, and lets the one numbered `at` (from 1) fail."""

    def __init__(
        self,
        at: int,
        fault: Fault,
        note: Callable[[str], object],
        put: Callable[[Any, str, Any], None] = setattr,
    ) -> None:
        """Replace the calls by `put`, so that a test can put them back; `note` gets the name of the one that fails."""
        self.at = at
        self.fault = fault
        self.note = note
        self.n_calls = 0
        for name in _CALLS:
            put(os, name, self._counted(name, getattr(os, name)))
        opened = self._open(io.open)
        put(io, "open", opened)
        put(builtins, "open", opened)

    def call(self, name: str, path: Any = None, first_half: Callable[[], object] = lambda: None) -> None:
        """Count a call; raises OSError, or ends the process, where it is to fail."""
        self.n_calls += 1
        is_full = self.fault == "ENOSPC" and name in _NEED_SPACE and 0 < self.at < self.n_calls
        if self.n_calls != self.at and not is_full:
            return
        if self.n_calls == self.at:
            self.at, at = 0, self.at  # what is written from here to note it does not count
            self.note(name)
            self.at = self.n_calls = at
            first_half()
        if self.fault == "death":
            os._exit(DIED)
        number = getattr(errno, self.fault)
        raise OSError(number, os.strerror(number), *([] if path is None or isinstance(path, int) else [path]))

    def _counted(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            if name != "open" or (len(arguments) > 1 and arguments[1] & os.O_CREAT):
                self.call(name, arguments[0])
            return call(*arguments, **options)

        return counted

    def _open(self, call: Callable[..., Any]) -> Callable[..., Any]:
        disk = self

        class Raw(io.FileIO):
            def write(self, data: Any) -> int:
                disk.call("write", None, lambda: super(Raw, self).write(data[: len(data) // 2]))
                return super().write(data)

        def opened(file: Any, mode: str = "r", buffering: int = -1, encoding: str | None = None, *rest: Any) -> Any:
            if not set(mode) & set("wax") or "+" in mode or isinstance(file, int):
                return call(file, mode, buffering, encoding, *rest)
            disk.call("open", file)
            buffered = io.BufferedWriter(Raw(file, mode.replace("b", "")))
            return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding, *rest[:2])

        return opened
