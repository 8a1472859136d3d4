"""Does a model know what it knows? People nobody wrote about, strangers, and answers that are wrong.

    python benchmarks/knows.py CORPUS TRAIN DEV --setting self-study --steps 500 --seeds 0 1 2 3 4
        > benchmarks/results/knows-self-study.json
    python benchmarks/knows.py --setting guided --steps 400 > benchmarks/results/knows-world.json

The lines of 150 DEV people are taken out of the corpus, and all DEV people are asked about; without files the built-in
world, with its withheld people. Strangers are of the kinds that training draws (other names), and of syllables, a kind
that it never draws. DEV chooses nothing, and no model sees which people are left out.
"""

import argparse
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "2000")

import numpy as np

from closedbook.errors import InputError
from closedbook.evaluation.calibration import Calibration, load_calibration
from closedbook.evaluation.confidence import Confidence, auroc, confidence_of
from closedbook.evaluation.predict import Prediction, predict
from closedbook.evaluation.sources import split_of
from closedbook.examples.strangers import KINDS, Strangers
from closedbook.model.gpt import GPT
from closedbook.storage.run import Run, open_run
from closedbook.text.documents import read_corpus
from closedbook.text.questions import Question, read_pairs
from closedbook.text.templates import link_templates
from closedbook.text.title_index import title_in, titles_of
from closedbook.world.world import WorldConfig, write_world
from runner import facts, one_line_errors, print_result, run_trial, trial

N_UNWRITTEN = 150
N_STRANGERS = 500
PRECISION = 0.95
SYLLABLES = ("ka", "ro", "mi", "ven", "tol", "sha", "bri", "den", "us", "er", "an", "li", "gor", "pe", "zu")


@dataclass(frozen=True)
class Task:
    """Files to train on, and questions about people who are in the corpus and about others."""

    corpus: Path
    train: Path
    written: tuple[Question, ...]
    unwritten: tuple[Question, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path, metavar="CORPUS TRAIN DEV")
    parser.add_argument("--setting", choices=("self-study", "guided"), default="self-study")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--set", nargs="*", default=[], dest="values", metavar="KEY=VALUE")
    options = parser.parse_args()
    if len(options.files) not in (0, 3):
        parser.error("three files are needed, CORPUS TRAIN DEV, or none for the built-in world")
    machine = facts()
    by_seed = []
    for seed in options.seeds:
        with tempfile.TemporaryDirectory() as folder:
            task = of_files(options.files, Path(folder), seed) if options.files else of_world(Path(folder), seed)
            one = trial(options.setting, "fast", options.values, seed=seed, steps=options.steps)
            dev = Path(folder) / "written.tsv"
            dev.write_text("".join(f"{item.text}\t{item.answer}\n" for item in task.written), encoding="utf-8")
            trained = run_trial(one, task.corpus, task.train, dev, Path(folder) / "run")
            by_seed.append(
                {"seed": seed, "minutes": trained["minutes"], **judged(open_run(Path(folder) / "run"), task)}
            )
    result = {"setting": options.setting, "steps": options.steps, "set": options.values, "mean": means(by_seed)}
    print_result({**result, "seeds": by_seed}, machine)


def of_files(files: Sequence[Path], folder: Path, seed: int) -> Task:
    """The corpus without the lines about 150 people of DEV."""
    corpus, train, dev = files
    lines = read_corpus(corpus).texts
    titles = titles_of(lines)
    items = list(read_pairs(dev).items)
    Random(seed).shuffle(items)
    # One line each, so that nothing about them is left but what others' lines say.
    unwritten = {name for item in items[:N_UNWRITTEN] if (name := title_in(item.text, titles))}
    gone = {index for name in unwritten for index in titles[name]}
    kept = [line for index, line in enumerate(lines) if index not in gone]
    path = folder / "corpus.txt"
    path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
    known = set("".join(kept))
    asked = [item for item in items if known.issuperset(item.text + (item.answer or ""))]
    written: list[Question] = []
    others: list[Question] = []
    for item in asked:
        (others if title_in(item.text, titles) in unwritten else written).append(item)
    return Task(path, train, tuple(written), tuple(others))


def of_world(folder: Path, seed: int) -> Task:
    """A world of 1,000 people with its withheld people, of whom no line is."""
    config = WorldConfig(n_people=1000, n_places=100, attributes=("birthplace",), seed=seed)
    files = write_world(config, folder / "world")
    return Task(files.corpus, files.train, read_pairs(files.test).items, read_pairs(files.withheld).items)


def judged(run: Run, task: Task) -> dict[str, Any]:
    """What a run says of all questions, next to the truth."""
    calibration = load_calibration(run.path)
    if calibration is None:
        raise InputError("the training pairs are too few to calibrate a model; give a file of 200 or more")
    model = run.model()
    written, unwritten = asked(model, run, task.written), asked(model, run, task.unwritten)
    truth = [item.answer or "" for item in task.written]
    right = [p.answer == answer for p, answer in zip(written, truth, strict=True)]
    confidence = confidence_of(written, right, calibration)
    raw = confidence_of(written, right, None)
    n_unknown = sum(is_right and p.state != "known" for p, is_right in zip(written, right, strict=True))
    return {
        "written": len(written),
        "right": sum(right),
        "right_but_unknown": n_unknown,
        "unwritten": len(unwritten),
        "unwritten_never_read": sum(p.state == "never read" for p in unwritten),
        "auroc_written": auroc(
            [1 - p.never_read for p in written + unwritten], [True] * len(written) + [False] * len(unwritten)
        ),
        "auroc_right": confidence.auroc,
        "auroc_right_raw": raw.auroc,
        "ece": confidence.calibration_error,
        "ece_raw": raw.calibration_error,
        "ece_temperature": with_temperature(model, run, task, written, truth).calibration_error,
        "strangers_answered": strangers(model, run, task),
        "at_precision": at_precision(calibration, written, right, unwritten),
        "n_held_out": len(calibration.held_out),
        "right_held_out": sum(item.is_right for item in calibration.held_out),
    }


def asked(model: GPT, run: Run, questions: Sequence[Question]) -> list[Prediction]:
    return predict(model, run.info.vocabulary, [item.text for item in questions])


def strangers(model: GPT, run: Run, task: Task) -> dict[str, float]:
    """The share of questions about strangers that are answered, by kind."""
    titles = titles_of(read_corpus(task.corpus).texts)
    templates = link_templates(read_pairs(task.train).items, titles).templates
    template = max(templates, key=lambda one: len(templates[one]))
    random, answered = Random(99), {}
    draws: dict[str, Callable[[], str | None]] = {"syllables": lambda: syllables(random)}
    for kind in KINDS:
        draws[kind] = partial(Strangers(titles, [kind]).draw, random)
    for name, draw in draws.items():
        drawn = (draw() for _ in range(10 * N_STRANGERS))
        names = islice((one for one in drawn if one and not run.info.vocabulary.unknown(one)), N_STRANGERS)
        questions = [template.question(one) for one in names]
        predictions = predict(model, run.info.vocabulary, questions)
        answered[name] = sum(p.state == "known" for p in predictions) / len(questions)
    return answered


def syllables(random: Random) -> str:
    """Two words of two to four syllables."""
    return " ".join("".join(random.choices(SYLLABLES, k=random.randint(2, 4))).capitalize() for _ in range(2))


def at_precision(
    calibration: Calibration, written: Sequence[Prediction], right: Sequence[bool], unwritten: Sequence[Prediction]
) -> dict[str, Any]:
    """What is answered at a precision of 95%, unwritten people included: how much of it is right, and of all right."""
    threshold = calibration.threshold(PRECISION)
    if threshold is None:
        return {"threshold": None, "precision": None, "coverage_of_right": 0.0}
    is_right = [*right, *[False] * len(unwritten)]
    given = [p.state == "known" and calibration.probability(p) >= threshold for p in (*written, *unwritten)]
    n_right = sum(one and other for one, other in zip(given, is_right, strict=True))
    return {
        "threshold": threshold,
        "precision": n_right / max(1, sum(given)),
        "coverage_of_right": n_right / max(1, sum(right)),
    }


def with_temperature(
    model: GPT, run: Run, task: Task, written: Sequence[Prediction], truth: Sequence[str]
) -> Confidence:
    """The raw confidence under the temperature that suits the held-out pairs best (Guo et al. 2017)."""
    split = split_of(read_pairs(task.train), run.recipe).calibration
    assert split is not None, "the run is calibrated"
    held_out = asked(model, run, split.items)
    right = np.array([p.answer == item.answer for p, item in zip(held_out, split.items, strict=True)])

    def scaled(predictions: Sequence[Prediction], slope: float) -> Any:
        p = np.clip([one.confidence for one in predictions], 1e-6, 1 - 1e-6)
        return 1 / (1 + np.exp(-slope * np.log(p / (1 - p))))

    def loss(slope: float) -> float:
        p = scaled(held_out, slope)
        return float(-np.log(np.where(right, p, 1 - p)).sum())

    best = min(np.geomspace(0.05, 5, 100), key=loss)
    plain = confidence_of(written, [p.answer == a for p, a in zip(written, truth, strict=True)], None)
    return Confidence(tuple(scaled(written, best).tolist()), plain.right, plain.states, is_calibrated=True)


def means(by_seed: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The mean over the seeds of each share."""
    flat = [
        {
            "accuracy": one["right"] / one["written"],
            "right_but_unknown": one["right_but_unknown"] / max(1, one["right"]),
            "unwritten_never_read": one["unwritten_never_read"] / one["unwritten"],
            **{key: one[key] for key in ("auroc_written", "auroc_right", "auroc_right_raw")},
            **{key: one[key] for key in ("ece", "ece_raw", "ece_temperature")},
            **{f"answered_{kind}": share for kind, share in one["strangers_answered"].items()},
            "coverage_of_right": one["at_precision"]["coverage_of_right"],
            "precision": one["at_precision"]["precision"],
        }
        for one in by_seed
    ]
    found = {key: [one[key] for one in flat if one[key] is not None] for key in flat[0]}
    return {key: round(fmean(values), 4) if values else None for key, values in found.items()}


if __name__ == "__main__":
    with one_line_errors():
        main()
