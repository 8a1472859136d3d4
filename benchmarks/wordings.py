"""Accuracy on wordings of the question that no training pair has.

    python benchmarks/wordings.py [--setting guided] [--recipe plain] [--steps 1000] [--seeds 0 1 2]
        > benchmarks/results/wordings-guided-fast.json
    python benchmarks/wordings.py --run RUN --pairs DEV --template "Where was {} born?" [--others "Who is {name}?"]

Without --run: the built-in world of the demo, which writes its test people's questions in the trained wording and in
four others. With --run: the questions of DEV, which must all follow the template, asked of a run in those four others,
or in those that are given, which may ask for something else: the answer counts as right all the same.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from closedbook.demo.plan import demo_plan
from closedbook.recipe.recipe import PRESETS
from closedbook.recipe.settings import SETTINGS
from closedbook.storage.run import Run, open_run
from closedbook.text.questions import Questions, read_pairs
from closedbook.world.language import UNSEEN_QUESTIONS
from closedbook.world.world import write_world
from runner import facts, one_line_errors, print_result, run_trial, scored, share, trial


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--setting", choices=SETTINGS, default="guided")
    parser.add_argument("--recipe", choices=PRESETS, default="fast")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--run", type=Path)
    parser.add_argument("--pairs", type=Path)
    parser.add_argument("--template", default="Where was {} born?")
    parser.add_argument("--others", nargs="+", default=UNSEEN_QUESTIONS, metavar="WORDING")
    options = parser.parse_args()
    machine = facts()
    if options.run:
        result: dict[str, Any] = reworded(
            open_run(options.run), read_pairs(options.pairs), options.template, options.others
        )
    else:
        rows = [world(options.setting, options.recipe, options.steps, seed) for seed in options.seeds]
        result = {"setting": options.setting, "recipe": options.recipe, "steps": options.steps, "runs": rows}
    print_result(result, machine)


def world(setting: Any, preset: str, steps: int, seed: int) -> dict[str, Any]:
    """One study of the demo's world, and what it answers in the trained wording and in the others."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = write_world(replace(demo_plan("normal", seed).world, seed=seed), folder / "world")
        one = trial(setting, preset, seed=seed, steps=steps)
        result = run_trial(one, files.corpus, files.train, files.test, folder / "run")
        run = open_run(folder / "run")
        return {
            "seed": seed,
            "minutes": result["minutes"],
            "trained_wording": {key: result[key] for key in ("right", "of", "accuracy", "interval")},
            "other_wordings": share(scored(run, read_pairs(files.test_unseen_wording))),
        }


def reworded(run: Run, pairs: Questions, template: str, others: Sequence[str]) -> dict[str, Any]:
    """What a run answers to the same people's questions in other wordings."""
    before, _, after = template.partition("{}")
    names = [item.text.removeprefix(before).removesuffix(after) for item in pairs.items]
    rows: dict[str, Any] = {template: share(scored(run, pairs))}
    for wording in others:
        items = (replace(i, text=wording.format(name=n)) for i, n in zip(pairs.items, names, strict=True))
        rows[wording] = share(scored(run, replace(pairs, items=tuple(items))))
    return {"wordings": rows}


if __name__ == "__main__":
    with one_line_errors():
        main()
