import resource
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from closedbook.errors import RunError
from closedbook.recipe.recipe_file import load_recipe
from closedbook.storage.checkpoint import load_latest
from closedbook.training.checkpointing import Saving
from closedbook.training.events import Event, Saved
from closedbook.training.stages import pretrain
from closedbook.training.trainer import StepReport


def started(files: Path, folder: Path, save_every: float) -> Generator[Event, None, None]:
    """A training in the folder `run`, saved every so many seconds."""
    recipe, _ = load_recipe(str(files / "tiny.toml"))
    events: Any = pretrain(files / "corpus.txt", recipe, Saving(folder / "run", every_seconds=save_every))
    return events


@contextmanager
def disk_full_for(n_bytes: int) -> Iterator[None]:
    """As on a disk that has this much space."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def size_of(name: str) -> Callable[[Path], int]:
    """The number of bytes that the run's file of that name can have."""
    return lambda run: next(path.stat().st_size for path in run.rglob(name)) - 1


@pytest.mark.parametrize(
    ("space", "line"),
    [
        (size_of("weights.safetensors"), "checkpoints: the checkpoint of step 3 cannot be saved: File too large; "),
        (size_of("metrics.jsonl"), "metrics.jsonl: cannot be written: File too large; "),
    ],
    ids=["checkpoint", "metrics"],
)
def test_a_disk_that_fills_up_ends_training_with_the_last_good_checkpoint(
    files: Path, tmp_path: Path, space: Callable[[Path], int], line: str
) -> None:
    """The line names what could not be written and the step before, which was saved, and the run resumes from it."""
    training = started(files, tmp_path, save_every=0.0)
    assert next(event for event in training if event == Saved(2))
    with disk_full_for(space(tmp_path / "run")), pytest.raises(RunError) as caught:
        list(training)
    assert str(caught.value).startswith(f"{tmp_path / 'run'}/{line}")
    assert str(caught.value).endswith("; the last good checkpoint is of step 2")
    assert caught.value.exit_status == 2
    checkpoint = load_latest(tmp_path / "run")
    assert checkpoint is not None
    assert checkpoint.step == 2


def test_a_run_that_is_stopped_on_a_full_disk_says_that_nothing_was_saved(files: Path, tmp_path: Path) -> None:
    """Stopping saves, and that save fails: its step is not reported as the last good checkpoint."""
    training = started(files, tmp_path, save_every=1e9)
    assert next(event for event in training if isinstance(event, StepReport))
    with (
        disk_full_for(1000),
        pytest.raises(RunError, match=r"the checkpoint of step 1 cannot .*; no checkpoint was sav"),
    ):
        training.close()
