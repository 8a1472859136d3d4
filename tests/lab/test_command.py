import html
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from closedbook.commands.explore_options import LabOptions
from closedbook.lab.config import CONFIGS
from closedbook.recipe.docstrings import field_docstrings

Closedbook = Callable[..., Any]

FIGURES = {
    "copying": ["copying"],
    "averaging": ["averaging"],
    "noise": ["noise"],
    "fragility": ["fragility", "fragility-shares"],
    "heads": ["glance", "heads"],
    "projections": ["projections"],
    "positions": ["positions"],
}

ONE_OF_ALL = f"EXPERIMENT: one of {', '.join(CONFIGS)}, all is needed"
NOISE_HAS = "noise has no such parameter; samples, seed, n, d, beta, alpha, within are known"


def error_line(outcome: Any) -> str:
    """The error line of a command that ended with status 2 and printed no result."""
    assert (outcome.status, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    assert line.startswith("closedbook: ")
    return line.removeprefix("closedbook: ")


def check_output(folder: Path, names: list[str]) -> None:
    """The folder has the figures and the JSON of these experiments, two files that show them, and nothing else."""
    figures = [figure for name in names for figure in FIGURES[name]]
    wanted = {f"{name}.json" for name in names} | {f"{each}.{kind}" for each in figures for kind in ("png", "svg")}
    assert {path.name for path in folder.iterdir()} == wanted | {"README.md", "index.html"}
    readme, index = ((folder / name).read_text() for name in ("README.md", "index.html"))
    for figure in figures:
        assert (folder / f"{figure}.png").read_bytes().startswith(b"\x89PNG\r\n")
        assert ElementTree.fromstring((folder / f"{figure}.svg").read_text()).tag.endswith("svg")
        assert f"]({figure}.png)" in readme
        assert f'<img src="{figure}.png"' in index
    for name in names:
        numbers = json.loads((folder / f"{name}.json").read_text())
        assert numbers["experiment"] == name
        assert numbers["command"] in readme
        assert f'<h2 id="{name}">' in index
        assert set(numbers["config"]) == {"samples", "seed"} | set(field_docstrings(CONFIGS[name]))


def test_experiment_prints_a_table(closedbook: Closedbook):
    """The message comes first; each line has theory, measurement, standard error and how many of them it is off."""
    outcome = closedbook("lab", "projections", "--set", "samples=500")
    assert (outcome.status, outcome.err) == (0, "")
    title, message, _, heads, *lines = outcome.out.splitlines()
    assert title.startswith("projections: What do separate projections")
    assert message.startswith("Without projections a token returns itself: token 2 is 1.41 away")
    assert heads.split() == ["theory", "measured", "std.", "error", "off", "by"]
    (row,) = (line for line in lines if line.startswith("|c_2 - u_b|^2, with projections"))
    theory, measured, error, off = (float(cell) for cell in row.split()[-4:])
    assert theory == 0.02
    assert measured == pytest.approx(theory, rel=0.2)
    assert off == pytest.approx((measured - theory) / error, abs=0.2)


def test_rows_in_which_nothing_is_random_say_that_they_are_exact(closedbook: Closedbook):
    """In place of a standard error of zero."""
    lines = closedbook("lab", "projections", "--set", "samples=200").out.splitlines()
    exact = next(line for line in lines if line.startswith("|c_2 - u_b| / beta, with projections"))
    assert exact.endswith("exact")
    assert not any(line.endswith("exact") for line in lines if "alpha 0.01" in line)


def test_index_begins_with_the_messages(closedbook: Closedbook, tmp_path: Path):
    """The heading of each experiment is its result in one sentence, as on the terminal; nothing is loaded."""
    outcome = closedbook("lab", "heads", "--set", "samples=200", "--out", tmp_path / "lab")
    message = outcome.out.splitlines()[1]
    index = (tmp_path / "lab" / "index.html").read_text()
    assert f'<h2 id="heads">{html.escape(message)}</h2>' in index
    assert index.index(message[:20]) < index.index("<img") < index.index("<pre")
    assert "http" not in index
    readme = (tmp_path / "lab" / "README.md").read_text()
    assert readme.index(f"## {message}") < readme.index("![")


def test_parameters_are_set_after_one_flag_or_several(closedbook: Closedbook, tmp_path: Path):
    """--set takes many parameters and may be repeated; the JSON has them and the command that repeats it all."""
    words = ("--set", "samples=300", "n=5", "--set", "margin=1.5", "--out", tmp_path / "new" / "lab")
    outcome = closedbook("lab", "copying", *words)
    assert outcome.status == 0
    check_output(tmp_path / "new" / "lab", ["copying"])
    numbers = json.loads((tmp_path / "new" / "lab" / "copying.json").read_text())
    config = numbers["config"]
    assert (config["samples"], config["n"], config["margin"], config["d"]) == (300, 5, 1.5, 16)
    assert numbers["command"] == "sh run.sh lab copying --set samples=300 n=5 margin=1.5"
    estimate = numbers["point"]["leak"]
    assert estimate["error"] == estimate["simulation"] - estimate["theory"]
    assert estimate["interval_95"][0] < estimate["simulation"] < estimate["interval_95"][1]


def test_all_runs_every_experiment(closedbook: Closedbook, tmp_path: Path):
    """It prints a table for each and writes into an existing empty folder."""
    folder = tmp_path / "lab"
    folder.mkdir()
    outcome = closedbook("lab", "all", "--set", "samples=200", "seed=3", "--out", folder)
    assert outcome.status == 0
    check_output(folder, list(CONFIGS))
    for name, kind in CONFIGS.items():
        assert f"{name}: {kind.__doc__}" in outcome.out.splitlines()
    assert list(tmp_path.iterdir()) == [folder]


def test_same_command_writes_the_same_bytes(closedbook: Closedbook, tmp_path: Path):
    """Another seed gives other numbers."""
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
def test_values_at_the_ends_of_their_ranges_can_be_drawn(
    closedbook: Closedbook, tmp_path: Path, name: str, settings: tuple[str, ...]
):
    """The least and the greatest values give tables and figures like any others."""
    outcome = closedbook("lab", name, "--set", "samples=100", *settings, "--out", tmp_path / "lab")
    assert outcome.status == 0, outcome.err
    check_output(tmp_path / "lab", [name])


def test_without_an_experiment_all_are_listed_with_their_parameters(closedbook: Closedbook):
    """Each experiment's question and each parameter, with default and meaning; help names all experiments."""
    outcome = closedbook("lab")
    assert (outcome.status, outcome.err) == (0, "")
    for name, kind in CONFIGS.items():
        assert f"{name:<13}{kind.__doc__}" in outcome.out
        for parameter, meaning in field_docstrings(kind).items():
            assert f"  {f'{parameter}={getattr(kind(), parameter)}':<17}{meaning}" in outcome.out
        assert name in (LabOptions.__doc__ or "")


def test_page_option_writes_an_html_file(closedbook: Closedbook, tmp_path: Path):
    """--page writes one HTML file and prints its path; with an experiment the table is printed too."""
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
        (("coyping",), f"{ONE_OF_ALL}; received 'coyping'; did you mean 'copying'?"),
        (("zzz",), f"{ONE_OF_ALL}; received 'zzz'"),
        (("",), f"{ONE_OF_ALL}; received ''"),
        (("zz\nz",), f"{ONE_OF_ALL}; received 'zz\\nz'"),
        (("noise", "--set", "betta=3"), f"--set betta: {NOISE_HAS}; did you mean 'beta'?"),
        (("noise", "--set", "zz\nz=3"), f"--set zz\\nz: {NOISE_HAS}"),
        (("noise", "--set", "beta"), "--set beta: NAME=VALUE is needed, as in samples=1000"),
        (("noise", "--set"), "--set : NAME=VALUE is needed, as in samples=1000"),
        (("noise", "--set", "beta=much"), "--set beta: a number is needed; received 'much'"),
        (("noise", "--set", "n=8.5"), "--set n: a whole number is needed; received '8.5'"),
        (("noise", "--set", "n="), "--set n: a whole number is needed; received ''"),
        (("noise", "--set", "n=" + "9" * 5000), f"--set n: a whole number is needed; received '{'9' * 59}…'"),
        (("noise", "--set", "n=" + "9" * 30), f"--set n: from 2 to 512 is needed; received {'9' * 30}"),
        (("noise", "--set", "beta=nan"), "--set beta: from 0 to 100 is needed; received nan"),
        (("noise", "--set", "beta=1e999"), "--set beta: from 0 to 100 is needed; received inf"),
        (("noise", "--set", "beta=-1"), "--set beta: from 0 to 100 is needed; received -1.0"),
        (("noise", "--set", "beta=1", "--set", "beta=2"), "--set beta: one value is needed; received a second, '2'"),
        (("noise", "--set", "n=9"), "--set d: at least n (9) is needed, for n orthogonal vectors; received 8"),
        (("heads", "--set", "samples=9999999"), "--set samples: up to 2,796,202 fit in memory"),
        (("all", "--set", "beta=3"), "--set beta: all experiments have only samples and seed in common; name one"),
        (("--set", "beta=3"), "lab: --set and --out need an experiment"),
    ],
)
def test_wrong_words_end_in_one_line_and_write_nothing(
    closedbook: Closedbook, tmp_path: Path, words: tuple[str, ...], message: str
):
    """A wrong experiment, name or value; the line says what is needed and what was received."""
    outcome = closedbook("lab", *words, "--out", tmp_path / "lab", "--page", tmp_path / "lab.html")
    assert error_line(outcome).startswith(message)
    assert not list(tmp_path.iterdir())


def test_folder_that_is_not_free_is_left_as_it_was(closedbook: Closedbook, tmp_path: Path):
    """A folder with something in it, a file, and a path through a file are refused before anything is computed."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    refused = {
        tmp_path / "full": "the lab's output needs a new or an empty folder and this one is not empty; name another",
        tmp_path / "file": "the lab's output needs a folder and this is a file; name another",
        tmp_path / "file" / "lab": f"{tmp_path / 'file'} is a file, and no folder can be made in a file; name another",
    }
    for folder, message in refused.items():
        assert error_line(closedbook("lab", "all", "--out", folder)) == f"{folder}: {message}"
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]
    assert (tmp_path / "file").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 2


def test_failing_disk_leaves_nothing_half_written(
    closedbook: Closedbook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """If a file cannot be written, one line says so and nothing is left of the output."""
    write_whole = Path.write_bytes

    def write_bytes(path: Path, data: bytes) -> int:
        if path.suffix == ".svg":
            raise OSError(28, "No space left on device")
        return write_whole(path, data)

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    outcome = closedbook("lab", "projections", "--set", "samples=100", "--out", tmp_path / "a" / "lab")
    assert outcome.status == 2
    (line,) = outcome.err.splitlines()
    assert line.endswith(
        "/a/lab: the lab's output cannot be written there: No space left on device; "
        "free some space, or name another folder"
    )
    assert not list(tmp_path.iterdir())


def test_listing_and_faults_import_no_torch():
    """So they are answered at once: torch takes seconds to import."""
    script = """
import sys
from closedbook.commands.main import main
for words, status in [(["lab"], 0), (["lab", "coyping"], 2), (["lab", "noise", "--set", "beta=-1"], 2)]:
    assert main(words) == status, words
    assert "torch" not in sys.modules, words
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_page_inside_the_output_folder_is_refused(closedbook: Closedbook, tmp_path: Path):
    """The folder would no longer be empty when the experiments have ended."""
    (tmp_path / "lab").mkdir()
    page = tmp_path / "lab" / "lab.html"
    message = f"--page: a file outside the folder of --out is needed; received {page}; name another"
    assert error_line(closedbook("lab", "all", "--out", tmp_path / "lab", "--page", page)) == message
    assert not list((tmp_path / "lab").iterdir())
