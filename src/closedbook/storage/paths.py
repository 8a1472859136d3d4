"""Paths as a run's files have them: they name no home folder and no user, and are found again where a run is moved to.

A file has several: from the user's home, as in `~/wiki.txt`, or whole where it is in nobody's home, which a run that is
moved alone needs; and relative to the run, as in `../wiki.txt`, which it needs where its text is moved with it. What is
in the run's own folder is relative alone. Where all of them would name a home or its user, the file's name is left.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_HOMES = {"home", "Users", "root"}
"""Folders of homes, by their names at the top of a file system."""


def paths_from(run: Path, path: Path) -> list[str]:
    """What a file in the folder `run` has for a path, one or more; the relative one is the last."""
    path, run, home = path.resolve(), run.resolve(), _home()
    if path.is_relative_to(run):
        return [_relative(path, run)]
    user = "" if home is None else home.name
    paths = []
    if home is not None and path.is_relative_to(home):
        within = path.relative_to(home)
        paths += [f"~/{within.as_posix()}"] * (user not in within.parts)
    elif _HOMES.isdisjoint(path.parts[1:2]) and user not in path.parts:
        paths.append(str(path))
    if path.anchor == run.anchor:
        shared = Path(os.path.commonpath([path, run]))
        # From a folder above the homes, the way to the file would name one.
        is_above = shared == Path(path.anchor) or (home is not None and shared in home.parents)
        if not is_above and user not in path.relative_to(shared).parts:
            paths.append(_relative(path, run))
    return paths or [path.name]


def found_path(saved: str | Sequence[str], run: Path) -> str:
    """The absolute path that a file in the folder `run` means: the first at which something is, or else the first."""
    # Older versions saved one.
    found = [_absolute(path, run.resolve()) for path in ([saved] if isinstance(saved, str) else saved)]
    return next((path for path in found if _exists(path)), found[0])


def _relative(path: Path, run: Path) -> str:
    relative = Path(os.path.relpath(path, run)).as_posix()
    return f"./{relative}" if relative.startswith("~") else relative


def _absolute(saved: str, run: Path) -> str:
    home = _home()
    if saved.startswith("~/") and home is not None:
        return str(home / saved[2:])
    return os.path.normpath(run / saved)


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def _home() -> Path | None:
    with suppress(RuntimeError, OSError):
        home = Path.home().resolve()
        return None if home == Path(home.anchor) else home  # as services have it
    return None
