import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedbook.evaluation.sources import lineage
from closedbook.storage.paths import found_path, paths_from
from closedbook.storage.run import open_run


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Makes /home/ada the user's home."""
    monkeypatch.setenv("HOME", "/home/ada")
    return Path("/home/ada")


@pytest.mark.parametrize(
    ("path", "run", "saved"),
    [
        ("/home/ada/run/corpus.txt", "/home/ada/run", ["corpus.txt"]),
        ("/mnt/run/~/wiki.txt", "/mnt/run", ["./~/wiki.txt"]),
        ("/home/ada/texts/wiki.txt", "/home/ada/runs/one", ["~/texts/wiki.txt", "../../texts/wiki.txt"]),
        ("/mnt/texts/wiki.txt", "/mnt/runs/one", ["/mnt/texts/wiki.txt", "../../texts/wiki.txt"]),
        ("/scratch/ada/wiki.txt", "/scratch/ada/run", ["../wiki.txt"]),
        ("/home/ada/wiki.txt", "/mnt/run", ["~/wiki.txt"]),
        ("/mnt/texts/wiki.txt", "/home/ada/run", ["/mnt/texts/wiki.txt"]),
        ("/scratch/ada/wiki.txt", "/home/ada/run", ["wiki.txt"]),
        ("/scratch/ada/wiki.txt", "/scratch/team/run", ["wiki.txt"]),
        ("/home/bob/wiki.txt", "/home/ada/run", ["wiki.txt"]),
        ("/home/bob/wiki.txt", "/mnt/run", ["wiki.txt"]),
        ("/Users/bob/wiki.txt", "/mnt/run", ["wiki.txt"]),
    ],
)
def test_a_path_is_saved_without_a_home(path: str, run: str, saved: list[str]) -> None:
    """From the home or whole, and relative to the run; or its name alone."""
    assert paths_from(Path(run), Path(path)) == saved
    found = {found_path(one, Path(run)) for one in saved}
    assert found == {path if saved != ["wiki.txt"] else f"{run}/wiki.txt"}


def test_a_text_is_found_where_it_or_the_run_was_moved(tmp_path: Path) -> None:
    """A run that was moved alone finds it where it was, and one that was moved with it finds it beside itself."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a/wiki.txt").touch()
    saved = paths_from(tmp_path / "a/run", tmp_path / "a/wiki.txt")
    assert found_path(saved, tmp_path / "b/run") == str(tmp_path / "a/wiki.txt")
    (tmp_path / "a").rename(tmp_path / "b")
    assert found_path(saved, tmp_path / "b/run") == str(tmp_path / "b/wiki.txt")


def test_a_user_without_a_home_has_paths_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """What no home is known of is no reason to fail."""
    monkeypatch.setenv("HOME", "")
    assert paths_from(Path("/mnt/run"), Path("/mnt/wiki.txt")) == ["/mnt/wiki.txt", "../wiki.txt"]
    assert found_path("~/wiki.txt", Path("/mnt/run")).endswith("/wiki.txt")


paths = st.lists(st.sampled_from(["home", "ada", "bob", "mnt", "texts", "run", "~", "é b"]), min_size=1, max_size=5)


@given(paths, paths)
def test_every_path_is_found_again_or_its_name_is_kept(one: list[str], other: list[str]) -> None:
    """And whatever is saved, no part of it is the user's name."""
    path, run = Path("/", *one), Path("/", *other)
    for saved in paths_from(run, path):
        assert saved == path.name or found_path(saved, run) == str(path)
        assert "ada" not in Path(saved).parts or path.is_relative_to(run) or path.name == "ada"
        assert Path(found_path(saved, run)).is_absolute()


def test_a_runs_files_do_not_name_a_home(
    closedbook: Callable[..., Any], files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither for its text, nor for its parent, nor for what it was evaluated on; and it finds all of them."""
    home = Path(shutil.copytree(files, tmp_path / "ada"))
    monkeypatch.setenv("HOME", str(home))
    recipe, pairs = ("--recipe", home / "tiny.toml"), home / "pairs.tsv"
    assert closedbook("pretrain", home / "corpus.txt", "--out", home / "one", *recipe).status == 0
    assert closedbook("finetune", pairs, "--from", home / "one", "--out", home / "two", *recipe).status == 0
    assert closedbook("evaluate", home / "two", home / "dev.tsv").status == 0
    assert closedbook("ledger", home / "two", home / "dev.tsv").status == 0
    assert [run.path.name for run in lineage(open_run(home / "two"))] == ["two", "one"]
    written = [path for run in ("one", "two") for path in (home / run).rglob("*") if path.is_file()]
    assert [path for path in written if b"/ada" in path.read_bytes()] == []
