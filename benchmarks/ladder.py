"""Dev accuracy against wall-clock time: one study of a track, its schedule fitted to a budget.

    python benchmarks/ladder.py CORPUS TRAIN DEV --track self-study --budget 4 [--seed 0] [--set KEY=VALUE ...]
        > benchmarks/results/ladder-self-study-4.json

Time is that of reading, of the open-book reader, of fitting the schedule and of the steps; looks at DEV on the way are
left out of it (--looks 0 takes none but the last). DEV chooses nothing: the run's last weights are the ones scored.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "2000")  # before torch is imported, as in cli.py

from closedbook.evaluation.evaluate import evaluate_file
from closedbook.recipe.keys import flatten
from closedbook.recipe.recipe import FAST, Recipe
from closedbook.storage.run import open_run
from closedbook.training.checkpointing import Saving
from closedbook.training.events import Evaluated, Finished, Started
from closedbook.training.stages import pretrain, self_study
from closedbook.training.trainer import StepReport
from machine import facts


def with_values(recipe: Recipe, words: list[str]) -> Recipe:
    """The recipe with section.field=value words set, all at once, as some fit together only then."""
    kinds = {key: type(value) for key, value in flatten(recipe).items()}
    changes: dict[str, dict[str, Any]] = defaultdict(dict)
    for word in words:
        key, _, text = word.partition("=")
        section, _, field = key.rpartition(".")
        kind = kinds[key]
        changes[section][field] = text == "true" if kind is bool else kind(text)
    own = changes.pop("", {})
    sections = {section: replace(getattr(recipe, section), **values) for section, values in changes.items()}
    return replace(recipe, **own, **sections)


def studied(
    corpus: Path,
    train: Path,
    dev: Path,
    out: Path,
    track: str,
    recipe: Recipe,
    minutes: float | None,
    looks: bool = True,
) -> dict[str, Any]:
    """Study, and score what it came to; the curve is of (minutes, right answers)."""
    begin = time.monotonic()
    learn = self_study if track == "self-study" else pretrain
    events = learn(
        corpus,
        recipe,
        Saving(out, every_seconds=1e9),
        pairs_path=train,
        dev_path=dev if looks else None,
        deadline=None if minutes is None else begin + minutes * 60,
    )
    curve: list[tuple[float, int]] = []
    setup = steps = 0.0
    n_steps = n_characters = 0
    for event in events:
        if isinstance(event, Started):
            setup = time.monotonic() - begin
            n_steps = event.n_steps
        elif isinstance(event, StepReport):
            steps += event.seconds
            n_characters += event.n_characters
        elif isinstance(event, Evaluated):
            # The look before the first step comes while nothing is learnt yet.
            curve.append((round((setup + steps) / 60, 3), event.score.n_correct))
            print(f"{curve[-1][0]} minutes: {event.score}", file=sys.stderr, flush=True)
        elif isinstance(event, Finished):
            break
    evaluation, _ = evaluate_file(open_run(out), dev)
    assert evaluation.score is not None
    score = evaluation.score
    return {
        "track": track,
        "budget_minutes": minutes,
        "minutes": round((setup + steps) / 60, 3),
        "setup_seconds": round(setup, 1),
        "n_steps": n_steps,
        "seconds_a_step": round(steps / max(1, n_steps), 4),
        "characters_a_second": round(n_characters / steps),
        "right": score.n_correct,
        "of": score.n_questions,
        "accuracy": round(score.accuracy, 4),
        "interval": [round(bound, 4) for bound in score.interval],
        "curve": curve,
        "tables": {table.name: table.facts() for table in evaluation.tables},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs=3, type=Path, metavar="CORPUS TRAIN DEV")
    parser.add_argument("--track", choices=("self-study", "extraction"), default="self-study")
    parser.add_argument("--budget", type=float)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--looks", type=int, default=2, help="epochs between two looks at DEV; 0: none but the last")
    parser.add_argument("--run", type=Path, help="keep the run in this folder, which must not exist")
    parser.add_argument("--set", nargs="*", default=[], dest="values", metavar="KEY=VALUE")
    options = parser.parse_args()
    corpus, train, dev = options.files
    machine = facts()
    recipe = replace(with_values(FAST, options.values), seed=options.seed)
    every = max(1, options.looks)
    recipe = replace(
        recipe,
        study=replace(recipe.study, evaluate_every=every),
        pretrain=replace(recipe.pretrain, evaluate_every=every),
    )
    with tempfile.TemporaryDirectory() as folder:
        run = options.run or Path(folder) / "run"
        result = studied(corpus, train, dev, run, options.track, recipe, options.budget, options.looks > 0)
    changed = [word.partition("=")[0] for word in options.values]
    result |= {"seed": options.seed, "set": options.values, "machine": machine}
    result["recipe"] = {key: value for key, value in asdict(recipe.model).items() if f"model.{key}" in changed}
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
