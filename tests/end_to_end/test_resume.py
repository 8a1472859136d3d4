"""A run that was killed or stopped at any moment ends with the same weights as an undisturbed one."""

import shlex
import signal
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

Start = Callable[..., Any]
Entries = Callable[[Path], list[dict[str, Any]]]

RECIPE = """\
preset = "fast"
precision = "float32"
[model]
n_layer = 3
n_head = 2
n_embd = 20
block_size = 61
bottleneck_dim = 7
embd_pdrop = 0.1
resid_pdrop = 0.1
attn_pdrop = 0.1
[pretrain]
epochs = 60
batch_size = 5
learning_rate = 5e-3
mix_pairs = 0.5
patience = 12
[scratch]
epochs = 40
batch_size = 2
optimizer = "adamw"
schedule = "cosine_by_tokens"
"""


@pytest.fixture(scope="module")
def home(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus, a recipe, and pairs whose answer is always Ulm, which a few epochs teach."""
    folder = tmp_path_factory.mktemp("resume")
    (folder / "corpus.txt").write_text((files / "corpus.txt").read_text())
    for name in ("pairs.tsv", "dev.tsv"):
        questions = [line.partition("\t")[0] for line in (files / name).read_text().splitlines()]
        (folder / name).write_text("".join(f"{question}\tUlm\n" for question in questions))
    (folder / "my.toml").write_text(RECIPE)
    return folder


def latest(run: Path) -> Path:
    """The folder of the newest checkpoint."""
    return run / "checkpoints" / (run / "checkpoints/latest").read_text().split()[0]


@pytest.mark.parametrize("variant", ["vanilla", "perceiver"])
def test_a_run_killed_at_ten_random_moments_ends_as_an_undisturbed_one(
    start: Start, home: Path, variant: str, entries: Entries, kill_and_resume: Callable[..., None]
):
    """SIGKILL while it starts, trains, saves or evaluates: the same bits, and each step in the metrics once.

    Dropout, shuffling, mixed pairs, Muon and AdamW, and patience, which ends the run, all go on where they were.
    """
    words = ("pretrain", "corpus.txt", "--pairs", "pairs.tsv", "--dev", "dev.tsv", "--recipe", "my.toml")
    words = (*words, "--model.variant", variant, "--out")
    whole, killed = home / f"whole-{variant}", home / f"killed-{variant}"
    undisturbed = start(home, *words, whole.name)
    assert undisturbed.end() == 0, undisturbed.err
    expected = entries(whole)
    accuracies = [entry["accuracy"] for entry in expected if entry["kind"] == "evaluation"]
    # The best is neither the first nor the last, so that this tests patience and the best weights.
    assert 0 < accuracies.index(max(accuracies)) < len(accuracies) - 1 < 60

    n_kills = 10 if variant == "vanilla" else 3
    kill_and_resume(home, words, killed, len(expected), n_kills, Random(variant))

    assert (killed / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    # These weights are those of the best epoch; the metrics' losses and gradient norms cover the later steps.
    assert entries(killed) == expected
    assert not list(killed.rglob(".tmp*"))


def test_ctrl_c_saves_and_prints_the_command_that_resumes(
    start: Start, home: Path, entries: Entries, n_lines: Callable[[Path], int]
):
    """Status 130, one line with the exact command, and then the weights of an undisturbed run."""
    words = ("finetune", "pairs.tsv", "--corpus", "corpus.txt", "--recipe", "my.toml", "--out")
    assert start(home, *words, "undisturbed").end() == 0
    run = home / "a run's folder"
    process = start(home, *words, run.name)
    process.until(lambda: n_lines(run) >= 5)
    process.signal(signal.SIGINT)
    assert process.end() == 130
    assert process.out == ""
    assert not (run / "model.safetensors").exists()
    # No save was due yet, so the interruption saved the last step.
    n_done = len(entries(run))
    assert 5 <= n_done < 120
    assert latest(run).name == f"step-{n_done:08d}"
    waiting, line = process.err.splitlines()[-2:]
    assert waiting == "stopping after this step; once more to stop at once"
    cure = line.removeprefix("stopped and saved; go on with: closedbook ")
    assert shlex.split(cure) == [*map(str, words), run.name, "--resume"]
    # SIGTERM does the same with another status, and the command to type is the last one again.
    process = start(home, *shlex.split(cure))
    process.until(lambda: n_lines(run) > n_done)
    process.signal(signal.SIGTERM)
    assert process.end() == 143
    assert process.err.splitlines()[-1] == line
    process = start(home, *shlex.split(cure))
    assert process.end() == 0, process.err
    assert process.out == f"{run.name}\n"
    assert (run / "model.safetensors").read_bytes() == (home / "undisturbed/model.safetensors").read_bytes()
    assert entries(run) == entries(home / "undisturbed")


@pytest.mark.parametrize("damaged", ["weights.safetensors", "manifest.json"])
def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before(
    start: Start, home: Path, damaged: str, entries: Entries, n_lines: Callable[[Path], int]
):
    """A note names the damaged file, the older checkpoint is loaded, and the weights are the same in the end."""
    words = ("finetune", "pairs.tsv", "--corpus", "corpus.txt", "--recipe", "my.toml", "--out")
    if not (home / "intact").exists():
        assert start(home, *words, "intact").end() == 0
    run = home / f"damaged-{damaged}"
    process = start(home, *words, run.name, "--save-every", 0)
    process.until(lambda: n_lines(run) >= 7)
    process.signal(signal.SIGKILL)
    assert process.end() == -signal.SIGKILL
    newest = latest(run)
    content = bytearray((newest / damaged).read_bytes())
    content[len(content) // 2] ^= 1
    (newest / damaged).write_bytes(bytes(content) if damaged != "manifest.json" else content[: len(content) // 2])
    process = start(home, *words, run.name, "--resume")
    assert process.end() == 0, process.err
    older = f"step-{int(newest.name.removeprefix('step-')) - 1:08d}"
    (note,) = [line for line in process.err.splitlines() if line.startswith(f"note: {run.name}")]
    assert note.startswith(f"note: {run.name}/checkpoints/{newest.name}/{damaged}: damaged")
    assert note.endswith(f"; skipped, continuing from {older}")
    assert (run / "model.safetensors").read_bytes() == (home / "intact/model.safetensors").read_bytes()
    assert entries(run) == entries(home / "intact")
