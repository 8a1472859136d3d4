"""The assignment's recipe for all of its 650 epochs, finetuned and scored every 50 epochs.

    python benchmarks/course_full.py CORPUS TRAIN DEV TEST --variant vanilla --out FOLDER
        > benchmarks/results/course-full-vanilla.json

After an interruption the same command continues. Every 50 epochs a copy of the weights is finetuned for the
assignment's 10 epochs and answers DEV and TEST. The curve so far is in FOLDER/curve.json, and the last answers, one per
line, are in FOLDER/dev.predictions and FOLDER/test.predictions. Seconds are those of the steps, with other work on the
machine included.
"""

import argparse
import json
import os
import statistics
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "2000")  # before torch is imported, as the command line does

from closedbook.evaluation.evaluate import evaluate, save_predictions
from closedbook.recipe.recipe import COURSE, Recipe
from closedbook.storage.checkpoint import load_latest
from closedbook.storage.run import create_run, open_run
from closedbook.text.questions import read_questions
from closedbook.training.checkpointing import Saving
from closedbook.training.events import Finished
from closedbook.training.metrics import read_steps
from closedbook.training.stages import finetune, pretrain
from closedbook.training.trainer import StepReport
from machine import facts


def pretrained_to(epoch: int, corpus: Path, recipe: Recipe, folder: Path) -> None:
    """Pretrain until an epoch, or the run, has ended."""
    out = folder / "pretrained"
    begun = (out / "run.json").exists()
    if begun and (open_run(out).is_finished or last_epoch(out) >= epoch):
        return
    events = pretrain(corpus, recipe, Saving(out, resume=begun, every_seconds=300))
    for event in events:
        if isinstance(event, StepReport) and event.ends_epoch and epoch <= event.epoch + 1 < recipe.pretrain.epochs:
            events.close()  # type: ignore[attr-defined]  # a generator: it saves
            return


def last_epoch(run: Path) -> int:
    """The number of completed epochs, by the last checkpoint."""
    checkpoint = load_latest(run)
    return 0 if checkpoint is None else int(checkpoint.state["epoch"])


def snapshot(folder: Path, epoch: int) -> Path:
    """A run with the current weights of the pretraining, from which finetuning can start."""
    out = folder / f"pretrained-{epoch}"
    if not out.exists():
        run, checkpoint = open_run(folder / "pretrained"), load_latest(folder / "pretrained")
        assert checkpoint is not None
        create_run(out, run.recipe, run.info).finish(checkpoint.weights)
    return out


def finetuned(folder: Path, train: Path, recipe: Recipe, epoch: int) -> Path:
    """The assignment's finetuning from the current weights of the pretraining."""
    out = folder / f"finetuned-{epoch}"
    parent = folder / "pretrained" if open_run(folder / "pretrained").is_finished else snapshot(folder, epoch)
    if not (out / "model.safetensors").exists():
        begun = (out / "run.json").exists()
        events = finetune(train, recipe, Saving(out, resume=begun), parent_path=parent)
        assert any(isinstance(event, Finished) for event in events)
    return out


def point(run: Path, dev: Path, test: Path, epoch: int, folder: Path) -> dict[str, Any]:
    """A point of the curve; the answers are saved."""
    finished = open_run(run)
    evaluation = evaluate(finished, read_questions(dev))
    save_predictions(folder / "dev.predictions", evaluation.predictions)
    save_predictions(folder / "test.predictions", evaluate(finished, read_questions(test)).predictions)
    score = evaluation.score
    assert score is not None
    return {
        "epoch": epoch,
        "right": score.n_correct,
        "of": score.n_questions,
        "accuracy": round(score.accuracy, 4),
        "interval": [round(bound, 4) for bound in score.interval],
    }


def training(run: Path) -> dict[str, Any]:
    """Times and last loss of the pretraining's steps."""
    steps = read_steps(run)
    seconds = [entry["seconds"] for entry in steps]
    return {
        "n_steps": len(steps),
        "hours": round(sum(seconds) / 3600, 3),
        "median_seconds_a_step": round(statistics.median(seconds), 3),
        "last_loss": round(statistics.fmean(entry["loss"] for entry in steps[-23:]), 4),
    }


def by_epoch(run: Path) -> list[dict[str, float]]:
    """Mean loss and last learning rate of every tenth epoch of the pretraining."""
    steps: dict[int, list[dict[str, Any]]] = {}
    for entry in read_steps(run):
        steps.setdefault(entry["epoch"] + 1, []).append(entry)
    return [
        {
            "epoch": epoch,
            "loss": round(statistics.fmean(entry["loss"] for entry in steps[epoch]), 4),
            "learning_rate": round(steps[epoch][-1]["learning_rate"], 7),
        }
        for epoch in sorted(steps)
        if epoch == 1 or epoch % 10 == 0
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs=4, type=Path, metavar="CORPUS TRAIN DEV TEST")
    parser.add_argument("--variant", choices=("vanilla", "perceiver"), default="vanilla")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--every", type=int, default=50, help="epochs between two points of the curve")
    parser.add_argument("--epochs", type=int, default=COURSE.pretrain.epochs, help="fewer, to try it out")
    options = parser.parse_args()
    corpus, train, dev, test = options.files
    machine = facts()
    recipe = replace(
        COURSE,
        model=replace(COURSE.model, variant=options.variant),
        pretrain=replace(COURSE.pretrain, epochs=options.epochs),
    )
    folder: Path = options.out
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "curve.json"
    curve: list[dict[str, Any]] = json.loads(kept.read_text()) if kept.exists() else []
    for epoch in [*range(options.every, options.epochs, options.every), options.epochs]:
        if any(done["epoch"] == epoch for done in curve):
            continue
        pretrained_to(epoch, corpus, recipe, folder)
        run = finetuned(folder, train, recipe, epoch)
        curve.append(point(run, dev, test, epoch, folder) | {"pretraining": training(folder / "pretrained")})
        kept.write_text(json.dumps(curve, indent=1))
        print(curve[-1], file=sys.stderr, flush=True)
    epochs = by_epoch(folder / "pretrained")
    json.dump({"variant": options.variant, "machine": machine, "curve": curve, "epochs": epochs}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
