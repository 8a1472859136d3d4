"""A run whose loss is no longer finite stops, or goes back and on with half the learning rate."""

import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from closedbook.errors import NotFinite
from closedbook.recipe.recipe_file import load_recipe, with_values
from closedbook.storage.checkpoint import load_latest
from closedbook.training.checkpointing import Saving
from closedbook.training.events import Event, Note
from closedbook.training.metrics import read_steps
from closedbook.training.rewinding import MAX_REWINDS
from closedbook.training.stages import pretrain
from closedbook.training.trainer import StepReport

RECIPE = (
    "pretrain.optimizer=adamw",
    "pretrain.schedule=linear",
    "pretrain.warmup=0.5",
    "pretrain.epochs=6",
)
DIVERGES_TWICE = ("pretrain.learning_rate=300", "on_divergence=rewind")
"""After step 6 of 12, and with half the learning rate once more; with a quarter it does not."""
NEVER_FINITE = ("pretrain.learning_rate=1e6", "on_divergence=rewind")
UPDATES_TO_INFINITY = ("pretrain.learning_rate=1e37", "pretrain.warmup=0.0")
"""The tables' rows, whose learning rate is larger, are beyond float32 after a step."""


def started(
    files: Path, run: Path, *words: str, resume: bool = False, every_seconds: float = 1e9
) -> Generator[Event, None, None]:
    """A training in the folder `run`."""
    recipe = with_values(load_recipe(str(files / "tiny.toml"))[0], [*RECIPE, *words])
    saving = Saving(run, resume=resume, every_seconds=every_seconds)
    events: Any = pretrain(files / "corpus.txt", recipe, saving)
    return events


def is_rewind(event: Event) -> bool:
    """Whether an event says that the run went back."""
    return isinstance(event, Note) and "went back to step" in event.text


def test_a_run_goes_back_and_on_with_half_the_learning_rate(files: Path, tmp_path: Path):
    """First to the state kept last, then to the first; each step is in the metrics once, and one line says so."""
    notes = [event.text for event in started(files, tmp_path / "run", *DIVERGES_TWICE) if is_rewind(event)]
    assert [note.partition("went back")[2] for note in notes] == [
        " to step 6, and goes on with 1/2 of the recipe's learning rate (on_divergence)",
        " to step 0, and goes on with 1/4 of the recipe's learning rate (on_divergence)",
    ]
    assert all(note.startswith("step 7: loss nan, norm of the gradient nan, at learning rate ") for note in notes)
    steps = read_steps(tmp_path / "run")
    assert [step["step"] for step in steps] == list(range(1, 13))
    assert max(step["learning_rate"] for step in steps) == 300 / 4
    assert (tmp_path / "run/model.safetensors").exists()
    assert not (tmp_path / "run/rewind").exists()


@pytest.mark.parametrize("n_events", [3, 7, 11, 17], ids=lambda n: f"after {n} events")
def test_a_killed_run_goes_back_as_an_undisturbed_one(files: Path, tmp_path: Path, n_events: int):
    """Whatever checkpoint it begins from, before the first rewind or after it, the weights are the same bit for bit."""
    for _ in started(files, tmp_path / "undisturbed", *DIVERGES_TWICE):
        pass
    n_seen, run, copy = 0, tmp_path / "run", tmp_path / "copy"
    for event in started(files, run, *DIVERGES_TWICE, every_seconds=0.0):
        n_seen += isinstance(event, StepReport) or is_rewind(event)
        if n_seen == n_events and not copy.exists():
            shutil.copytree(run, copy)
    for _ in started(files, copy, *DIVERGES_TWICE, resume=True):
        pass
    expected, resumed = (load_file(path / "model.safetensors") for path in (tmp_path / "undisturbed", copy))
    assert all(expected[name].equal(resumed[name]) for name in expected)
    steps, again = ([{**step, "seconds": 0} for step in read_steps(path)] for path in (tmp_path / "undisturbed", copy))
    assert steps == again


def test_a_run_that_stays_infinite_stops(files: Path, tmp_path: Path):
    """After five halvings it ends as without the option, and names what was tried."""
    rewinds = filter(is_rewind, started(files, tmp_path / "run", *NEVER_FINITE))
    for _ in range(MAX_REWINDS):
        next(rewinds)
    with pytest.raises(NotFinite, match=f"the learning rate was halved {MAX_REWINDS} times already; the last good che"):
        next(rewinds)
    assert not (tmp_path / "run/model.safetensors").exists()


@pytest.mark.parametrize("n_steps", [1, 7])
def test_weights_that_are_not_finite_are_never_saved(files: Path, tmp_path: Path, n_steps: int):
    """An update can make weights infinite at a finite loss: neither a checkpoint nor the final weights have them."""
    words = (*UPDATES_TO_INFINITY, f"pretrain.steps={n_steps}")
    with pytest.raises(NotFinite, match=r"^step 1: its update left .*; no checkpoint was saved yet, and a smaller"):
        list(started(files, tmp_path / "run", *words, every_seconds=0.0))
    assert load_latest(tmp_path / "run") is None
    assert not (tmp_path / "run/model.safetensors").exists()


def test_a_learning_rate_beyond_float32_makes_no_update(files: Path, tmp_path: Path):
    """Muon's and the tables' rates are multiples of the recipe's; the first that is infinite is named."""
    words = ("pretrain.learning_rate=1e38", "pretrain.optimizer=muon", "pretrain.warmup=0.0")
    with pytest.raises(
        NotFinite, match=r"^step 1: learning rate 1e\+39 is infinite in float32; no checkpoint was saved"
    ):
        list(started(files, tmp_path / "run", *words))
