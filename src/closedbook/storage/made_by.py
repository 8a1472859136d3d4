"""Made by: the closedbook, Python, numpy and torch that made a run."""

import platform
import re
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import torch

_COMMIT = re.compile(r"[0-9a-f]{40,64}")
_N_DIGITS = 12


@cache
def made_by() -> dict[str, str]:
    """The versions of what runs here: closedbook with its commit, in a checkout, and what its results depend on."""
    try:
        own = version("closedbook")
    except PackageNotFoundError:  # the source alone, without an installation
        own = "unknown"
    commit = commit_of(Path(__file__).parents[1])
    return {
        "closedbook": own if commit is None else f"{own} at commit {commit[:_N_DIGITS]}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
    }


def commit_of(package: Path) -> str | None:
    """The commit of the git checkout whose src folder has this package; None where there is none.

    Git is not called. Changes that are not committed are not seen.
    """
    if package.parent.name != "src":  # an installation, which may be in somebody else's checkout
        return None
    try:
        git = package.parents[1] / ".git"
        if git.is_file():  # a linked worktree
            git = git.parent / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if head.startswith("ref:"):
            head = _branch(git, head.removeprefix("ref:").strip())
    except (OSError, ValueError):
        return None
    return head if _COMMIT.fullmatch(head) else None


def _branch(git: Path, name: str) -> str:
    """The commit of a branch, '' where it is not found."""
    common = git / "commondir"
    home = git / common.read_text(encoding="utf-8").strip() if common.is_file() else git
    if (home / name).is_file():
        return (home / name).read_text(encoding="utf-8").strip()
    packed = (home / "packed-refs").read_text(encoding="utf-8")
    return next((line.split()[0] for line in packed.splitlines() if line.endswith(f" {name}")), "")
