"""One study, scored: what every benchmark that trains on a corpus calls.

A trial is a recipe in a setting, trained on CORPUS and TRAIN, and asked DEV with the weights it ended with; DEV chooses
nothing. `arms` of a comparison are such trials that differ in settings KEY=VALUE alone.
"""

import json
import os
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "2000")  # before torch is imported, as the command line does

from closedbook.errors import ClosedbookError
from closedbook.evaluation.evaluate import evaluate, evaluate_file
from closedbook.evaluation.predict import predict
from closedbook.evaluation.score import Score, score
from closedbook.model.gpt import GPT
from closedbook.recipe.recipe import PRESETS, Recipe
from closedbook.recipe.recipe_file import with_values
from closedbook.recipe.settings import SETTINGS, Setting, in_setting
from closedbook.storage.run import Run, open_run
from closedbook.text.questions import Questions, read_pairs
from closedbook.text.vocabulary import Vocabulary
from closedbook.training.budget import Budget
from closedbook.training.checkpointing import Saving
from closedbook.training.events import Asked, Evaluated, Event, Started
from closedbook.training.stages import pretrain, self_study
from closedbook.training.trainer import StepReport
from machine import facts


@dataclass(frozen=True)
class Trial:
    """What is trained, and how it is scored; `evaluate_every` epochs, 0: at the end alone."""

    setting: Setting
    recipe: Recipe
    budget_minutes: float | None = None
    evaluate_every: int = 0

    @property
    def stage(self) -> str:
        return "study" if self.setting == "self-study" else "pretrain"


def trial(
    setting: Setting,
    preset: str = "fast",
    values: Sequence[str] = (),
    *,
    seed: int = 0,
    budget: float | None = None,
    steps: int = 0,
    evaluate_every: int = 0,
) -> Trial:
    """A preset in a setting, with KEY=VALUE words on top; STAGE in a key is the stage that the setting trains."""
    recipe = in_setting(PRESETS[preset], setting)
    one = Trial(setting, recipe, budget, evaluate_every)
    words = [word.replace("STAGE", one.stage) for word in values]
    words += [f"{one.stage}.steps={steps}"] * (steps > 0) + [f"{one.stage}.evaluate_every={max(1, evaluate_every)}"]
    return replace(one, recipe=replace(with_values(recipe, words), seed=seed))


def run_trial(one: Trial, corpus: Path, train: Path, dev: Path, run: Path) -> dict[str, Any]:
    """Train and score; the curve is of (minutes, right answers), without the time that evaluations took."""
    begin = time.monotonic()
    events = (self_study if one.setting == "self-study" else pretrain)(
        corpus,
        one.recipe,
        Saving(run, every_seconds=1e9),
        pairs_path=train,
        dev_path=dev if one.evaluate_every else None,
        budget=None if one.budget_minutes is None else Budget(one.budget_minutes, begin),
    )
    timed = _followed(events, begin)
    ended = open_run(run)
    evaluation, _ = evaluate_file(ended, dev)
    assert evaluation.score is not None
    score, model = evaluation.score, ended.model()
    answers = read_pairs(dev).answers()
    right = [p.answer == answer for p, answer in zip(evaluation.predictions, answers, strict=True)]
    return {
        "setting": one.setting,
        "seed": one.recipe.seed,
        "budget_minutes": one.budget_minutes,
        **timed,
        "parameters": {"total": model.n_parameters, "prefix_table": model.n_table_parameters},
        **share(score),
        "right_by_question": "".join(str(int(one)) for one in right),
        "tables": {table.name: table.facts() for table in evaluation.tables},
    }


def _followed(events: Iterator[Event], begin: float) -> dict[str, Any]:
    """Minutes, steps and the curve of a training run."""
    curve: list[tuple[float, int]] = []
    setup = steps = asking = 0.0
    n_steps = n_characters = 0
    for event in events:
        if isinstance(event, Started):
            setup, n_steps = time.monotonic() - begin, event.n_steps
        elif isinstance(event, StepReport):
            steps += event.seconds
            n_characters += event.n_characters
        elif isinstance(event, Asked):
            asking += event.seconds
        elif isinstance(event, Evaluated):
            curve.append((round((setup + steps + asking) / 60, 3), event.score.n_correct))
            print(f"{curve[-1][0]} minutes: {event.score}", file=sys.stderr, flush=True)
    return {
        "minutes": round((setup + steps + asking) / 60, 3),
        "setup_seconds": round(setup, 1),
        **({"asking_seconds": round(asking, 1)} if asking else {}),
        "n_steps": n_steps,
        "seconds_a_step": round(steps / max(1, n_steps), 4),
        "characters_a_second": round(n_characters / max(steps, 1e-9)),
        "curve": curve,
    }


def scored(run: Run, pairs: Questions) -> Score:
    """How many of the pairs a run answers, asked in the very words of the file."""
    result = evaluate(run, pairs, is_reworded=False).score
    assert result is not None
    return result


def right_answers(model: GPT, vocabulary: Vocabulary, pairs: Questions) -> Score:
    """How many of the pairs a model answers, for one that is no run yet."""
    predictions = predict(model, vocabulary, [item.text for item in pairs.items])
    return score([prediction.answer for prediction in predictions], pairs.answers())


def share(score: Score) -> dict[str, Any]:
    """A score as the results have it."""
    return {
        "right": score.n_correct,
        "of": score.n_questions,
        "accuracy": round(score.accuracy, 4),
        "interval": [round(bound, 4) for bound in score.interval],
    }


def parser_of(docstring: str | None) -> ArgumentParser:
    """The arguments that these benchmarks share."""
    parser = ArgumentParser(description=(docstring or "").partition("\n")[0])
    parser.add_argument("files", nargs=3, type=Path, metavar="CORPUS TRAIN DEV")
    parser.add_argument("--setting", choices=SETTINGS, default="self-study")
    parser.add_argument("--recipe", choices=PRESETS, default="fast")
    parser.add_argument("--set", nargs="*", default=[], dest="values", metavar="KEY=VALUE")
    return parser


@contextmanager
def run_folder(kept: Path | None = None) -> Iterator[Path]:
    """A folder for a run: the one given, which must not exist, or a temporary one."""
    with tempfile.TemporaryDirectory() as folder:
        yield kept or Path(folder) / "run"


@contextmanager
def one_line_errors() -> Iterator[None]:
    """A fault of closedbook's own kind ends the benchmark in its one line, with its exit status."""
    try:
        yield
    except ClosedbookError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_status)


def print_result(result: dict[str, Any], machine: dict[str, object]) -> None:
    """One JSON object on standard output, with the command and the machine."""
    command = " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *_without_paths(sys.argv[1:])])
    json.dump({"command": command, **result, "machine": machine}, sys.stdout, indent=1)
    print()


def _without_paths(words: Sequence[str]) -> list[str]:
    """Words of a command with files named by their last part, since folders are nobody's business."""
    return [Path(word).name if "/" in word else word for word in words]


__all__ = [
    "Trial",
    "facts",
    "one_line_errors",
    "parser_of",
    "print_result",
    "run_folder",
    "run_trial",
    "scored",
    "share",
    "trial",
]
