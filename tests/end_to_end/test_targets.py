"""The assignment's targets, in its order, on a small corpus, with its names of files."""

import json
import re
import shlex
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from closedbook.assignment.api import CharCorruptionDataset, GPTConfig, initialize_vanilla_model, load_params
from closedbook.assignment.targets import TARGETS
from closedbook.recipe.recipe import COURSE, FAST
from closedbook.recipe.recipe_file import load_recipe
from closedbook.storage.run import open_run
from closedbook.training.checkpointing import Saving
from closedbook.training.stages import pretrain

Closedbook = Callable[..., Any]

TINY = """\
[model]
n_layer = 3
n_head = 2
n_embd = 20
bottleneck_dim = 7
"""


@pytest.fixture
def out(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the results, which does not exist yet; the environment names all files."""
    named = {"CORPUS": "corpus.txt", "TRAIN": "pairs.tsv", "DEV": "dev.tsv", "TEST": "questions.txt"}
    for name, file in named.items():
        monkeypatch.setenv(f"CLOSEDBOOK_{name}", str(files / file))
    monkeypatch.setenv("CLOSEDBOOK_OUT", str(tmp_path / "out"))
    return tmp_path / "out"


def recipe_file(folder: Path, preset: str) -> Path:
    """A recipe of a tiny model, otherwise a preset's."""
    path = folder / f"{preset}.toml"
    path.write_text(f'preset = "{preset}"\nprecision = "float32"\n{TINY}')
    return path


@pytest.mark.parametrize("preset", ["course", "fast"])
def test_every_target_makes_the_assignments_file(
    closedbook: Closedbook, out: Path, files: Path, tmp_path: Path, preset: str
):
    """In the order of their list, each target finds what it needs, and its output has the assignment's name."""
    recipe = recipe_file(tmp_path, preset)
    made = set()
    for name, target in TARGETS.items():
        short = () if target.action == "evaluate" else ("--epochs", 1)
        outcome = closedbook(name, "--recipe", recipe, *short)
        assert outcome.status == 0, outcome.err
        assert outcome.out.splitlines()[-1] == str(out / target.output)
        made |= {target.output}
        assert {path.name for path in out.iterdir() if path.is_file()} == made
        if target.split == "dev":
            accuracy, baseline = outcome.out.splitlines()[:2]
            assert accuracy.startswith("accuracy: ")
            assert baseline.startswith("majority baseline (always 'Ulm'): 1 of 2, 50.0%")
        elif target.split == "test":
            assert outcome.out.splitlines()[0].startswith("2 answers; no score, ")
        if target.split:
            assert len((out / target.output).read_text().splitlines()) == 2
    # Variants, parents and the presets' hyperparameters are right.
    variants = {run.name: open_run(run).recipe.model.variant for run in out.glob("*.run")}
    assert variants == {
        f"{variant}.{stage}.run": variant
        for variant, stages in (("vanilla", ("model", "pretrain", "finetune")), ("perceiver", ("pretrain", "finetune")))
        for stage in stages
    }
    assert open_run(out / "vanilla.model.run").info.parent is None
    assert open_run(out / "perceiver.finetune.run").info.parent == str(out / "perceiver.pretrain.run")
    whole = {"course": COURSE, "fast": FAST}[preset]
    assert open_run(out / "vanilla.pretrain.run").recipe.pretrain.learning_rate == whole.pretrain.learning_rate
    # The file has the run's weights, and closedbook.assignment.api reads it.
    params = (out / "vanilla.finetune.params").read_bytes()
    assert params == (out / "vanilla.finetune.run/model.safetensors").read_bytes()
    if preset == "course":
        dataset = CharCorruptionDataset((files / "corpus.txt").read_text().removesuffix("\n"), 128)
        mconf = GPTConfig(dataset.vocab_size, 128, n_layer=3, n_head=2, n_embd=20)
        load_params(initialize_vanilla_model(mconf), out / "vanilla.finetune.params")


def test_the_recipe_is_the_assignments_where_none_is_named(closedbook: Closedbook, out: Path, files: Path):
    """Without --recipe a target trains the model of `course`; --recipe fast and --epochs change that."""
    outcome = closedbook("vanilla_finetune_without_pretrain", "--epochs", 1)
    assert outcome.status == 0
    assert open_run(out / "vanilla.model.run").recipe.model == COURSE.model
    (step,) = [json.loads(line) for line in (out / "vanilla.model.run/metrics.jsonl").read_text().splitlines()]
    assert step["n_steps"] == 1
    words = ("--recipe", "fast", "--epochs", 1, "--out", out / "fast", "--corpus", files / "corpus.txt")
    assert closedbook("vanilla_pretrain", *words).status == 0
    assert open_run(out / "fast/vanilla.pretrain.run").recipe.pretrain.optimizer == FAST.pretrain.optimizer


def test_a_target_is_made_once_and_goes_on_where_it_was_stopped(
    closedbook: Closedbook, out: Path, files: Path, tmp_path: Path
):
    """An ended target names the next one; --resume goes on with a stopped one, even just before its file is written."""
    recipe = recipe_file(tmp_path, "course")
    words = ("vanilla_pretrain", "--recipe", recipe, "--epochs", 2)
    assert closedbook(*words).status == 0
    params = (out / "vanilla.pretrain.params").read_bytes()
    for again in (words, (*words, "--resume")):
        refused = closedbook(*again)
        assert (refused.status, refused.out) == (2, "")
        assert refused.err == (
            f"closedbook: {out / 'vanilla.pretrain.params'}: is made already; next is "
            "`closedbook vanilla_finetune_with_pretrain`, or name another --out to make it again\n"
        )

    (out / "vanilla.pretrain.params").unlink()
    refused = closedbook(*words)
    assert refused.err == (
        f"closedbook: {out / 'vanilla.pretrain.run'}: has ended, but {out / 'vanilla.pretrain.params'} is missing; add "
        "--resume to make that from the run, or name another --out\n"
    )
    assert closedbook(*words, "--resume").status == 0
    assert (out / "vanilla.pretrain.params").read_bytes() == params

    full, _ = load_recipe(str(open_run(out / "vanilla.pretrain.run").path / "recipe.toml"))
    stopped = tmp_path / "stopped"
    for event in (events := pretrain(files / "corpus.txt", full, Saving(stopped / "vanilla.pretrain.run"))):
        if type(event).__name__ == "StepReport":
            break
    events.close()  # type: ignore[attr-defined]  # every generator has it
    assert closedbook(*words, "--out", stopped, "--resume").status == 0
    assert (stopped / "vanilla.pretrain.params").read_bytes() == params


def test_a_target_that_a_signal_stops_before_its_file_is_written_goes_on(
    closedbook: Closedbook, out: Path, tmp_path: Path, signal_in: Callable[..., Any]
):
    """Its run has ended then, and the last line has the command that makes the file."""
    words = ("vanilla_pretrain", "--recipe", recipe_file(tmp_path, "course"), "--epochs", 1)
    with signal_in("files/durable.py", "read_bytes", 1, signal.SIGTERM):
        outcome = closedbook(*words)
    assert outcome.status == 143
    assert (out / "vanilla.pretrain.run/model.safetensors").exists()
    again = outcome.err.splitlines()[-1].removeprefix("stopped and saved; go on with: closedbook ")
    assert shlex.split(again) == [*map(str, words), "--resume"]
    assert closedbook(*shlex.split(again)).status == 0
    assert (out / "vanilla.pretrain.params").exists()


def test_epochs_win_over_the_steps_of_a_recipe(closedbook: Closedbook, out: Path, tmp_path: Path):
    """--epochs 1 trains one epoch, here of one step, though the recipe says three steps."""
    recipe = recipe_file(tmp_path, "course")
    recipe.write_text(f"{recipe.read_text()}[pretrain]\nsteps = 3\n")
    outcome = closedbook("vanilla_pretrain", "--recipe", recipe, "--epochs", 1, "-v")
    assert outcome.status == 0
    assert re.search(r"^pretrain\.steps +0 +flag --epochs$", outcome.err, re.MULTILINE)
    assert len((out / "vanilla.pretrain.run/metrics.jsonl").read_text().splitlines()) == 1
