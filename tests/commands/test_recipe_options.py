"""The recipe that options give: what was given counts, even where it is the default; contradictions are refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from closedbook.commands.arguments import parsed
from closedbook.commands.main import COMMANDS
from closedbook.commands.recipe_options import recipe_of
from closedbook.recipe.recipe import FAST, MAX_SEED, Recipe
from closedbook.recipe.recipe_file import load_recipe
from closedbook.recipe.settings import SETTINGS, Setting, in_setting
from closedbook.storage.run import open_run

Closedbook = Callable[..., Any]

STAGES = {"pretrain": "pretrain", "study": "study", "finetune": "scratch"}
"""The stage that each command trains by without further options."""
NEEDED = {
    "pretrain": ("corpus.txt",),
    "study": ("corpus.txt", "--pairs", "pairs.tsv"),
    "finetune": ("pairs.tsv", "--corpus", "corpus.txt"),
}


def fault(outcome: Any) -> str:
    """The one line of a command that ended with status 2 and gave no result."""
    assert (outcome.status, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    return line.removeprefix("closedbook: ")


def given(command: str, *words: object, stage: str | None = None) -> tuple[Recipe, dict[str, str]]:
    """The recipe of a command with these words, and where each value came from."""
    options, _ = COMMANDS[command]
    typed = [*map(str, NEEDED[command]), "--out", "RUN", *map(str, words)]
    stage = stage or STAGES[command]
    recipe, rows = recipe_of(parsed(command, options, typed, {}), stage, ("model", "corruption", stage))
    return recipe, {key: source for key, _, source in rows}


def refused(closedbook: Closedbook, command: str, *words: object) -> str:
    """The line with which a command refuses these words."""
    return fault(closedbook(command, *NEEDED[command], "--out", "RUN", *words))


# What was given


@pytest.mark.parametrize("command", NEEDED)
def test_a_value_that_is_the_default_was_given(command: str):
    """The table names the flag, whether or not its value differs from the recipe's."""
    epochs = f"--{STAGES[command]}.epochs"
    n_epochs = getattr(FAST, STAGES[command]).epochs
    recipe, sources = given(command, "--seed", 0, epochs, n_epochs, "--no-strip-accents", "--model.positions=learned")
    assert recipe == FAST
    flags = {key: source for key, source in sources.items() if source.startswith("flag ")}
    assert flags == {
        "seed": "flag --seed",
        "strip_accents": "flag --strip-accents",
        "model.positions": "flag --model.positions",
        f"{STAGES[command]}.epochs": f"flag {epochs}",
    }


@pytest.fixture
def seven(closedbook: Closedbook, files: Path, tmp_path: Path) -> Path:
    """A run of seed 7 that was stopped before its end."""
    run = tmp_path / "RUN"
    words = ("--recipe", files / "tiny.toml", "--out", run, "--seed", 7)
    assert closedbook("pretrain", files / "corpus.txt", *words, "--save-every", 0).status == 0
    (run / "model.safetensors").unlink()
    return run


@pytest.mark.parametrize(
    ("words", "key", "began", "received"),
    [
        (("--seed", 0), "seed", 7, 0),
        (("--seed=8",), "seed", 7, 8),
        (("--model.n-layer", 1), "model.n_layer", 2, 1),
        (("--pretrain.optimizer", "adamw"), "pretrain.optimizer", '"muon"', '"adamw"'),
        (("--epochs", 3), "pretrain.epochs", 2, 3),
        (("--recipe", "fast"), "seed", 7, 0),
    ],
)
def test_resuming_with_another_value_is_refused(
    closedbook: Closedbook,
    files: Path,
    seven: Path,
    words: tuple[object, ...],
    key: str,
    began: object,
    received: object,
):
    """The first value that differs is named, with what the run began with; the preset's value is no exception."""
    line = fault(closedbook("pretrain", files / "corpus.txt", "--out", seven, "--resume", *words))
    assert line == (
        f"{seven}: began with {key} {began}, and --resume changes no hyperparameter; received {received}; leave out "
        f"what sets it (--{key.replace('_', '-')}, a recipe or a setting), or begin a new run with another --out"
    )


@pytest.mark.parametrize("words", [(), ("--seed", 7), ("--seed", 7, "--pretrain.epochs", 2, "--model.n-embd", 16)])
def test_resuming_with_the_same_values_continues(
    closedbook: Closedbook, files: Path, seven: Path, words: tuple[object, ...]
):
    """Without --recipe the run's own recipe is the one that options change, so that saying it again is no fault."""
    outcome = closedbook("pretrain", files / "corpus.txt", "--out", seven, "--resume", *words)
    assert outcome.status == 0, outcome.err
    assert open_run(seven).recipe.seed == 7


# How long


@pytest.fixture
def with_steps(tmp_path: Path) -> Path:
    """A recipe whose stages say a number of steps."""
    path = tmp_path / "steps.toml"
    path.write_text("".join(f"[{stage}]\nsteps = 5\n" for stage in ("pretrain", "study", "finetune", "scratch")))
    return path


@pytest.mark.parametrize("command", NEEDED)
@pytest.mark.parametrize("is_short", [True, False])
def test_epochs_win_over_a_recipes_steps(with_steps: Path, command: str, is_short: bool):
    """--epochs, or the option that it is short for, sets the steps to 0, and the table says so."""
    stage = STAGES[command]
    flag = "--epochs" if is_short else f"--{stage}.epochs"
    recipe, sources = given(command, "--recipe", with_steps, flag, 3)
    assert getattr(recipe, stage) == replace(getattr(FAST, stage), epochs=3)
    assert sources[f"{stage}.epochs"] == sources[f"{stage}.steps"] == f"flag {flag}"
    assert getattr(given(command, "--recipe", with_steps)[0], stage).steps == 5


def test_a_run_has_the_epochs_that_were_given(closedbook: Closedbook, files: Path, tmp_path: Path):
    """Over a recipe of one step, --epochs 3 trains three epochs of two batches each."""
    (tmp_path / "one.toml").write_text((files / "tiny.toml").read_text().replace("[pretrain]", "[pretrain]\nsteps = 1"))
    words = ("--recipe", tmp_path / "one.toml", "--epochs", 3, "--out", tmp_path / "run")
    assert closedbook("pretrain", files / "corpus.txt", *words).status == 0
    assert json.loads((tmp_path / "run/metrics.jsonl").read_text().splitlines()[-1])["step"] == 6


def test_a_target_has_the_epochs_that_were_given(closedbook: Closedbook, files: Path, tmp_path: Path):
    """A target's --epochs wins over the steps of its recipe too."""
    (tmp_path / "one.toml").write_text((files / "tiny.toml").read_text().replace("[pretrain]", "[pretrain]\nsteps = 1"))
    words = ("--corpus", files / "corpus.txt", "--train", files / "pairs.tsv", "--out", tmp_path, "--epochs", 3)
    outcome = closedbook("vanilla_pretrain", "--recipe", tmp_path / "one.toml", *words)
    assert outcome.status == 0, outcome.err
    recipe = open_run(tmp_path / "vanilla.pretrain.run").recipe
    assert (recipe.pretrain.epochs, recipe.pretrain.steps) == (3, 0)


@pytest.mark.parametrize("command", NEEDED)
def test_two_options_for_one_length_are_refused(closedbook: Closedbook, command: str):
    """Epochs beside steps, or beside the option that --epochs is short for: one line names both."""
    stage = STAGES[command]
    line = refused(closedbook, command, "--epochs", 3, f"--{stage}.steps", 5)
    assert line == f"--epochs: --{stage}.steps says how long to train too; leave out one of the two"
    line = refused(closedbook, command, f"--{stage}.epochs", 3, f"--{stage}.steps", 5)
    assert line == f"--{stage}.epochs: --{stage}.steps says how long to train too; leave out one of the two"
    line = refused(closedbook, command, "--epochs", 3, f"--{stage}.epochs", 3)
    assert line == f"--epochs: is short for --{stage}.epochs; leave out one of the two"


@pytest.mark.parametrize("option", ["--epochs", "--study.epochs", "--study.steps"])
def test_a_budget_takes_no_other_length(closedbook: Closedbook, option: str):
    """--budget fits the number of steps, so any other option for the length is refused."""
    line = refused(closedbook, "study", "--budget", 3, option, 7)
    assert line == f"--budget: sets the number of steps, so {option} cannot be given with it; leave out one of the two"


# Seeds


@pytest.mark.parametrize("seed", [-1, MAX_SEED + 1, 10**30])
@pytest.mark.parametrize("command", [*NEEDED, "world", "demo"])
def test_every_command_has_the_same_seeds(closedbook: Closedbook, tmp_path: Path, command: str, seed: int):
    """A seed is from 0 to 2**63 - 1; any other is refused before anything is made."""
    words = {"world": (tmp_path / "world",), "demo": ("--size", "tiny", "--out", tmp_path / "demo")}
    typed = words.get(command, (*NEEDED.get(command, ()), "--out", tmp_path / "RUN"))
    line = fault(closedbook(command, *typed, "--seed", seed))
    assert line == f"--seed: from 0 to 9223372036854775807 is needed; received {seed}"
    assert not list(tmp_path.iterdir())


def test_the_largest_seed_trains(closedbook: Closedbook, files: Path, tmp_path: Path):
    """Weights, order and masks are drawn with the largest seed as with any."""
    words = ("--recipe", files / "tiny.toml", "--epochs", 1, "--out", tmp_path / "RUN", "--seed", MAX_SEED)
    assert closedbook("pretrain", files / "corpus.txt", "--pairs", files / "pairs.tsv", *words).status == 0
    assert closedbook("world", tmp_path / "world", "--people", 100, "--seed", MAX_SEED).status == 0


# Settings


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_sets_the_masks(setting: Setting):
    """Its values come from the setting, and all else from the recipe."""
    stage = "study" if setting == "self-study" else "pretrain"
    recipe, sources = given("study", "--setting", setting, stage=stage)
    assert recipe == in_setting(FAST, setting)
    changed = {key for key, source in sources.items() if source != "preset fast"}
    assert {sources[key] for key in changed} <= {f"setting {setting}"}
    assert ("corruption.guided" in changed) == (setting in ("asking", "unguided", "assignment"))


def test_self_study_is_the_default_setting():
    """Without --setting the recipe is that of self-study."""
    assert given("study") == given("study", "--setting", "self-study")


@pytest.mark.parametrize(
    ("setting", "option", "value", "wanted"),
    [
        ("unguided", "--corruption.guided", 0.5, 0.0),
        ("unguided", "--corruption.span", 1.0, 0.0),
        ("asking", "--corruption.span", 1.0, 0.0),
        ("assignment", "--corruption.salient", 0.5, 0.0),
        ("assignment", "--corruption.supervised", "content", "all"),
    ],
)
def test_an_option_that_contradicts_the_setting_is_refused(
    closedbook: Closedbook, setting: str, option: str, value: object, wanted: object
):
    """The line names the option, what the setting needs, and what was received."""
    line = refused(closedbook, "study", "--setting", setting, option, value)
    assert line == f"{option}: --setting {setting} sets it to {wanted}; received {value}; leave out one of the two"


def test_an_option_that_the_setting_allows_wins():
    """How much context is kept may be chosen in each setting; a weight may be given as the setting has it."""
    words = ("--setting", "unguided", "--corruption.name-only", 0.25, "--corruption.guided", 0)
    recipe, sources = given("study", *words, stage="pretrain")
    wanted = in_setting(FAST, "unguided")
    assert recipe == replace(wanted, corruption=replace(wanted.corruption, name_only=0.25))
    assert sources["corruption.name_only"] == "flag --corruption.name-only"
    recipe, _ = given("study", "--setting", "asking", "--pretrain.mix-pairs", 0.25, stage="pretrain")
    assert recipe.pretrain.mix_pairs == 0.25
    assert recipe.corruption == in_setting(FAST, "asking").corruption


def test_guided_needs_guided_masks(closedbook: Closedbook):
    """A recipe without reader-guided masks is not of setting guided, and the line says which it may be."""
    line = refused(closedbook, "study", "--setting", "guided", "--recipe", "course")
    assert line.startswith("--setting: guided needs corruption.guided above 0; received 0.0; write --setting unguided ")


def test_a_setting_is_trained_saved_and_resumed(closedbook: Closedbook, files: Path, tmp_path: Path):
    """The run's recipe has the masks of its setting; resuming it in another setting is refused."""
    run = tmp_path / "RUN"
    words = ("study", files / "corpus.txt", "--pairs", files / "pairs.tsv", "--out", run)
    recipe = ("--recipe", files / "tiny.toml", "--setting", "unguided", "--save-every", 0)
    assert closedbook(*words, *recipe).status == 0
    assert open_run(run).recipe == in_setting(load_recipe(str(files / "tiny.toml"))[0], "unguided")
    (run / "model.safetensors").unlink()
    line = fault(closedbook(*words, "--resume", "--setting", "assignment"))
    assert line.startswith(f"{run}: began with corruption.span 0.0, and --resume changes no hyperparameter; ")
    assert closedbook(*words, "--resume", "--setting", "unguided").status == 0


@pytest.mark.parametrize(("track", "setting"), [("self-study", "self-study"), ("extraction", "guided")])
def test_a_track_is_still_read(track: str, setting: str):
    """The deprecated --track names the same recipes as --setting."""
    stage = "study" if setting == "self-study" else "pretrain"
    assert given("study", "--track", track, stage=stage) == given("study", f"--setting={setting}", stage=stage)
    assert given("study", f"--track={track}", stage=stage) == given("study", f"--setting={setting}", stage=stage)


def test_a_track_is_answered_with_its_setting(closedbook: Closedbook, files: Path, tmp_path: Path):
    """A run by --track ends with a line that names --setting, and help does not list it."""
    words = (files / "corpus.txt", "--pairs", files / "pairs.tsv", "--recipe", files / "tiny.toml")
    outcome = closedbook("study", *words, "--out", tmp_path / "RUN", "--track", "extraction", "--epochs", 1)
    assert outcome.status == 0
    assert outcome.err.splitlines()[-1] == "note: --track is deprecated; write --setting guided"
    assert "--track" not in closedbook("study", "--help").out


def test_a_track_that_is_none_names_the_settings(closedbook: Closedbook):
    """A word that is no track, or none at all, is answered with what to write."""
    cure = "write --setting self-study, or --setting guided for what was extraction"
    for words, received in ((("--track", "both"), "both"), (("--track",), "nothing")):
        line = refused(closedbook, "study", *words)
        assert line == f"--track: one of self-study, extraction is needed; received {received}; {cure}"
