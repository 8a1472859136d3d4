"""What is left of a training that is killed, whose disk fails, or whose files are damaged.

    OMP_NUM_THREADS=1 python benchmarks/crashes.py kills > benchmarks/results/crashes-kills.json
    OMP_NUM_THREADS=1 python benchmarks/crashes.py faults > benchmarks/results/crashes-faults.json
    OMP_NUM_THREADS=1 python benchmarks/crashes.py damage > benchmarks/results/crashes-damage.json

kills: SIGKILL at random moments of short trainings of every kind, up to three in one of them, each after which it is
resumed; at the end, the run's files are compared with those of a run that nobody disturbed. Moments are drawn over the
processor time of the undisturbed run, from the command line to the end. Commands run in forked processes.

faults: a training that is saved after each step, once for each call that changes the disk: that call fails (EIO), the
disk is full from then on (ENOSPC), or the process dies there. Then what is on disk is read, and the run is resumed.

damage: each file of a run and of its checkpoints, cut off at each 1/64 of its length, and with one byte changed there.

It exits with 1 where anything went wrong.
"""

import json
import shutil
import signal
import sys
import tempfile
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor

import closedbook.api.study  # noqa: F401  # what the commands import, before they are forked
from closedbook.errors import RunError
from closedbook.evaluation.calibration import load_calibration
from closedbook.storage.checkpoint import Checkpoint, load_best, load_latest
from closedbook.storage.lock import LOCK
from closedbook.storage.run import open_run
from closedbook.training.metrics import read_metrics
from closedbook.training.rounds import scores_as_of
from closedbook.training.silver import saved_book
from closedbook.world.people import WorldConfig
from closedbook.world.world import WorldFiles, write_world
from damage import try_all
from faults import DIED, FAULTS, Disk, Fault
from forked import Command, Ended
from machine import facts

WORLD = WorldConfig(
    n_people=125, documents=1, n_places=32, attributes=("birthplace", "trade"), train=0.8, dev=0.08, test=0.08,
    withheld=0.0, seed=7,
)  # fmt: skip
"""100 training pairs, so that 20 are held out for a calibration."""

RECIPE = """\
preset = "fast"
precision = "float32"
sizing = "fixed"
[model]
variant = "{variant}"
n_layer = {n_layer}
n_head = 2
n_embd = 16
bottleneck_dim = 8
prefix_table = {tables}
name_table = {tables}
embd_pdrop = 0.1
resid_pdrop = 0.1
attn_pdrop = 0.1
[pretrain]
epochs = {epochs}
batch_size = 64
evaluate_every = 2
[study]
epochs = 1
batch_size = 64
[finetune]
epochs = 4
batch_size = 64
patience = 2
"""
MODELS = (("vanilla", True), ("vanilla", False), ("perceiver", True), ("perceiver", False))
"""The variant, and whether the model has tables."""
KINDS = ("pretrain", "self-study", "guided", "asking", "finetune")


@dataclass(frozen=True)
class Case:
    """A training: its kind, the model's variant, and whether the model has tables."""

    kind: str
    variant: str
    has_tables: bool

    def __str__(self) -> str:
        return f"{self.kind}, {self.variant}, {'with' if self.has_tables else 'without'} tables"

    def words(self, world: WorldFiles, home: Path) -> list[str]:
        """The command, but for where the run is; finetuning starts from the undisturbed pretraining."""
        recipe = home / f"{self}.toml"
        recipe.write_text(
            RECIPE.format(
                variant=self.variant,
                n_layer=3 if self.variant == "perceiver" else 1,
                tables=str(self.has_tables).lower(),
                epochs=5 if self.kind == "asking" else 2,
            )
        )
        dev = ("--dev", str(world.dev), "--recipe", str(recipe), "--save-every", "0")
        if self.kind == "finetune":
            parent = home / str(Case("pretrain", self.variant, self.has_tables))
            return ["finetune", str(world.train), "--from", str(parent), *dev]
        if self.kind == "pretrain":
            return ["pretrain", str(world.corpus), "--pairs", str(world.train), *dev]
        return ["study", str(world.corpus), "--pairs", str(world.train), "--setting", self.kind, *dev]


def main() -> None:
    parser = ArgumentParser(description="Kill trainings, let their disk fail, and damage their files.")
    parser.add_argument("what", choices=("kills", "faults", "damage"))
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        world = write_world(WORLD, home / "world")
        if options.what == "kills":
            result = kills(world, home, options.kills, options.seed)
        else:
            result = faults(world, home) if options.what == "faults" else damage(world, home)
    print(json.dumps({"command": " ".join(sys.argv), "machine": facts(), **result}, indent=1))
    sys.exit(bool(result["wrong"]))


# Kills


def kills(world: WorldFiles, home: Path, n_kills: int, seed: int) -> dict[str, Any]:
    """Kill trainings of every kind, and compare what they end with; four processes share the work."""
    with get_context("fork").Pool(len(MODELS)) as pool:
        parts = pool.map(partial(_kills_of, world, home, n_kills, seed), range(len(MODELS)))
    rows = [row for part, _ in parts for row in part]
    totals = {key: sum(row[key] for row in rows) for key in ("kills", "trainings", "equal")}
    return {"totals": totals, "cases": rows, "wrong": [one for _, wrong in parts for one in wrong]}


def _kills_of(
    world: WorldFiles, home: Path, n_kills: int, seed: int, number: int
) -> tuple[list[dict[str, Any]], list[str]]:
    """The same for one of the models, with its share of the kills."""
    home, random = home / str(number), Random(f"{seed}, {number}")
    home.mkdir()
    share = (n_kills + number) // len(MODELS)
    rows, wrong = [], []
    for left, kind in zip(range(len(KINDS), 0, -1), KINDS, strict=True):
        row, faults = _killed(Case(kind, *MODELS[number]), world, home, share // left, random)
        share -= share // left
        rows.append(row)
        wrong += faults
        print(row, *faults, sep="\n", file=sys.stderr, flush=True)
    return rows, wrong


def _killed(
    case: Case, world: WorldFiles, home: Path, n_kills: int, random: Random
) -> tuple[dict[str, Any], list[str]]:
    words, whole = case.words(world, home), home / str(case)
    undisturbed = Command([*words, "--out", whole], home / "log").end()
    assert undisturbed.status == 0, undisturbed.err
    expected, wrong = contents(whole), []
    n_killed = n_trainings = n_equal = n_begun = 0
    while n_killed < n_kills:
        run = home / "killed"
        n_trainings += 1
        for _ in range(min(random.randint(1, 3), n_kills - n_killed)):
            command = Command([*words, "--out", run, *resume(run)], home / "log")
            command.wait_for(random.uniform(0, undisturbed.seconds))
            command.kill()
            ended = command.end()
            n_killed += ended.status == -signal.SIGKILL
            n_begun += ended.status == -signal.SIGKILL and (run / "run.json").exists()
            if ended.status not in (0, -signal.SIGKILL):
                wrong.append(f"{case}: status {ended.status}: {ended.err}")
            if (run / "model.safetensors").exists():
                break
        faults = [f"{case}: {fault}" for fault in finish(words, run, home / "log", expected)]
        wrong += faults
        n_equal += not faults
        shutil.rmtree(run)
    row = {
        "case": str(case),
        "seconds_of_cpu": round(undisturbed.seconds, 2),
        "kills": n_killed,
        "kills_of_a_run_that_had_begun": n_begun,
        "trainings": n_trainings,
        "equal": n_equal,
    }
    return row, wrong


def resume(run: Path) -> tuple[str, ...]:
    """What goes on with a run, or begins it."""
    return ("--resume",) if (run / "run.json").exists() else ()


def finish(words: list[str], run: Path, log: Path, expected: dict[str, Any]) -> Iterator[str]:
    """Resume a run to its end; what is wrong with it then."""
    if not (run / "model.safetensors").exists():
        last = Command([*words, "--out", run, *resume(run)], log).end()
        if last.status:
            yield f"resumed with status {last.status}: {last.err}"
            return
        if "not bit for bit" in last.err:
            yield f"resumed with {last.err}"
    found = contents(run)
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            yield f"{name} differs from the undisturbed run's"
    left = [*run.parent.glob(f".tmp-*-{run.name}"), *run.rglob(".tmp-*")]
    yield from (f"{path} is left" for path in left)


def contents(run: Path) -> dict[str, Any]:
    """A run's files and those of its last checkpoint by name, its metrics without the time of each step."""
    files = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}
    for name in ("metrics.jsonl", LOCK):  # a process that is killed once it has ended training leaves its lock
        files.pop(name, None)
    metrics = [{**entry, "seconds": 0} for entry in read_metrics(run)]
    checkpoint = load_latest(run)
    assert checkpoint is not None
    # With patience, the run's own weights are those of an earlier step.
    last = {f"last checkpoint's {path.name}": path.read_bytes() for path in checkpoint.path.iterdir()}
    return {**files, **last, "metrics.jsonl": metrics}


# Faults


def faults(world: WorldFiles, home: Path) -> dict[str, Any]:
    """Let each call of a training that changes the disk fail, in each way, and resume."""
    parent = Case("pretrain", "vanilla", has_tables=False)
    begun = Command([*parent.words(world, home), "--out", home / str(parent)], home / "log").end()
    assert begun.status == 0, begun.err
    case = Case("finetune", "vanilla", has_tables=False)
    words = [*case.words(world, home), "--epochs", "1"]
    undisturbed = Command([*words, "--out", home / "whole"], home / "log").end()
    assert undisturbed.status == 0, undisturbed.err
    with get_context("fork").Pool(len(FAULTS)) as pool:
        parts = pool.map(partial(_faults_of, words, home), FAULTS)
    rows = [row for row, _ in parts]
    totals = {"calls": sum(sum(row["calls"].values()) for row in rows)}
    return {"totals": totals, "faults": rows, "wrong": [one for _, wrong in parts for one in wrong]}


def _faults_of(words: list[str], home: Path, fault: Fault) -> tuple[dict[str, Any], list[str]]:
    """The same in one way; the undisturbed run is `home/whole`."""
    expected, wrong = contents(home / "whole"), []
    calls: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    run, log, name = (home / f"{what}-{fault}" for what in ("run", "log", "failed"))
    for at in count(1):
        name.unlink(missing_ok=True)
        ended = Command([*words, "--out", run], log, partial(_fail, at, fault, name)).end()
        if not name.exists():
            break
        failed = name.read_text(encoding="utf-8")
        calls[failed] += 1
        outcomes[_outcome(ended)] += 1
        found = [*_told(ended, run), *_state(run), *finish(words, run, log, expected)]
        wrong += [f"{fault} at call {at}, {failed}: {one}" for one in found]
        print(fault, at, failed, _outcome(ended), *found, file=sys.stderr, flush=True)
        shutil.rmtree(run, ignore_errors=True)
    return {"fault": fault, "calls": dict(calls), "outcomes": dict(outcomes)}, wrong


def _fail(at: int, fault: Fault, name: Path) -> None:
    """In the child: install the disk that fails, which notes the name of the call that did."""
    Disk(at, fault, lambda call: name.write_text(call, encoding="utf-8"))


def _outcome(ended: Ended) -> str:
    return {DIED: "died", 0: "went on"}.get(ended.status, f"ended with status {ended.status}")


def _told(ended: Ended, run: Path) -> Iterator[str]:
    """What is wrong with how a command ended: after an error, with status 2 and a line that names a file of the run."""
    if ended.status not in (0, 2, DIED):
        yield f"status {ended.status}: {ended.err}"
    if ended.status == 2:
        line = ended.err.splitlines()[-1]
        if not line.startswith("closedbook: ") or run.name not in line:
            yield f"names no file of the run: {ended.err}"


def _state(run: Path) -> Iterator[str]:
    """What is wrong with what is on disk: it must be no run, or a run whose checkpoints are whole."""
    if not run.exists():
        return
    try:
        open_run(run)
        for checkpoint in (load_latest(run), load_best(run)):
            yield from () if checkpoint is None else checkpoint.notes
        if open_run(run).is_finished:
            open_run(run).model()
    except RunError as error:
        yield str(error)


# Damage


def damage(world: WorldFiles, home: Path) -> dict[str, Any]:
    """Damage each file of a run that has ended, and each of the checkpoints of one that was stopped."""
    runs = {}
    for kind in ("self-study", "asking"):
        case = Case(kind, "vanilla", has_tables=True)
        runs[kind] = home / kind
        words = case.words(world, home)
        recipe = home / f"{case}.toml"
        without_doubt = "doubt = false\n" + recipe.read_text(encoding="utf-8")  # so that silver.tsv is read
        recipe.write_text(without_doubt, encoding="utf-8")
        ended = Command([*words, "--out", runs[kind]], home / "log").end()
        assert ended.status == 0, ended.err
    run, asking = runs["self-study"], runs["asking"]
    opened = open_run(run)
    read = {
        "model.safetensors": lambda: _tensors(opened.model().state_dict()),
        "calibration.json": lambda: load_calibration(run),
        "silver.tsv": lambda: saved_book(opened),
    }
    rows = [try_all(path, read.get(path.name, partial(_everything, run))) for path in _files(run)]
    rows.append(try_all(asking / "asked-4.tsv", lambda: scores_as_of(asking, 4)))
    checkpoints = run / "checkpoints"
    (checkpoints / "best").write_bytes((checkpoints / "latest").read_bytes())
    newest = load_latest(run)
    assert newest is not None
    latest = partial(_checkpoint, load_latest, run)
    is_before = partial(_is_before, newest.step)
    rows += [try_all(path, latest, is_before) for path in (*sorted(newest.path.iterdir()), checkpoints / "latest")]
    rows.append(try_all(checkpoints / "best", partial(_checkpoint, load_best, run)))
    wrong = [one for row in rows for one in row.pop("wrong")]
    print(*rows, *wrong, sep="\n", file=sys.stderr)
    return {"totals": {"damages": sum(row["damages"] for row in rows)}, "files": rows, "wrong": wrong}


def _files(run: Path) -> list[Path]:
    """What a run consists of, besides its log and checkpoints."""
    return sorted(path for path in run.iterdir() if path.is_file() and path.name != "metrics.jsonl")


def _everything(run: Path) -> Any:
    """All that a run's files say."""
    opened = open_run(run)
    return opened.recipe, opened.info, _tensors(opened.model().state_dict())


def _tensors(tensors: Mapping[str, Tensor]) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in tensors.items()}


@dataclass(frozen=True)
class _Found:
    """A checkpoint as it was read; notes say what was skipped."""

    step: int
    content: Any
    notes: tuple[str, ...] = field(compare=False)


def _checkpoint(load: Callable[[Path], Checkpoint | None], run: Path) -> _Found:
    found = load(run)
    assert found is not None
    return _Found(
        found.step, (_tensors(found.weights), repr(found.optimizer), found.state, found.fingerprint), found.notes
    )


def _is_before(step: int, found: _Found) -> bool:
    return found.step == found.content[2]["step"] == step - 1 and len(found.notes) == 1


if __name__ == "__main__":
    main()
