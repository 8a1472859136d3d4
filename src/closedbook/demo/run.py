"""Run the demo: four models on one world, each asked about people whose question was never asked in training.

The models are vanilla and Perceiver, with and without pretraining. Nothing here prints.
"""

import json
import shlex
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import get_args

from closedbook.demo.ask import Arms, report_of
from closedbook.demo.lines import facts, summary
from closedbook.demo.page import write_report
from closedbook.demo.plan import Size, demo_plan
from closedbook.errors import RunError
from closedbook.files.durable import read_bytes, write_atomically
from closedbook.model.config import Variant
from closedbook.recipe.recipe import Recipe
from closedbook.recipe.rows import Rows
from closedbook.storage.run import Run, open_run
from closedbook.training.checkpointing import Saving
from closedbook.training.events import Event, Finished
from closedbook.training.stages import finetune, pretrain
from closedbook.world.world import WorldConfig, WorldFiles, write_world

Follow = Callable[[str, Iterator[Event]], Finished]
FollowWithRows = Callable[[str, Iterator[Event], Rows], Finished]
Train = Callable[[str, Callable[[Saving], Iterator[Event]]], Run]


def run_demo(
    out: Path, seed: int, size: Size, program: str, follow_with_rows: FollowWithRows, *, may_exceed_memory: bool = False
) -> Iterator[str]:
    """Run or continue a demo, and yield the lines that report it; raises InputError.

    `program` is how the user calls closedbook; `may_exceed_memory` is Saving's.
    """
    begin = time.perf_counter()
    plan = demo_plan(size, seed)
    rows = plan.rows()

    def follow(title: str, events: Iterator[Event]) -> Finished:
        # The arms share one recipe, which is shown once.
        shown, rows[:] = rows[:], []
        return follow_with_rows(title, events, shown)

    def train(name: str, begin: Callable[[Saving], Iterator[Event]]) -> Run:
        saving = Saving(out / name, may_exceed_memory=may_exceed_memory)
        return _train(name, saving, begin, follow)

    files = _world(out / "world", plan.world)
    runs: Arms = {}
    for variant in get_args(Variant):
        for pretrained in (False, True):
            runs[variant, pretrained] = _arm(plan.recipe_of(variant), files, variant, pretrained, train)
    command = f"{program} demo --seed {seed} --size {size}"
    report = report_of(plan, files, runs, command, time.perf_counter() - begin)
    page, picture = write_report(report, out)
    write_atomically(out / "results.json", json.dumps(facts(report), indent=1).encode() + b"\n")
    yield from summary(report)
    yield f"report: {page}"
    yield f"figure: {picture}"
    yield f"ask it yourself: {program} ask {shlex.quote(str(runs['vanilla', True].path))}"


def _world(folder: Path, config: WorldConfig) -> WorldFiles:
    """The demo's world, written unless an earlier call wrote the same."""
    if not folder.exists():
        return write_world(config, folder)
    files = WorldFiles.of_folder(folder)
    try:
        spec = json.loads(read_bytes(files.spec))["spec"]
    except (RunError, ValueError, KeyError, TypeError):
        spec = None
    if spec != json.loads(json.dumps(asdict(config))):
        raise RunError(f"{folder}: is of another demo; choose another --out, or remove that folder")
    return files


def _arm(recipe: Recipe, files: WorldFiles, variant: Variant, pretrained: bool, train: Train) -> Run:
    """Train one arm, or what is left of it, and return the run that answers."""
    name = f"{variant}-{'finetuned' if pretrained else 'scratch'}"
    if not pretrained:
        return train(
            name, lambda saving: finetune(files.train, recipe, saving, corpus_path=files.corpus, dev_path=files.dev)
        )
    before = train(
        f"{variant}-pretrained",
        lambda saving: pretrain(files.corpus, recipe, saving, pairs_path=files.train, dev_path=files.dev),
    )
    return train(
        name, lambda saving: finetune(files.train, recipe, saving, parent_path=before.path, dev_path=files.dev)
    )


def _train(name: str, saving: Saving, begin: Callable[[Saving], Iterator[Event]], follow: Follow) -> Run:
    is_begun = (saving.out / "run.json").exists()
    if is_begun:
        run = open_run(saving.out)
        if run.is_finished:
            return run
    return follow(name, begin(replace(saving, resume=is_begun))).run
