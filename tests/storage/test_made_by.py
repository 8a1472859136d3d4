import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from closedbook.errors import RunError
from closedbook.storage.made_by import commit_of, made_by
from closedbook.storage.run import open_run
from closedbook.storage.sums import write_summed

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package in a checkout whose branch main is at COMMIT."""
    (tmp_path / "checkout/src/package").mkdir(parents=True)
    git = tmp_path / "checkout/.git"
    (git / "refs/heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "refs/heads/main").write_text(f"{COMMIT}\n")
    return tmp_path / "checkout/src/package"


def test_the_commit_of_a_checkout_is_read(package: Path) -> None:
    """Of a branch, of a branch in a packed file, and of a detached head."""
    git = package.parents[1] / ".git"
    assert commit_of(package) == COMMIT
    (git / "refs/heads/main").unlink()
    (git / "packed-refs").write_text(
        f"# pack-refs with: peeled\n{COMMIT[::-1]} refs/heads/ma\n{COMMIT} refs/heads/main\n"
    )
    assert commit_of(package) == COMMIT
    (git / "HEAD").write_text(f"{COMMIT[::-1]}\n")
    assert commit_of(package) == COMMIT[::-1]


def test_the_commit_of_a_linked_worktree_is_read(package: Path, tmp_path: Path) -> None:
    """Its .git is a file that names a folder, which names the one with the branches."""
    git = package.parents[1] / ".git"
    (git / "worktrees/two").mkdir(parents=True)
    (git / "worktrees/two/HEAD").write_text("ref: refs/heads/main\n")
    (git / "worktrees/two/commondir").write_text("../..\n")
    (tmp_path / "two/src/package").mkdir(parents=True)
    (tmp_path / "two/.git").write_text(f"gitdir: {git / 'worktrees/two'}\n")
    assert commit_of(tmp_path / "two/src/package") == COMMIT


def test_what_is_no_checkout_of_the_package_has_no_commit(package: Path, tmp_path: Path) -> None:
    """An installation in somebody's checkout, a folder without git, and what git would not write."""
    root = package.parents[1]
    installed = shutil.copytree(package, root / "lib/site-packages/package")
    assert commit_of(installed) is None
    assert commit_of(shutil.copytree(package, tmp_path / "other/src/package")) is None
    for content in (b"", b"ref: refs/heads/gone", b"not a commit", b"\xff"):
        (root / ".git/HEAD").write_bytes(content)
        assert commit_of(package) is None


def test_a_run_says_what_made_it(closedbook: Callable[..., Any], runs: Path) -> None:
    """closedbook, Python, numpy and torch, in run.json and by inspect."""
    facts = json.loads((runs / "pretrained/run.json").read_text())
    assert facts["format"] == 1
    assert facts["made_by"] == made_by()
    assert (facts["made_by"]["numpy"], facts["made_by"]["torch"]) == (np.__version__, torch.__version__)
    assert open_run(runs / "pretrained").info.made_by == made_by()
    shown = ", ".join(f"{name} {number}" for name, number in made_by().items())
    assert f"made by     {shown}\n" in closedbook("inspect", runs / "pretrained").out


def test_a_run_of_a_newer_format_is_refused(runs: Path, tmp_path: Path) -> None:
    """Its line says that a newer closedbook made it."""
    run = shutil.copytree(runs / "scratch", tmp_path / "run")
    facts = json.loads((run / "run.json").read_text())
    write_summed(run / "run.json", json.dumps(facts | {"format": 2}).encode())
    with pytest.raises(
        RunError, match=r"run\.json: format 2 is of a newer closedbook, and this one reads 1; update it$"
    ):
        open_run(run)
