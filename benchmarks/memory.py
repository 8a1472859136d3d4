"""The memory that a training takes against the estimate by which it would be refused.

    python benchmarks/memory.py CORPUS TRAIN > benchmarks/results/memory-estimate.json

Each arm is trained for two steps in a process of its own, evaluated and saved. `before` is what the process has when
the estimate is made, `peak` the most it ever had, all in MiB; `ratio` is the estimate by what was taken in between.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from closedbook.training.checkpointing import Saving
from closedbook.training.memory import need
from closedbook.training.plan import TextFiles, plan_text_training
from closedbook.training.stages import pretrain
from runner import facts, one_line_errors, print_result, trial

ARMS: dict[str, tuple[str, str, str]] = {
    "tiny": ("unguided", "fast", "model.n_embd=32 pretrain.batch_size=64 precision=float32"),
    "fast": ("guided", "fast", ""),
    "plain": ("unguided", "plain", ""),
    "perceiver": ("unguided", "perceiver", ""),
    "course": ("assignment", "course", ""),
    "course, whole batches": ("assignment", "course", "pretrain.accumulate=1"),
    "fast, 4 layers of 256, sparse Adam": (
        "unguided",
        "fast",
        "model.n_embd=256 model.n_layer=4 pretrain.table_optimizer=sparse_adam pretrain.batch_size=64",
    ),
    "plain, batches of 1,024 in float32": ("unguided", "plain", "pretrain.batch_size=1024 precision=float32"),
    "plain, 6 layers of 768": ("unguided", "plain", "model.n_embd=768 model.n_layer=6 pretrain.batch_size=16"),
    "vanilla, 6 layers of 768, AdamW": (
        "unguided",
        "course",
        "model.n_embd=768 model.n_layer=6 pretrain.batch_size=16",
    ),
}
_STEPS = "pretrain.steps=2 validation_split=0.1 pretrain.sort_window=1"


def measured(name: str, corpus: Path, train: Path) -> dict[str, Any]:
    """An arm in this process, which must be new."""
    setting, preset, words = ARMS[name]
    recipe = trial(setting, preset, [*words.split(), *_STEPS.split()]).recipe  # type: ignore[arg-type]
    pairs = train if recipe.pretrain.mix_pairs else None
    with tempfile.TemporaryDirectory() as folder:
        saving = Saving(Path(folder) / "run", every_seconds=0.0, may_exceed_memory=True)
        needed = need(plan_text_training("pretrain", TextFiles(corpus, pairs), recipe, saving))
        before = _resident()
        for _ in pretrain(corpus, recipe, saving, pairs_path=pairs):
            pass
    taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before
    estimate = needed.total / 2**20
    parts = {
        part: round(getattr(needed, part) / 2**20) for part in ("state", "step", "examples", "evaluation", "saving")
    }
    return {
        "arm": name,
        "parameters": needed.parameters.total,
        "before": round(before),
        "peak": round(before + taken),
        "taken": round(taken),
        "estimate": round(estimate),
        "ratio": round(estimate / taken, 2),
        "parts": parts,
    }


def _resident() -> float:
    """MiB that this process has now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs=2, type=Path, metavar="CORPUS TRAIN")
    parser.add_argument("--one", choices=ARMS, help=argparse.SUPPRESS)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measured(options.one, *options.files)))
        return
    rows = []
    for name in options.arms:
        words = [sys.executable, __file__, *map(str, options.files), "--one", name]
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
        rows.append(json.loads(done.stdout))
        print(rows[-1], file=sys.stderr, flush=True)
    print_result({"arms": rows}, facts())


if __name__ == "__main__":
    with one_line_errors():
        main()
