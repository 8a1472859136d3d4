"""Damage to one file: cut off at each 1/64 of its length, or with one bit flipped there."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from closedbook.errors import RunError

N_PARTS = 64


def damaged(content: bytes) -> Iterator[tuple[str, bytes]]:
    """What is done to a file, and its content after that; of a safetensors file the header is damaged as often."""
    for part in range(N_PARTS):
        yield "cut off", content[: part * len(content) // N_PARTS]
    lengths = [len(content)]
    n_header = 8 + int.from_bytes(content[:8], "little")
    if n_header < len(content) and content[8:9] == b"{":
        lengths.append(n_header)
    for length in lengths:
        for part in range(N_PARTS):
            changed = bytearray(content)
            changed[part * length // N_PARTS] ^= 1 << part % 8
            yield "one bit flipped", bytes(changed)


def try_all(path: Path, read: Callable[[], Any], previous: Callable[[Any], bool] = lambda _: False) -> dict[str, Any]:
    """Damage a file in every way, and count what reading comes to; the file is put back.

    `read` returns what can be compared, or raises RunError. Where that has changed, `previous` says whether it is the
    checkpoint before, with a note.
    """
    content, whole = path.read_bytes(), read()
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    for what, changed in damaged(content):
        path.write_bytes(changed)
        try:
            found = read()
            if found == whole:
                outcomes["nothing lost"] += 1
            elif previous(found):
                outcomes["the checkpoint before, with a note"] += 1
            else:
                wrong.append(f"{path.name}, {what}: goes unseen")
        except RunError as error:
            outcomes["refused in one line"] += 1
            if str(path.parent) not in str(error) or "\n" in str(error):
                wrong.append(f"{path.name}, {what}: {error}")
        except Exception as error:
            wrong.append(f"{path.name}, {what}: {type(error).__name__}: {error}")
    path.write_bytes(content)
    return {"file": path.name, "damages": len(list(damaged(content))), "outcomes": dict(outcomes), "wrong": wrong}
