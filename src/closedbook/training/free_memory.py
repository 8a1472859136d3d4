"""Free memory: what this machine and the container that limits this process have left.

A container's limit is that of its control group or of one above it: version 2's (memory.max) or version 1's
(memory.limit_in_bytes), as the kernel's documentation has them (admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst).
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_PROC, _CGROUPS = Path("/proc"), Path("/sys/fs/cgroup")
_V2 = ("memory.max", "memory.current", ("inactive_file", "active_file"))
_V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", ("total_inactive_file", "total_active_file"))


def free_memory(proc: Path = _PROC, cgroups: Path = _CGROUPS) -> int | None:
    """Bytes that this process can still take, without swap; None where the system does not say."""
    known = [n for n in (_available(proc), *_left_in_groups(proc, cgroups)) if n is not None]
    return max(0, min(known)) if known else _all_memory()


def _available(proc: Path) -> int | None:
    """What Linux could give, the files that it keeps in memory given up."""
    for line in _lines(proc / "meminfo"):
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) * 1024
    return None


def _left_in_groups(proc: Path, cgroups: Path) -> Iterator[int | None]:
    """What each control group of this process has left, where it has a limit."""
    for line in _lines(proc / "self" / "cgroup"):
        _, controllers, path = line.split(":", 2)
        homes: tuple[Path, ...]
        if not controllers:
            homes, names = (cgroups, cgroups / "unified"), _V2
        elif "memory" in controllers.split(","):
            homes, names = (cgroups / "memory",), _V1
        else:
            continue
        group = PurePosixPath(path)
        # In a container its own group may be mounted as the root, so that the path from outside is not there.
        for each in (group, *group.parents):
            for home in homes:
                yield _left(home / each.relative_to("/"), *names)


def _left(group: Path, limit: str, usage: str, of_files: tuple[str, ...]) -> int | None:
    most, used = _number(group / limit), _number(group / usage)
    if most is None or used is None:
        return None
    statistics = dict(line.split()[:2] for line in _lines(group / "memory.stat"))
    # The kernel gives up the files that it keeps in memory before it kills.
    return most - used + sum(int(statistics.get(name, 0)) for name in of_files)


def _number(path: Path) -> int | None:
    """The number in a file; None where there is none, as in 'max'."""
    text = "".join(_lines(path)).strip()
    return int(text) if text.isdigit() else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _all_memory() -> int | None:
    """The machine's memory, free or not, where the system tells that alone."""
    if sys.platform == "win32":
        return None
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):  # not these names; not known
        return None
