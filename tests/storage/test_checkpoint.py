import errno
import hashlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from closedbook.errors import RunError
from closedbook.storage.checkpoint import Checkpoint, load_best, load_latest, save_checkpoint
from closedbook.text.vocabulary import MASK, PAD

FILES = ("weights.safetensors", "optimizer.safetensors", "state.json", "manifest.json")


def save(run: Path, step: int, *, best: bool = False) -> Path:
    """Save a checkpoint in which every part names its step."""
    return save_checkpoint(
        run,
        step=step,
        weights={"w": torch.full((5, 7), float(step))},
        optimizer={"state": {0: {"step": torch.tensor(float(step))}}, "param_groups": [{"params": [0]}]},
        state={"saved": step},
        fingerprint={"torch": str(step)},
        best=best,
    )


def assert_whole(checkpoint: Checkpoint | None, step: int) -> None:
    """Assert that all parts of a checkpoint name the same step."""
    assert checkpoint is not None
    assert checkpoint.step == checkpoint.state["saved"] == step
    assert torch.equal(checkpoint.weights["w"], torch.full((5, 7), float(step)))
    assert checkpoint.optimizer["state"][0]["step"].item() == step
    assert checkpoint.fingerprint == {"torch": str(step)}


def home(run: Path) -> list[str]:
    """The names in the run's folder of checkpoints."""
    return sorted(path.name for path in (run / "checkpoints").iterdir())


def assert_same(one: Any, other: Any) -> None:
    """Assert equality bit for bit, and the same types, at every depth."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert list(one) == list(other)
        assert_same(list(one.values()), list(other.values()))
    elif isinstance(one, list | tuple):
        for pair in zip(one, other, strict=True):
            assert_same(*pair)
    elif isinstance(one, torch.Tensor):
        assert one.dtype == other.dtype
        assert torch.equal(one, other)
    else:
        assert one == other


def network() -> torch.nn.Sequential:
    """A small network with dropout, whose first and third layers share a bias."""
    torch.manual_seed(3)
    layers = [torch.nn.Linear(5, 7), torch.nn.Dropout(0.3), torch.nn.Linear(7, 7)]
    layers[2].bias = layers[0].bias
    return torch.nn.Sequential(*layers)


def fused_adamw(model: torch.nn.Module) -> torch.optim.Optimizer:
    """AdamW with two groups, like training's."""
    first, *rest = model.parameters()
    groups = [{"params": [first], "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=0.1, betas=(0.9, 0.95), fused=True)


def amsgrad(model: torch.nn.Module) -> torch.optim.Optimizer:
    """AdamW neither fused nor with the usual state."""
    return torch.optim.AdamW(model.parameters(), lr=0.1, fused=False, amsgrad=True)


def momentum(model: torch.nn.Module) -> torch.optim.Optimizer:
    """SGD with momentum."""
    return torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)


def train(model: torch.nn.Module, optimizer: torch.optim.Optimizer, first: int, n_steps: int) -> None:
    """Train on random data; torch's generator is seeded at each step."""
    for step in range(first, first + n_steps):
        torch.manual_seed(step)
        optimizer.zero_grad()
        model(torch.randn(11, 5)).square().sum().backward()
        optimizer.step()


@pytest.mark.parametrize("make", [fused_adamw, amsgrad, momentum])
def test_resumed_training_equals_undisturbed_training(
    tmp_path: Path, make: Callable[[torch.nn.Module], torch.optim.Optimizer]
) -> None:
    """From a checkpoint, weights and optimizer continue bit for bit as in an undisturbed run."""
    model = network()
    optimizer = make(model)
    train(model, optimizer, 0, 3)
    save_checkpoint(
        tmp_path,
        step=3,
        weights=model.state_dict(),
        optimizer=optimizer.state_dict(),
        state={},
        fingerprint={},
    )
    train(model, optimizer, 3, 5)

    resumed = network()
    other = make(resumed)
    checkpoint = load_latest(tmp_path)
    assert checkpoint is not None
    resumed.load_state_dict(checkpoint.weights)
    other.load_state_dict(checkpoint.optimizer)
    train(resumed, other, checkpoint.step, 5)

    assert_same(resumed.state_dict(), model.state_dict())
    assert_same(other.state_dict(), optimizer.state_dict())


def test_an_optimizers_state_keeps_its_types(tmp_path: Path) -> None:
    """Tuples, integer keys, None, infinities and tensors are loaded as they were saved."""
    tree = {
        "state": {0: {"step": torch.tensor(3.0), "x": torch.ones(3, 2).T}, 7: {"none": None, "n": 5}},
        "param_groups": [{"lr": 0.1 + 0.2, "betas": (0.9, 0.95), "fused": True, "max": float("inf"), "params": [0]}],
    }
    save_checkpoint(tmp_path, step=0, weights={}, optimizer=tree, state={}, fingerprint={})
    checkpoint = load_latest(tmp_path)
    assert checkpoint is not None
    assert_same(checkpoint.optimizer, tree)


def test_a_checkpoint_is_loaded_as_it_was_saved(tmp_path: Path) -> None:
    """With its step, state, fingerprint and folder."""
    state = {"epoch": 2, "losses": [0.1, 1e-300], "best": {"accuracy": None, "name": f"{PAD}{MASK}\n"}}
    folder = save_checkpoint(tmp_path, step=123, weights={}, optimizer={}, state=state, fingerprint={"threads": "2"})
    assert folder == tmp_path / "checkpoints" / "step-00000123"
    assert {path.name for path in folder.iterdir()} == set(FILES)
    expected = Checkpoint(folder, 123, {}, {}, state, {"threads": "2"}, ())
    assert load_latest(tmp_path) == expected


def test_a_run_without_checkpoints_has_none(tmp_path: Path) -> None:
    """Neither the latest nor the best is found, and nothing is created."""
    for run in (tmp_path, tmp_path / "gone"):
        assert load_latest(run) is None
        assert load_best(run) is None
    assert not list(tmp_path.iterdir())


def test_two_checkpoints_are_kept(tmp_path: Path) -> None:
    """Older ones are removed; `latest` names the newest."""
    for step in (1, 20, 300, 100_000_000):
        save(tmp_path, step)
    assert home(tmp_path) == ["latest", "step-00000300", "step-100000000"]
    manifest = (tmp_path / "checkpoints" / "step-100000000" / "manifest.json").read_bytes()
    expected = f"step-100000000\n{hashlib.sha256(manifest).hexdigest()}\n"
    assert (tmp_path / "checkpoints" / "latest").read_text() == expected


def test_what_is_no_checkpoint_is_left_alone(tmp_path: Path) -> None:
    """A file and a folder of other names or kinds are neither read nor removed."""
    save(tmp_path, 1)
    (tmp_path / "checkpoints" / "step-00000009").write_text("mine")
    (tmp_path / "checkpoints" / "step-mine").mkdir()
    (tmp_path / "checkpoints" / "latest").unlink()
    for step in (2, 3):
        assert_whole(load_latest(tmp_path), step - 1)
        save(tmp_path, step)
    assert home(tmp_path) == ["latest", "step-00000002", "step-00000003", "step-00000009", "step-mine"]


def test_the_best_is_kept_until_there_is_a_better(tmp_path: Path) -> None:
    """The best stays however old it is, and is removed once another is best."""
    save(tmp_path, 1)
    assert load_best(tmp_path) is None
    for step in (2, 3, 4, 5):
        save(tmp_path, step, best=step == 2)
        assert_whole(load_best(tmp_path), 2)
    assert home(tmp_path) == ["best", "latest", "step-00000002", "step-00000004", "step-00000005"]
    save(tmp_path, 6, best=True)
    save(tmp_path, 7)
    assert home(tmp_path) == ["best", "latest", "step-00000006", "step-00000007"]
    assert_whole(load_best(tmp_path), 6)
    assert_whole(load_latest(tmp_path), 7)


def test_a_step_saved_again_replaces_the_first(tmp_path: Path) -> None:
    """The later one counts, and the checkpoint of the step before stays."""
    save(tmp_path, 1)
    first, second = save(tmp_path, 2), save(tmp_path, 2, best=True)
    assert first != second
    assert home(tmp_path) == ["best", "latest", "step-00000001", second.name]
    for found in (load_latest(tmp_path), load_best(tmp_path)):
        assert found is not None
        assert found.path == second


def test_a_run_begun_anew_in_the_same_folder_keeps_its_checkpoints(tmp_path: Path) -> None:
    """Its steps are smaller than those of old checkpoints and still count as the newest."""
    save(tmp_path, 5000)
    save(tmp_path, 1)
    assert_whole(load_latest(tmp_path), 1)
    assert home(tmp_path) == ["latest", "step-00000001", "step-00005000"]
    save(tmp_path, 2)
    assert_whole(load_latest(tmp_path), 2)
    assert home(tmp_path) == ["latest", "step-00000001", "step-00000002"]


def point_without_sum(pointer: Path) -> None:
    """Leave only the name in `latest` or `best`, as older versions wrote them."""
    pointer.write_text(pointer.read_text(encoding="utf-8").split()[0] + "\n", encoding="utf-8")


def test_a_pointer_of_an_older_version_is_read(tmp_path: Path) -> None:
    """It has a checkpoint's name and no SHA-256."""
    save(tmp_path, 1, best=True)
    for name in ("latest", "best"):
        point_without_sum(tmp_path / "checkpoints" / name)
    assert_whole(load_latest(tmp_path), 1)
    assert_whole(load_best(tmp_path), 1)


def truncate(file: Path) -> None:
    """Cut off the last byte of a file."""
    file.write_bytes(file.read_bytes()[:-1])


def flip(file: Path) -> None:
    """Flip one bit in the middle of a file."""
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0x80
    file.write_bytes(bytes(data))


@pytest.mark.parametrize("damage", [truncate, flip, Path.unlink])
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_checkpoint_is_skipped_with_a_note(tmp_path: Path, name: str, damage: Callable[[Path], None]) -> None:
    """Where the newest is damaged, the one before is loaded; a note names the damaged file and what was loaded."""
    save(tmp_path, 1)
    newest = save(tmp_path, 2)
    if name == "manifest.json" and damage is truncate:
        truncate(newest / name)  # Its last byte is a newline, which may be missing.
    damage(newest / name)
    checkpoint = load_latest(tmp_path)
    assert_whole(checkpoint, 1)
    assert checkpoint is not None
    (note,) = checkpoint.notes
    assert str(newest / name) in note
    assert note.endswith("skipped, continuing from step-00000001")
    save(tmp_path, 2)
    assert_whole(load_latest(tmp_path), 2)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"../../elsewhere", b"step-00000009", b"/etc"])
def test_a_pointer_to_no_checkpoint_is_skipped(tmp_path: Path, content: bytes) -> None:
    """Where `latest` names nothing, or a path outside, the newest checkpoint is loaded, with a note."""
    save(tmp_path, 1)
    (tmp_path / "checkpoints" / "latest").write_bytes(content)
    checkpoint = load_latest(tmp_path)
    assert_whole(checkpoint, 1)
    assert checkpoint is not None
    assert len(checkpoint.notes) == 1


def test_a_lost_pointer_loses_nothing(tmp_path: Path) -> None:
    """Without `latest` the newest undamaged checkpoint is loaded."""
    save(tmp_path, 1)
    save(tmp_path, 2)
    (tmp_path / "checkpoints" / "latest").unlink()
    assert_whole(load_latest(tmp_path), 2)


def test_nothing_is_pruned_where_the_best_is_unknown(tmp_path: Path) -> None:
    """A damaged `best` does not stop training, and no checkpoint is removed; loading the best names it."""
    save(tmp_path, 1, best=True)
    (tmp_path / "checkpoints" / "best").write_text("?")
    for step in (2, 3, 4):
        save(tmp_path, step)
    assert [name for name in home(tmp_path) if name.startswith("step")] == [f"step-0000000{n}" for n in (1, 2, 3, 4)]
    with pytest.raises(RunError, match=r"best: damaged: a checkpoint's name is needed, received '\?'; "):
        load_best(tmp_path)


def test_damage_to_all_checkpoints_ends_in_one_line(tmp_path: Path) -> None:
    """The line names the newest's damaged file and what to do."""
    for step in (1, 2):
        flip(save(tmp_path, step, best=step == 1) / "weights.safetensors")
    with pytest.raises(RunError, match=r"step-00000002/weights.safetensors: damaged: its SHA-256") as caught:
        load_latest(tmp_path)
    assert "remove it to begin again" in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(RunError, match=r"step-00000001/weights.safetensors: damaged: .*or remove .*best"):
        load_best(tmp_path)


def test_a_later_format_is_refused(tmp_path: Path) -> None:
    """A checkpoint in a format that this version does not know is not read."""
    manifest = save(tmp_path, 1) / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 2'))
    point_without_sum(tmp_path / "checkpoints" / "latest")
    with pytest.raises(RunError, match=r"format 2, and this version reads 1"):
        load_latest(tmp_path)


@pytest.mark.parametrize("name", ["weights.safetensors", "optimizer.safetensors"])
def test_a_pickle_in_a_checkpoint_is_refused(tmp_path: Path, name: str) -> None:
    """A pickle is not loaded, even where its SHA-256 is the manifest's."""
    folder = save(tmp_path, 1)
    torch.save({"w": torch.ones(2)}, folder / name)
    data = (folder / name).read_bytes()
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    point_without_sum(tmp_path / "checkpoints" / "latest")
    with pytest.raises(RunError, match="pickles are never loaded"):
        load_latest(tmp_path)


def test_leftovers_of_a_killed_process_are_removed_at_the_next_save(tmp_path: Path) -> None:
    """Temporary folders and files are never read."""
    left = save(tmp_path, 9).rename(tmp_path / "checkpoints" / ".tmp-1-step-00000009")
    (tmp_path / "checkpoints" / ".tmp-1-latest").write_text(left.name)
    (tmp_path / "checkpoints" / "latest").unlink()
    assert load_latest(tmp_path) is None
    save(tmp_path, 1)
    assert home(tmp_path) == ["latest", "step-00000001"]


def test_a_full_disk_leaves_earlier_checkpoints_untouched(tmp_path: Path) -> None:
    """One line names the folder and the reason."""
    save(tmp_path, 1)
    before = home(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(RunError, match=r"checkpoints: the checkpoint of step 2 .*: File too large; ") as caught:
            save(tmp_path, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.exit_status == 2
    assert "\n" not in str(caught.value)
    assert home(tmp_path) == before
    assert_whole(load_latest(tmp_path), 1)


def test_a_file_in_place_of_the_runs_folder_is_named(tmp_path: Path) -> None:
    """Saving and loading end in one line, and the file stays."""
    run = tmp_path / "run"
    run.write_text("mine")
    with pytest.raises(RunError, match=r"run/checkpoints: the checkpoint of step 1 cannot be saved: Not a dir"):
        save(run, 1)
    with pytest.raises(RunError, match=r"Not a directory"):
        load_latest(run)
    assert run.read_text() == "mine"


def test_everything_is_on_disk_before_latest_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file and both folders are fsynced, then `latest` is replaced, then its folder is fsynced again."""
    events: list[int | str] = []
    fsync, replace = os.fsync, os.replace

    def watched_fsync(descriptor: int) -> None:
        events.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    def watched_replace(source: Path, target: Path) -> None:
        events.append(target.name)
        replace(source, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_replace)
    folder = save(tmp_path, 1)
    parent, latest = folder.parent.stat().st_ino, (folder.parent / "latest").stat().st_ino
    files = [(folder / name).stat().st_ino for name in FILES]
    expected = [tmp_path.stat().st_ino, *files, folder.stat().st_ino, parent, latest, "latest", parent]
    assert events == expected


class Faults:
    """Makes one of the calls to the disk fail as on a full disk."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.n_left: int | None = None
        for name in ("mkdir", "fsync", "rename", "replace"):
            monkeypatch.setattr(os, name, self.counted(getattr(os, name)))

    def counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The call, counted."""

        def wrapper(*arguments: Any, **options: Any) -> Any:
            if self.n_left is not None:
                self.n_left -= 1
                if self.n_left == 0:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return call(*arguments, **options)

        return wrapper


@pytest.mark.parametrize("old", [None, 2])
def test_a_failure_of_any_call_leaves_the_old_or_the_new_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: int | None
) -> None:
    """Whichever call to the disk fails, `latest` and `best` name complete checkpoints, and no half is left."""
    faults = Faults(monkeypatch)
    messages: list[str | None] = []
    while faults.n_left is None or faults.n_left <= 0:
        run = tmp_path / str(len(messages))
        faults.n_left = None
        for step in range(1, (old or 0) + 1):
            save(run, step, best=True)
        faults.n_left = len(messages) + 1
        messages.append(None)
        try:
            save(run, 3, best=True)
        except RunError as error:
            messages[-1] = str(error)
        for found in (load_latest(run), load_best(run)):
            if found is None:
                assert old is None
            else:
                assert found.step == 3 or (messages[-1] and found.step == old)
                assert_whole(found, found.step)
                assert found.notes == ()
        assert not list(run.rglob(".tmp-*"))
    failed = [message for message in messages if message]
    assert len(failed) >= 12
    assert all("No space left on device" in message and "\n" not in message for message in failed)


KILLS = """
import os, random, signal, sys, time
from pathlib import Path
import torch
from closedbook.storage.checkpoint import load_best, load_latest, save_checkpoint

run = Path(sys.argv[1])

def save(step):
    save_checkpoint(
        run, step=step, best=step % 3 == 0, weights={"w": torch.full((1000,), float(step))},
        optimizer={"state": {0: {"step": torch.tensor(float(step))}}}, state={"saved": step}, fingerprint={},
    )

def look():
    for found in (load_best(run), load_latest(run)):
        assert found.notes == (), found.notes
        assert (found.weights["w"] == found.step).all() and found.state["saved"] == found.step
    for folder in run.glob("checkpoints/step-*"):
        assert len(os.listdir(folder)) == 4, f"half of {folder} is left"
    assert load_best(run).step >= found.step // 3 * 3, "best moves before latest"
    return found.step

def kill_at(number):
    calls = 0
    def counted(call):
        def wrapper(*arguments, **options):
            nonlocal calls
            calls += 1
            if calls == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **options)
        return wrapper
    for name in ("mkdir", "open", "fsync", "rename", "replace", "unlink", "rmdir"):
        setattr(os, name, counted(getattr(os, name)))

def child(work):
    process = os.fork()
    if not process:
        try:
            work()
        finally:
            os._exit(0)
    return process

def whole_save(number, step):
    kill_at(number)
    save(step)

torch.set_num_threads(1)
save(0)
for number in range(1, 1000):
    before = look()
    _, status = os.waitpid(child(lambda: whole_save(number, before + 1)), 0)
    after = look()
    assert after in (before, before + 1)
    if status == 0:
        assert after == before + 1
        break
print("boundaries", number - 1)

def loop(step):
    while True:
        step += 1
        save(step)

moments = random.Random(7)
for _ in range(15):
    before = look()
    process = child(lambda: loop(before))
    time.sleep(moments.uniform(0.001, 0.08))
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    assert look() >= before
before = look()
save(before + 1)
left = os.listdir(run / "checkpoints")
assert not [name for name in left if name.startswith(".tmp-")] and len(left) <= 5, left
print("steps", before)
"""


def test_a_process_killed_at_any_moment_leaves_a_complete_checkpoint(tmp_path: Path) -> None:
    """SIGKILL before each call to the disk, and at random moments: `latest` and `best` are complete."""
    done = subprocess.run([sys.executable, "-c", KILLS, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    printed = dict(line.split() for line in done.stdout.splitlines())
    assert int(printed["boundaries"]) >= 20
    assert int(printed["steps"]) > 0
