"""Several processes as torchrun starts, watches and restarts them: one that ends, and what becomes of the run."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

Start = Callable[..., Any]

RECIPE = """\
preset = "fast"
precision = "float32"
[model]
n_layer = 3
n_head = 2
n_embd = 20
block_size = 61
[pretrain]
epochs = 6
batch_size = 3
learning_rate = 5e-4
mix_pairs = 0.5
accumulate = 2
"""
WORDS = ("pretrain", "corpus.txt", "--pairs", "pairs.tsv", "--recipe", "my.toml", "--save-every", "0", "--out")
RARELY_SAVED = tuple("60" if word == "0" else word for word in WORDS)


@pytest.fixture(scope="module")
def home(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus, pairs and a recipe without dropout, whose masks differ between processes."""
    folder = tmp_path_factory.mktemp("processes")
    for name in ("corpus.txt", "pairs.tsv"):
        (folder / name).write_bytes((files / name).read_bytes())
    (folder / "my.toml").write_text(RECIPE)
    return folder


@pytest.fixture(scope="module")
def whole(home: Path) -> Path:
    """A run of two processes by the real torchrun, which nothing disturbed."""
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    command = (*torchrun, "-m", "closedbook", *WORDS, "whole")
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "whole\n"), done.stderr
    return home / "whole"


def kill(home: Path, rank: int) -> None:
    """Kill the process of this rank."""
    os.kill(int((home / f"{rank}.pid").read_text()), signal.SIGKILL)


def saved(run: Path) -> str:
    """The name of the last checkpoint."""
    return (run / "checkpoints/latest").read_text().split()[0]


def ends(process: Any) -> list[str]:
    """The lines that say how training ended; torchrun has lines of its own."""
    return [line for line in process.err.splitlines() if line.startswith(("closedbook: ", "stopped ", "Traceback"))]


def test_processes_that_torchrun_restarts_go_on_to_the_same_bits(
    start: Start, home: Path, whole: Path, n_lines: Callable[[Path], int]
):
    """The same command without --resume goes on from the last checkpoint, though the process that saves was killed."""
    run = home / "restarted"
    process = start(home, *WORDS, run.name, n_processes=2, max_restarts=1)
    process.until(lambda: n_lines(run) >= 7)
    kill(home, 0)
    assert process.end() == 0, process.err
    assert (run / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    (line,) = ends(process)
    assert line.startswith("closedbook: another process of this training ended")
    assert process.out == "restarted\n"


def test_a_killed_process_ends_all_with_one_line(start: Start, home: Path, whole: Path, n_lines: Callable[[Path], int]):
    """The last step that all took is saved; one process goes on from it, to the weights of two up to rounding.

    Of four processes one has no row of any batch of three.
    """
    run = home / "ended"
    process = start(home, *RARELY_SAVED, run.name, n_processes=4)
    process.until(lambda: n_lines(run) >= 5)
    kill(home, 3)
    assert process.end() == 1
    (line,) = ends(process)
    assert "another process of this training ended" in line or "stopped and saved" in line
    assert process.out == ""
    assert saved(run) == f"step-{n_lines(run):08d}"
    process = start(home, *WORDS, run.name, "--resume")
    assert process.end() == 0, process.err
    one, two = (load_file(path / "model.safetensors") for path in (run, whole))
    for name, weights in one.items():
        torch.testing.assert_close(two[name], weights, rtol=0, atol=1e-5)


def test_sigterm_to_torchrun_saves_the_run(start: Start, home: Path, n_lines: Callable[[Path], int]):
    """torchrun passes it on to its processes, which end after a step that is saved, and one says how to go on."""
    run = home / "stopped"
    process = start(home, *RARELY_SAVED, run.name, n_processes=2)
    process.until(lambda: n_lines(run) >= 5)
    process.signal(signal.SIGTERM)
    assert process.end() != 0
    assert saved(run) == f"step-{n_lines(run):08d}"
    (line,) = [line for line in process.err.splitlines() if line.startswith("stopped ")]
    assert line.startswith("stopped and saved; go on with: closedbook pretrain ")


def test_a_run_of_another_start_is_refused_although_torchrun_restarts(start: Start, home: Path, whole: Path):
    """Only what this torchrun began is gone on with; each start says what stands in the way."""
    process = start(home, *WORDS, whole.name, n_processes=1, max_restarts=1)
    assert process.end() == 1
    lines = ends(process)
    assert len(lines) == 2
    assert all(line.startswith("closedbook: whole: is there already; it has ended") for line in lines)
