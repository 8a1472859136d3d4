"""benchmarks/faults.py and damage.py: a short version of benchmarks/crashes.py, on small files, in this process."""

import importlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
import torch

from closedbook.errors import RunError
from closedbook.files.durable import complete_folder
from closedbook.storage.checkpoint import Checkpoint, load_best, load_latest, save_checkpoint
from closedbook.storage.resume import resumable_run
from closedbook.storage.run import check_run_can_be_created, create_run, open_run
from closedbook.storage.tensors import load_weights

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def modules() -> Iterator[tuple[ModuleType, ModuleType]]:
    """The modules `faults` and `damage`, which are no part of the package."""
    sys.path.insert(0, str(BENCHMARKS))
    yield importlib.import_module("faults"), importlib.import_module("damage")
    sys.path.remove(str(BENCHMARKS))


Work = Callable[[Path], object]


class Failed(NamedTuple):
    """A call that failed, the error that work ended with (None where it went on), and the folder that it worked on."""

    call: str
    error: RunError | None
    folder: Path


@pytest.fixture(params=["EIO", "ENOSPC"])
def failures(
    request: pytest.FixtureRequest,
    modules: tuple[ModuleType, ModuleType],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[Work, Work], Iterator[Failed]]:
    """Do some work in a new folder once for each of its calls that change the disk, which then fails."""

    def failures(prepare: Work, work: Work) -> Iterator[Failed]:
        for at in count(1):
            folder, calls, error = tmp_path / str(at), list[str](), None
            prepare(folder)
            with monkeypatch.context() as patch:
                modules[0].Disk(at, request.param, calls.append, patch.setattr)
                try:
                    work(folder)
                except RunError as caught:
                    error = caught
            if not calls:
                assert error is None
                return
            assert error is None or (str(folder) in str(error) and "\n" not in str(error))
            yield Failed(calls[0], error, folder)

    return failures


def leftovers(folder: Path) -> list[Path]:
    """Temporary files and folders in a folder, and of it next to it."""
    return [*folder.parent.glob(f".tmp-*-{folder.name}"), *folder.rglob(".tmp-*")]


def save(run: Path, step: int) -> None:
    """Save a checkpoint, the best so far, in which every part names its step."""
    save_checkpoint(
        run,
        step=step,
        weights={"w": torch.full((5, 7), float(step))},
        optimizer={"state": {0: {"step": torch.tensor(float(step))}}},
        state={"saved": step},
        fingerprint={"torch": str(step)},
        best=True,
    )


def assert_whole(checkpoint: Checkpoint | None, steps: tuple[int, ...]) -> None:
    """Assert that a checkpoint is of one of these steps in all its parts, and that none was skipped."""
    assert checkpoint is not None
    assert checkpoint.step in steps
    assert torch.equal(checkpoint.weights["w"], torch.full((5, 7), float(checkpoint.step)))
    assert checkpoint.state["saved"] == checkpoint.optimizer["state"][0]["step"].item() == checkpoint.step
    assert checkpoint.notes == ()


def test_a_checkpoint_whose_save_fails_anywhere_is_the_old_or_the_new(
    failures: Callable[[Work, Work], Iterator[Failed]],
) -> None:
    """Whichever write, fsync, mkdir, rename or unlink fails; the next save works, and leaves nothing temporary."""

    def prepare(run: Path) -> None:
        for step in (1, 2):
            save(run, step)

    failed = list(failures(prepare, partial(save, step=3)))
    for _, error, run in failed:
        for checkpoint in (load_latest(run), load_best(run)):
            assert_whole(checkpoint, (2, 3) if error else (3,))
        save(run, 4)
        assert_whole(load_latest(run), (4,))
        assert not leftovers(run)
    assert {"write", "open", "fsync", "mkdir", "rename", "replace", "unlink", "rmdir"} == {call for call, *_ in failed}
    assert sum(error is not None for _, error, _ in failed) >= 25


def test_a_run_whose_creation_fails_anywhere_is_not_there_or_whole(
    failures: Callable[[Work, Work], Iterator[Failed]], request: pytest.FixtureRequest, runs: Path
) -> None:
    """Nothing is left of it, but where the last fsync failed; creating it again works. Its folder is new, or empty."""
    run, is_there = open_run(runs / "pretrained"), "EIO" in request.node.name

    def prepare(folder: Path) -> None:
        if is_there:
            folder.mkdir()

    def create(folder: Path) -> None:
        create_run(folder, run.recipe, run.info, {"corpus.txt": b"A. B.\n"})

    failed = list(failures(prepare, create))
    for call, _, folder in failed:
        if (folder / "run.json").exists():
            assert open_run(folder).recipe == run.recipe
        else:
            assert folder.exists() == is_there
            assert not is_there or not list(folder.iterdir())
            create(folder)
        assert (folder / "corpus.txt").read_bytes() == b"A. B.\n"
        assert call in ("unlink", "rmdir") or not leftovers(folder)
    assert len(failed) >= 20


def test_a_run_whose_creation_dies_anywhere_is_not_there_or_whole(
    modules: tuple[ModuleType, ModuleType], runs: Path, tmp_path: Path
) -> None:
    """A process that dies while it fills an empty folder leaves it to the next one to begin anew, or to complete it."""
    run, status = open_run(runs / "pretrained"), modules[0].DIED
    for at in count(1):
        folder = tmp_path / str(at)
        folder.mkdir()
        process = os.fork()
        if not process:
            try:
                modules[0].Disk(at, "death", len)
                create_run(folder, run.recipe, run.info, {"corpus.txt": b"A. B.\n"})
            finally:
                os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        complete_folder(folder)
        if (folder / "run.json").exists():
            with pytest.raises(RunError, match="it has not ended: go on with it by --resume"):
                check_run_can_be_created(folder)
            assert resumable_run(folder, "pretrain").recipe == run.recipe
            assert (folder / "corpus.txt").exists()
        else:
            check_run_can_be_created(folder)
            assert status == modules[0].DIED
            assert not list(folder.iterdir())
        if status == 0:
            break
    assert at >= 20


def test_a_run_whose_end_fails_anywhere_has_its_weights_or_none(
    failures: Callable[[Work, Work], Iterator[Failed]], runs: Path
) -> None:
    """Weights that are there are whole, and saving them again works."""
    weights, _ = load_weights(runs / "scratch/model.safetensors")

    def prepare(folder: Path) -> None:
        shutil.copytree(runs / "scratch", folder)
        (folder / "model.safetensors").unlink()

    failed = list(failures(prepare, lambda folder: open_run(folder).finish(weights)))
    for _, error, folder in failed:
        run = open_run(folder)
        if run.is_finished:
            run.model()
        else:
            assert error is not None
            run.finish(weights)
            run.model()
        assert not leftovers(folder)
    assert len(failed) >= 8


@pytest.mark.parametrize("name", ["weights.safetensors", "optimizer.safetensors", "state.json", "manifest.json"])
def test_damage_anywhere_in_a_checkpoint_is_found(
    modules: tuple[ModuleType, ModuleType], tmp_path: Path, name: str
) -> None:
    """Cut off at each 1/64, or with a bit flipped there: the checkpoint before is loaded, and a note names the file."""
    save(tmp_path, 1)
    save(tmp_path, 2)
    path = tmp_path / "checkpoints/step-00000002" / name

    def read() -> Any:
        found = load_latest(tmp_path)
        assert found is not None
        return found.step, found.notes

    def is_before(found: Any) -> bool:
        step, (note,) = found
        return step == 1 and note.startswith(f"{path}: ")

    result = modules[1].try_all(path, read, is_before)
    assert result["wrong"] == []
    assert result["outcomes"] == {"the checkpoint before, with a note": result["damages"]}


@pytest.mark.parametrize("name", ["latest", "best"])
def test_damage_to_a_pointer_loses_nothing_unseen(
    modules: tuple[ModuleType, ModuleType], tmp_path: Path, name: str
) -> None:
    """Either the same checkpoint is loaded, or the one before with a note; of the best no other is taken."""
    save(tmp_path, 1)
    save(tmp_path, 2)
    load = load_latest if name == "latest" else load_best

    def read() -> Any:
        found = load(tmp_path)
        assert found is not None
        return found.step

    result = modules[1].try_all(tmp_path / "checkpoints" / name, read, lambda step: step == 1 and name == "latest")
    assert result["wrong"] == []
    assert result["damages"] == 128
