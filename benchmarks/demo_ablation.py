"""What each piece of the demo's recipe brings: vanilla on the demo's world, one piece changed at a time.

    python benchmarks/demo_ablation.py OUT [ARM ...] > benchmarks/results/demo_ablation.json

Every arm is pretrained and finetuned as the demo's; accuracy on the held-out people before and after finetuning.
An arm whose runs are in OUT already is not trained again.
"""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "2000")  # before torch is imported, as in cli.py

from closedbook.answers.evaluate import evaluate
from closedbook.demo import demo_plan
from closedbook.events import Event
from closedbook.experiment import finetune, pretrain
from closedbook.keeper import Saving
from closedbook.text.corpus import read_pairs
from closedbook.text.corruption import CorruptionConfig
from closedbook.text.world import WorldFiles, write_world
from closedbook.training.recipe import Recipe
from closedbook.training.run import Run, open_run


def arms(recipe: Recipe) -> dict[str, Recipe]:
    stage = recipe.pretrain
    return {
        "AdamW in place of Muon": replace(recipe, pretrain=replace(stage, optimizer="adamw")),
        "the assignment's masks": replace(recipe, corruption=CorruptionConfig()),
        "names masked, context kept": replace(recipe, corruption=CorruptionConfig(course=0.2, entity=0.8)),
        "no pairs mixed in": replace(recipe, pretrain=replace(stage, mix_pairs=0.0)),
    }


def trained(path: Path, events: Iterator[Event]) -> Run:
    if not (path / "model.safetensors").exists():
        for _ in events:
            pass
    return open_run(path)


def measure(folder: Path, recipe: Recipe, files: WorldFiles) -> dict[str, object]:
    mixed = files.train if recipe.pretrain.mix_pairs else None
    before = trained(
        folder / "pretrained", pretrain(files.corpus, recipe, Saving(folder / "pretrained"), pairs_path=mixed)
    )
    after = trained(
        folder / "finetuned",
        finetune(files.train, recipe, Saving(folder / "finetuned"), parent_path=before.path, dev_path=files.dev),
    )
    test = read_pairs(files.test)
    scores = [evaluate(run, test).score for run in (before, after)]
    return {name: str(score) for name, score in zip(("before finetuning", "after"), scores, strict=True)}


def main(out: Path, names: list[str]) -> None:
    plan = demo_plan("normal", 0)
    world = out / "world"
    files = WorldFiles.of_folder(world) if world.exists() else write_world(plan.world, world)
    chosen = {name: recipe for name, recipe in arms(plan.recipe).items() if not names or name in names}
    rows = {}
    for name, recipe in chosen.items():
        rows[name] = measure(out / name.replace(" ", "-").replace("'", ""), recipe, files)
        print(name, rows[name], file=sys.stderr)
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
