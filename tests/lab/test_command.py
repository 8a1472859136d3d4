import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from closedbook.commands.options import LabOptions
from closedbook.lab.config import CONFIGS
from closedbook.recipe.docstrings import field_docstrings

Closedbook = Callable[..., Any]

PICTURES = {
    "copying": ["copying"],
    "averaging": ["averaging"],
    "noise": ["noise"],
    "fragility": ["fragility", "fragility-shares"],
    "heads": ["glance", "heads"],
    "projections": ["projections"],
    "positions": ["positions"],
}


def fault(outcome: Any) -> str:
    """The one line of a command that ended with status 2 and gave no result."""
    assert (outcome.status, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    assert line.startswith("closedbook: ")
    return line.removeprefix("closedbook: ")


def check_gallery(folder: Path, names: list[str]) -> None:
    """Pictures that are pictures, numbers that are numbers, an index of all of them, and nothing else."""
    pictures = [picture for name in names for picture in PICTURES[name]]
    wanted = {f"{name}.json" for name in names} | {f"{each}.{kind}" for each in pictures for kind in ("png", "svg")}
    assert {path.name for path in folder.iterdir()} == wanted | {"README.md"}
    index = (folder / "README.md").read_text()
    for picture in pictures:
        assert (folder / f"{picture}.png").read_bytes().startswith(b"\x89PNG\r\n")
        assert ElementTree.fromstring((folder / f"{picture}.svg").read_text()).tag.endswith("svg")
        assert f"]({picture}.png)" in index
    for name in names:
        numbers = json.loads((folder / f"{name}.json").read_text())
        assert numbers["experiment"] == name
        assert numbers["command"] in index
        assert set(numbers["config"]) == {"samples", "seed"} | set(field_docstrings(CONFIGS[name]))


def test_an_experiment_is_a_table_on_stdout(closedbook: Closedbook):
    """Theory, measurement, standard error and how far off, a line each; without --out no file and no other word."""
    outcome = closedbook("lab", "projections", "--set", "samples=500")
    assert (outcome.status, outcome.err) == (0, "")
    title, heads, *lines = outcome.out.splitlines()
    assert title.startswith("projections: What do three maps")
    assert heads.split() == ["theory", "measured", "std.", "error", "off", "by"]
    (row,) = (line for line in lines if line.startswith("|c_2 - u_b|^2, maps"))
    theory, measured, error, off = (float(cell) for cell in row.split()[-4:])
    assert theory == 0.02
    assert measured == pytest.approx(theory, rel=0.2)
    assert off == pytest.approx((measured - theory) / error, abs=0.2)


def test_numbers_are_set_after_one_flag_or_several(closedbook: Closedbook, tmp_path: Path):
    """--set takes many, and may come again; the JSON keeps them, and the command that would do it again."""
    words = ("--set", "samples=300", "n=5", "--set", "margin=1.5", "--out", tmp_path / "new" / "lab")
    outcome = closedbook("lab", "copying", *words)
    assert outcome.status == 0
    check_gallery(tmp_path / "new" / "lab", ["copying"])
    numbers = json.loads((tmp_path / "new" / "lab" / "copying.json").read_text())
    config = numbers["config"]
    assert (config["samples"], config["n"], config["margin"], config["d"]) == (300, 5, 1.5, 16)
    assert numbers["command"] == "sh run.sh lab copying --set samples=300 n=5 margin=1.5"
    estimate = numbers["point"]["leak"]
    assert estimate["error"] == estimate["simulation"] - estimate["theory"]
    assert estimate["interval_95"][0] < estimate["simulation"] < estimate["interval_95"][1]


def test_the_whole_gallery(closedbook: Closedbook, tmp_path: Path):
    """All experiments, into an empty folder that was there; a table each."""
    folder = tmp_path / "gallery"
    folder.mkdir()
    outcome = closedbook("lab", "all", "--set", "samples=200", "seed=3", "--out", folder)
    assert outcome.status == 0
    check_gallery(folder, list(CONFIGS))
    for name, kind in CONFIGS.items():
        assert f"{name}: {kind.__doc__}" in outcome.out.splitlines()
    assert list(tmp_path.iterdir()) == [folder]


def test_the_same_command_makes_the_same_bytes(closedbook: Closedbook, tmp_path: Path):
    """Numbers and pictures are a function of the numbers given; another seed gives others."""
    tables = []
    for folder, seed in (("one", 5), ("two", 5), (None, 6)):
        to = () if folder is None else ("--out", tmp_path / folder)
        tables.append(closedbook("lab", "projections", "--set", "samples=200", f"seed={seed}", *to).out)
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / each).iterdir()} for each in ("one", "two"))
    assert one == two
    assert tables[0] == tables[1] != tables[2]


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("copying", ("n=2", "d=2", "margin=12", "wanted=0.5")),
        ("fragility", ("n=2", "d=2", "alpha=0", "spread=0", "beta=0")),
        ("fragility", ("alpha=1", "spread=1", "beta=10")),
        ("heads", ("n=2", "d=2", "subset=1", "heads=1", "larger=1", "alpha=0", "spread=0")),
        ("heads", ("n=9", "d=9", "subset=6", "heads=3", "fragile=6", "larger=3", "beta=40")),
        ("positions", ("n=3", "d=2")),
    ],
)
def test_the_ends_of_the_ranges_can_be_drawn(
    closedbook: Closedbook, tmp_path: Path, name: str, settings: tuple[str, ...]
):
    """The least and the greatest numbers give tables and pictures like any others."""
    outcome = closedbook("lab", name, "--set", "samples=100", *settings, "--out", tmp_path / "lab")
    assert outcome.status == 0, outcome.err
    check_gallery(tmp_path / "lab", [name])


def test_without_an_experiment_all_are_listed_with_their_numbers(closedbook: Closedbook):
    """Each experiment's question and each of its numbers, with default and meaning; help names them all."""
    outcome = closedbook("lab")
    assert (outcome.status, outcome.err) == (0, "")
    for name, kind in CONFIGS.items():
        assert f"{name:<13}{kind.__doc__}" in outcome.out
        for number, meaning in field_docstrings(kind).items():
            assert f"  {f'{number}={getattr(kind(), number)}':<17}{meaning}" in outcome.out
        assert name in (LabOptions.__doc__ or "")


def test_a_page_to_play_with(closedbook: Closedbook, tmp_path: Path):
    """--page writes one HTML file and tells its path; with an experiment the table comes too."""
    page = tmp_path / "lab.html"
    outcome = closedbook("lab", "--page", page)
    assert (outcome.status, outcome.out, outcome.err) == (0, f"{page}\n", "")
    assert page.read_text().lstrip().lower().startswith("<!doctype html>")
    both = closedbook("lab", "projections", "--set", "samples=100", "--page", page)
    assert both.out.startswith(f"{page}\nprojections: ")


# Faults


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("coyping",), "coyping: no such experiment; did you mean 'copying'?"),
        (("zzz",), "zzz: no such experiment; one of copying, averaging, noise, "),
        (("noise", "--set", "betta=3"), "--set betta: noise has no such number; did you mean 'beta'?"),
        (("noise", "--set", "zzz=3"), "--set zzz: noise has no such number; it has samples, seed, n, d, beta, alpha, "),
        (("noise", "--set", "beta"), "--set beta: name=value is needed, as in samples=1000"),
        (("noise", "--set"), "--set : name=value is needed"),
        (("noise", "--set", "beta=much"), "--set beta: a number is needed; received 'much'"),
        (("noise", "--set", "n=8.5"), "--set n: a whole number is needed; received '8.5'"),
        (("noise", "--set", "beta=nan"), "--set beta: from 0 to 100 is allowed; received nan"),
        (("noise", "--set", "beta=-1"), "--set beta: from 0 to 100 is allowed; received -1.0"),
        (("noise", "--set", "beta=1", "--set", "beta=2"), "--set beta: one value is needed; received a second, '2'"),
        (("noise", "--set", "n=9"), "--set d: n (9) vectors at right angles"),
        (("all", "--set", "beta=3"), "--set beta: all experiments have samples and seed in common and nothing else"),
        (("--set", "beta=3"), "lab: --set and --out need an experiment"),
    ],
)
def test_what_is_wrong_with_the_words_is_one_line(
    closedbook: Closedbook, tmp_path: Path, words: tuple[str, ...], message: str
):
    """Experiment, name and value: one line that says what was received and what would do, and nothing is written."""
    outcome = closedbook("lab", *words, "--out", tmp_path / "lab", "--page", tmp_path / "lab.html")
    assert fault(outcome).startswith(message)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_free_is_left_as_it_was(closedbook: Closedbook, tmp_path: Path):
    """A folder with something in it, a file, a folder in a file: refused before anything is computed."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    refused = {
        tmp_path / "full": "the gallery needs a new or an empty folder and this one is not empty; name another",
        tmp_path / "file": "the gallery needs a folder and this is a file; name another",
        tmp_path / "file" / "lab": f"{tmp_path / 'file'} is a file, and no folder can be made in a file; name another",
    }
    for folder, message in refused.items():
        assert fault(closedbook("lab", "all", "--out", folder)) == f"{folder}: {message}"
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]
    assert (tmp_path / "file").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_disk_that_fails_leaves_nothing_half_written(
    closedbook: Closedbook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Where a file cannot be written, one line says so and no part of the gallery stays."""
    whole = Path.write_bytes

    def write_bytes(path: Path, data: bytes) -> int:
        if path.suffix == ".svg":
            raise OSError(28, "No space left on device")
        return whole(path, data)

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    outcome = closedbook("lab", "projections", "--set", "samples=100", "--out", tmp_path / "a" / "lab")
    assert outcome.status == 2
    (line,) = outcome.err.splitlines()
    assert line.endswith(
        "/a/lab: the gallery cannot be written there: No space left on device; free some space, or name another folder"
    )
    assert not list(tmp_path.iterdir())


def test_listing_and_faults_import_no_torch():
    """What needs no experiment needs no torch, which takes seconds to import."""
    script = """
import sys
from closedbook.commands.main import main
for words, status in [(["lab"], 0), (["lab", "coyping"], 2), (["lab", "noise", "--set", "beta=-1"], 2)]:
    assert main(words) == status, words
    assert "torch" not in sys.modules, words
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
