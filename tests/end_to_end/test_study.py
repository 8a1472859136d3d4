"""A killed study, with its reader, prefix table and sorted batches, ends with the weights of an undisturbed one."""

import signal
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from closedbook.world.world import WorldConfig, write_world

Start = Callable[..., Any]
Entries = Callable[[Path], list[dict[str, Any]]]

RECIPE = """\
preset = "fast"
precision = "float32"
[model]
n_head = 2
n_embd = 20
block_size = 97
[pretrain]
epochs = 3
batch_size = 13
sort_window = 3
[study]
epochs = 2
batch_size = 17
sort_window = 5
mix_pairs = 0.7
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a world of a hundred people and a recipe."""
    folder = tmp_path_factory.mktemp("study")
    config = WorldConfig(
        n_people=100, n_places=5, documents=1, attributes=("birthplace",), train=0.4, dev=0.2, test=0.2, withheld=0.2
    )
    write_world(config, folder / "world")
    (folder / "my.toml").write_text(RECIPE)
    return folder


@pytest.mark.parametrize("setting", ["self-study", "guided"])
def test_a_study_killed_at_random_moments_ends_as_an_undisturbed_one(
    start: Start, home: Path, setting: str, entries: Entries, kill_and_resume: Callable[..., None]
):
    """SIGKILL while it reads, between two batches of a window, and while it saves: the same weights, bit for bit."""
    words = ("study", "world/corpus.txt", "--pairs", "world/train.tsv", "--dev", "world/dev.tsv")
    words = (*words, "--recipe", "my.toml", "--setting", setting, "--out")
    whole, killed = home / f"whole-{setting}", home / f"killed-{setting}"
    undisturbed = start(home, *words, whole.name)
    assert undisturbed.end() == 0, undisturbed.err
    expected = entries(whole)

    kill_and_resume(home, words, killed, len(expected), 3, Random(setting))

    assert (killed / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert entries(killed) == expected
    assert not list(killed.rglob(".tmp*"))
    if setting == "self-study":
        assert (killed / "silver.tsv").read_bytes() == (whole / "silver.tsv").read_bytes()
    else:
        assert not (killed / "silver.tsv").exists()


def test_a_stopped_study_with_a_budget_keeps_its_number_of_steps(
    start: Start, home: Path, entries: Entries, n_lines: Callable[[Path], int]
):
    """The command that Ctrl-C prints continues to the number of steps that was fitted, whatever time they take now."""
    words = ("study", "world/corpus.txt", "--pairs", "world/train.tsv", "--recipe", "my.toml", "--budget", "1", "--out")
    run = home / "budgeted"
    process = start(home, *words, run.name)
    process.until(lambda: n_lines(run) >= 2)
    process.signal(signal.SIGINT)
    assert process.end() == 130
    n_steps = entries(run)[0]["n_steps"]
    assert f"steps = {n_steps}\n" in (run / "recipe.toml").read_text()
    line = process.err.splitlines()[-1]
    assert line == f"stopped and saved; go on with: closedbook {' '.join(words)} {run.name} --resume"
    n_done = len(entries(run))
    process = start(home, *words, run.name, "--resume")
    process.until(lambda: n_lines(run) > n_done)
    process.signal(signal.SIGTERM)
    assert process.end() == 143, process.err
    assert {entry["n_steps"] for entry in entries(run)} == {n_steps}
    assert f"study: steps {n_done + 1:,} to {n_steps:,}\n" in process.err
