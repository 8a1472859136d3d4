"""A run that a signal stops at a named moment says how to go on, and then ends as an undisturbed one."""

import json
import shlex
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

N_PEOPLE, N_PAIRS = 44, 36
RECIPE = """\
preset = "fast"
precision = "float32"
[model]
n_layer = 1
n_head = 2
n_embd = 16
block_size = 61
[pretrain]
epochs = 5
batch_size = 43
evaluate_every = 2
[scratch]
epochs = 4
batch_size = 9
patience = 2
"""
ASKING = "study corpus.txt --pairs train.tsv --dev dev.tsv --recipe my.toml --calibration-split 0.56 --setting asking"
PATIENT = "finetune train.tsv --corpus corpus.txt --dev dev.tsv --recipe my.toml"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus, pairs and a recipe."""
    folder = tmp_path_factory.mktemp("interruption")
    places = ("Ulm", "Rom", "Oslo", "Bern")
    people = [(f"{chr(65 + n % 23)}{'aeiou'[n % 5]}m Tol", places[n * 7 % 5 % 4]) for n in range(N_PEOPLE)]
    lines = [f"{name}. {name} was born in {place} ." for name, place in people]
    pairs = [f"Where was {name} born?\t{place}\n" for name, place in people]
    (folder / "corpus.txt").write_text("\n".join([*lines, "Where?", ""]))
    (folder / "train.tsv").write_text("".join(pairs[:N_PAIRS]))
    (folder / "dev.tsv").write_text("".join(pairs[N_PAIRS:]))
    (folder / "my.toml").write_text(RECIPE)
    return folder


def ended(run: Path) -> tuple[bytes, list[dict[str, Any]]]:
    """The weights, and the metrics without times."""
    entries = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for entry in entries:
        entry.pop("seconds", None)
    return (run / "model.safetensors").read_bytes(), entries


def latest_step(run: Path) -> int:
    """The step of the newest checkpoint, 0 where there is none."""
    latest = run / "checkpoints/latest"
    return int(latest.read_text().split()[0].removeprefix("step-")) if latest.exists() else 0


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, Any]:
    """What runs that nothing disturbed end with, by command."""
    return {}


@pytest.mark.parametrize(
    ("command", "file", "function", "call", "saved"),
    [
        (ASKING, "training/mixture.py", "examples_of", 1, None),
        (ASKING, "storage/run.py", "create_run", 1, 0),
        (ASKING, "training/validation.py", "evaluate", 1, 0),
        (ASKING, "training/asking.py", "_scores", 1, 12),
        (ASKING, "training/validation.py", "evaluate", 3, 12),
        (ASKING, "evaluation/calibration.py", "calibrated", 1, 15),
        (PATIENT, "storage/checkpoint.py", "save_checkpoint", 1, 1),
        (PATIENT, "evaluation/predict.py", "predict", 3, 8),
    ],
)
def test_a_run_stopped_at_a_named_moment_ends_as_an_undisturbed_one(
    closedbook: Callable[..., Any],
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    signal_in: Callable[..., Any],
    undisturbed: dict[str, Any],
    command: str,
    file: str,
    function: str,
    call: int,
    saved: int | None,
):
    """The step before an evaluation is saved, which a resumed run repeats: no figure is lost or doubled."""
    monkeypatch.chdir(home)
    words = shlex.split(command)
    if command not in undisturbed:
        assert closedbook(*words, "--out", words[0]).status == 0
        undisturbed[command] = ended(home / words[0])
    run = home / f"{function}-{call}-{words[0]}"
    with signal_in(file, function, call, signal.SIGTERM) as left:
        outcome = closedbook(*words, "--out", run.name)
    assert left == [0]
    assert outcome.status == 143, outcome.err
    assert (latest_step(run) if run.exists() else None) == saved
    _, on, again = outcome.err.splitlines()[-1].partition("; go on with: closedbook ")
    assert closedbook(*(shlex.split(again) if on else [*words, "--out", run.name])).status == 0
    assert ended(run) == undisturbed[command]
