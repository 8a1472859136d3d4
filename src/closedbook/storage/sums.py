"""SHA256SUMS: the files of a run with their SHA-256, so that no damage to one of them goes unseen.

It has the form of `sha256sum`, so that `sha256sum --check SHA256SUMS` checks a run by itself. A line is written
before its file: a process killed in between leaves a line of a file that is not there yet, or that resuming writes
again. Runs of older versions have no such file, and what has no line in it is not checked.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from closedbook.errors import RunError
from closedbook.files.durable import read_bytes, sha256, write_atomically

SUMS = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")


def write_summed(path: Path, data: bytes) -> None:
    """Write a file of a run, atomically, and note its SHA-256 in the run's folder; raises RunError."""
    write_atomically(path.parent / SUMS, sums_of({**_noted(path.parent), path.name: sha256(data)}))
    write_atomically(path, data)


def read_summed(path: Path) -> bytes:
    """The content of a file of a run; raises RunError where it cannot be read or is not what was written."""
    data = read_bytes(path)
    if _noted(path.parent).get(path.name, sha256(data)) != sha256(data):
        raise RunError(
            f"{path}: damaged: its SHA-256 is not the one in {SUMS}; put it back from a copy, or delete its line there "
            "if you changed it yourself"
        )
    return data


def sums_of(sums: Mapping[str, str]) -> bytes:
    """The content of SHA256SUMS for the SHA-256 of each name."""
    return "".join(f"{digits}  {name}\n" for name, digits in sorted(sums.items())).encode()


def _noted(run: Path) -> dict[str, str]:
    """The SHA-256 of each name; none where there is no SHA256SUMS. Raises RunError."""
    path = run / SUMS
    if not path.exists():
        return {}
    lines = read_bytes(path).decode(errors="replace").splitlines()
    found = [_LINE.fullmatch(line) for line in lines]
    for number, match in enumerate(found, 1):
        if match is None:
            raise RunError(
                f"{path}, line {number}: damaged: no SHA-256 and name; put it back from a copy, or delete it, and "
                "nothing is checked"
            )
    return {match[2]: match[1] for match in found if match is not None}
