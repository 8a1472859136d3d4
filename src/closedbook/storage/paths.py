"""Paths as a run's files have them: they tell nothing of a home folder, and are found again where the run is moved to.

Relative to the run's folder, as in `../wiki.txt`; `~/wiki.txt` where only the file is in the user's home; and whole
where it is in nobody's, as in `/mnt/texts/wiki.txt`. Otherwise the file's name alone.
"""

import os
from contextlib import suppress
from pathlib import Path

_HOMES = {"home", "Users", "root"}
"""Folders of homes, by their names at the top of a file system."""


def saved_path(path: Path, run: Path) -> str:
    """What a file in the folder `run` has for a path."""
    path, run, home = path.resolve(), run.resolve(), _home()
    ways: list[Path] = []
    if path.anchor == run.anchor:
        shared = Path(os.path.commonpath([path, run]))
        # From a folder above the homes, the way to the file would name one.
        relative = Path(os.path.relpath(path, run))
        if (
            shared != Path(path.anchor)
            and (home is None or shared not in home.parents)
            and relative.parts[:1] != ("~",)
        ):
            ways.append(relative)
    if home is not None and path.is_relative_to(home):
        ways.append("~" / path.relative_to(home))
    elif _HOMES.isdisjoint(path.parts[1:2]):
        ways.append(path)
    named = (way for way in ways if home is None or home.name not in way.parts)
    return next(named, Path(path.name)).as_posix()


def found_path(saved: str, run: Path) -> str:
    """The absolute path that a file in the folder `run` means."""
    path = Path(saved)
    if path.parts[:1] == ("~",):
        path = (_home() or run) / Path(*path.parts[1:])
    return os.path.normpath(run.resolve() / path)


def _home() -> Path | None:
    with suppress(RuntimeError, OSError):
        return Path.home().resolve()
    return None
