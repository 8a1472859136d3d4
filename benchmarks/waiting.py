"""How much another busy program slows training down, by how training's threads wait for each other: spinning or asleep.

    python benchmarks/waiting.py > benchmarks/results/waiting.json

50 steps of the demo's pretraining in float32, after 10 that do not count, in a process of its own for each setting and
number of other busy programs: seconds of all steps and of the longest.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SETTINGS = ({}, {"GOMP_SPINCOUNT": "2000"}, {"OMP_WAIT_POLICY": "PASSIVE"})
BUSY = "while True: pass"
STEPS = """
import sys
from pathlib import Path
from dataclasses import replace
from closedbook.demo.plan import demo_plan
from closedbook.training.prepared import new_model
from closedbook.examples.batches import Batches
from closedbook.text.documents import read_corpus
from closedbook.examples.datasets import CharCorruptionDataset
from closedbook.world.world import write_world
from closedbook.training.device import make_fabric
from closedbook.training.trainer import Trainer
plan = demo_plan("normal", 0)
corpus = read_corpus(write_world(plan.world, Path(sys.argv[1])).corpus)
recipe = plan.recipe
documents = [document.text for document in corpus.documents]
dataset = CharCorruptionDataset(documents, corpus.vocabulary, recipe.model.block_size, recipe.corruption, 0)
batches = Batches(dataset, recipe.pretrain.batch_size, shuffle=True, seed=0)
model = new_model(recipe, corpus.vocabulary)
trainer = Trainer(make_fabric("float32"), model, batches, recipe.pretrain, n_documents=len(documents), seed=0)
seconds = []
for report in trainer.run():
    seconds.append(report.seconds)
    if report.step == 60:
        break
print(sum(seconds[10:]), max(seconds[10:]))
"""


def measure(setting: dict[str, str], n_busy: int) -> list[float]:
    others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(n_busy)]
    try:
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [sys.executable, "-c", STEPS, str(Path(folder) / "world")],
                env={**os.environ, **setting},
                capture_output=True,
                text=True,
                check=True,
            )
    finally:
        for process in others:
            process.kill()
    return [float(word) for word in done.stdout.split()]


def main() -> None:
    rows = []
    for n_busy in (0, 1):
        for setting in SETTINGS:
            total, longest = measure(setting, n_busy)
            row = {"setting": setting, "busy_beside": n_busy, "seconds": round(total, 1), "longest": round(longest, 2)}
            print(row, file=sys.stderr)
            rows.append(row)
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
