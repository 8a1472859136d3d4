from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedbook.evaluation.sources import lineage
from closedbook.storage.paths import found_path, saved_path
from closedbook.storage.run import open_run


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Makes /home/ada the user's home."""
    monkeypatch.setenv("HOME", "/home/ada")
    return Path("/home/ada")


@pytest.mark.parametrize(
    ("path", "run", "saved"),
    [
        ("/home/ada/run/corpus.txt", "/home/ada/run", "corpus.txt"),
        ("/home/ada/texts/wiki.txt", "/home/ada/runs/one", "../../texts/wiki.txt"),
        ("/home/ada/wiki.txt", "/home/ada/run", "../wiki.txt"),
        ("/scratch/ada/wiki.txt", "/scratch/ada/run", "../wiki.txt"),
        ("/mnt/texts/wiki.txt", "/mnt/runs/one", "../../texts/wiki.txt"),
        ("/home/ada/wiki.txt", "/mnt/run", "~/wiki.txt"),
        ("/mnt/texts/wiki.txt", "/home/ada/run", "/mnt/texts/wiki.txt"),
        ("/scratch/ada/wiki.txt", "/home/ada/run", "wiki.txt"),
        ("/scratch/ada/wiki.txt", "/scratch/team/run", "wiki.txt"),
        ("/home/bob/wiki.txt", "/home/ada/run", "wiki.txt"),
        ("/home/bob/wiki.txt", "/mnt/run", "wiki.txt"),
        ("/Users/bob/wiki.txt", "/mnt/run", "wiki.txt"),
        ("/home/ada", "/home/ada/run", ".."),
        ("/mnt/run/~/wiki.txt", "/mnt/run", "/mnt/run/~/wiki.txt"),
    ],
)
def test_a_path_is_saved_without_a_home(path: str, run: str, saved: str) -> None:
    """Relative to the run, or from the home, or whole, or its name alone."""
    assert saved_path(Path(path), Path(run)) == saved
    found = found_path(saved, Path(run))
    assert found == (path if saved != "wiki.txt" else f"{run}/wiki.txt")


def test_relative_paths_move_with_the_run(tmp_path: Path) -> None:
    """Text and run keep their way to each other."""
    saved = saved_path(tmp_path / "a/texts/wiki.txt", tmp_path / "a/run")
    assert found_path(saved, tmp_path / "b/run") == str(tmp_path / "b/texts/wiki.txt")


def test_a_user_without_a_home_has_paths_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """What no home is known of is no reason to fail."""
    monkeypatch.setenv("HOME", "")
    assert saved_path(Path("/mnt/wiki.txt"), Path("/mnt/run")) == "../wiki.txt"
    assert found_path("~/wiki.txt", Path("/mnt/run")).endswith("/wiki.txt")


paths = st.lists(st.sampled_from(["home", "ada", "bob", "mnt", "texts", "run", "~", "é b"]), min_size=1, max_size=5)


@given(paths, paths)
def test_every_path_is_found_again_or_its_name_is_kept(one: list[str], other: list[str]) -> None:
    """And whatever is saved, no part of it is the user's name."""
    path, run = Path("/", *one), Path("/", *other)
    saved = saved_path(path, run)
    assert Path(saved) == Path(path.name) or found_path(saved, run) == str(path)
    assert "ada" not in Path(saved).parts or path.name == "ada"
    assert Path(found_path(saved, run)).is_absolute()


def test_a_runs_files_tell_nothing_of_where_it_is(closedbook: Callable[..., Any], files: Path, runs: Path) -> None:
    """Neither of its text, nor of its parent, nor of what it was evaluated on; and it finds all of them."""
    assert closedbook("evaluate", runs / "finetuned", files / "dev.tsv").status == 0
    assert closedbook("ledger", runs / "finetuned", files / "dev.tsv").status == 0
    assert [run.path for run in lineage(open_run(runs / "finetuned"))] == [runs / "finetuned", runs / "pretrained"]
    tells = str(files.parent).encode()
    assert [path for path in runs.rglob("*") if path.is_file() and tells in path.read_bytes()] == []
