"""What a fact costs, and which ways of telling it let a question find it: the built-in world, whose truth is known.

    python benchmarks/world.py arms > benchmarks/results/world-arms-plain.json
    python benchmarks/world.py scale [--only 10000] [--seed 0] > benchmarks/results/scale-10000-seed-0.json

`arms` follow Allen-Zhu & Li 2023, Physics of Language Models: Part 3.1: the same people, told of in different ways,
learnt for the same number of steps by a plain small transformer (two of the assignment's blocks, its masks, rotary
positions as the paper has them, no prefix table); then half of the people's questions are learnt, at the rate that
serves best the dev people among the rest, and the others are asked about. Only `mixed` learns questions before.
Beside it stands what the weights keep of the others' own lines, whether or not a question finds it: the place recited,
behind the beginning of the line that tells it, and filled in, where it is masked in that line.

`scale` is recipe `fast` on ever more people with one line each, 500 of whom are asked about in training: how often a
fact must be masked as an answer before others' questions are answered, how many parameters there were for it, and how
many bits of facts each of them holds: known facts times the bits of a place, over parameters. Arm `before` is the
recipe as it was until 2026-11-30 (benchmarks/results/world-scale*.json has it at more sizes).
"""

import argparse
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "2000")  # before torch is imported, as the command line does

from closedbook.analysis.ledger.counts import Exposure
from closedbook.analysis.ledger.recount import exposures_of
from closedbook.evaluation.predict import predict
from closedbook.evaluation.score import Score, score
from closedbook.model.decode import greedy
from closedbook.recipe.recipe import FAST, Recipe
from closedbook.recipe.recipe_file import with_values
from closedbook.storage.run import Run, open_run
from closedbook.text.documents import read_corpus
from closedbook.text.links import link
from closedbook.text.questions import read_pairs
from closedbook.text.vocabulary import MASK, MASK_ID
from closedbook.training.checkpointing import Saving
from closedbook.training.events import Evaluated, Event, Finished
from closedbook.training.stages import finetune, pretrain
from closedbook.world.world import WorldConfig, WorldFiles, generate_world, write_world
from machine import facts as machine_facts
from runner import scored, share


@dataclass(frozen=True)
class Arm:
    world: Mapping[str, Any] = field(default_factory=dict)
    mixed: bool = False
    published: float | None = None
    """Accuracy in the paper, of a model of 124M parameters and 100,000 people."""


SINGLE = {"documents": 1, "varied": False, "full_name": False, "pronoun": True, "offset": "late"}
FIVE = {**SINGLE, "documents": 5}
FULL_NAME = {"full_name": True, "pronoun": False}
ARMS = {
    "single": Arm(SINGLE, published=0.097),
    "full name": Arm({**SINGLE, **FULL_NAME}),
    "permuted": Arm({**FIVE, "offset": "either"}),
    "many wordings": Arm({**FIVE, "varied": True}),
    "many wordings, permuted": Arm({**FIVE, "varied": True, "offset": "either"}, published=0.966),
    "many wordings, permuted, full name": Arm({**FIVE, "varied": True, "offset": "either", **FULL_NAME}),
    "mixed": Arm(SINGLE, mixed=True, published=0.866),
}
ARMS_WORLD = WorldConfig(
    n_people=300, n_places=256, attributes=("birthplace", "birth_year"), train=0.5, dev=0.1, test=0.4, withheld=0.0
)
ARMS_RECIPE = [
    "model.n_layer=2",
    "model.positions=rotary",
    "model.prefix_table=false",
    "corruption.span=1",
    "corruption.salient=0",
    "corruption.guided=0",
    "corruption.supervised=all",
    "finetune.batch_size=16",
    "finetune.epochs=30",
    "finetune.patience=30",  # to the end, as a gentle rate gets nothing right for many epochs; the best is kept
]
FINETUNE_RATES = (1e-4, 2e-4, 4e-4)

BEFORE = ("model.name_table=false", "corruption.question_form=0", "pretrain.table_optimizer=sparse_adam")
SCALES = (
    # people, epochs, settings
    (1_000, 20, ()),
    (10_000, 8, ()),
    (10_000, 20, BEFORE),
    (100_000, 8, ()),
    (1_000_000, 8, ()),
)
N_ASKED = 500


def arm_result(arm: Arm, recipe: Recipe, folder: Path) -> dict[str, Any]:
    config = replace(ARMS_WORLD, **arm.world, seed=recipe.seed)
    files = write_world(config, folder / "world")
    begin = time.perf_counter()
    pairs = files.train if arm.mixed else None
    run, _ = ended(pretrain(files.corpus, recipe, Saving(folder / "pretrained", every_seconds=1e9), pairs_path=pairs))
    told = mean_exposure(run, files.test, files.corpus)
    kept = recall(run, config)
    tried = [] if arm.mixed else [finetuned(run, files, recipe, rate, folder) for rate in FINETUNE_RATES]
    best = max(tried, key=lambda one: one.dev_right, default=None)
    if best is not None:
        run = best.run
    return {
        "n_lines": len(read_corpus(files.corpus).documents),
        "minutes": round((time.perf_counter() - begin) / 60, 2),
        "exposures_of_a_fact": told,
        **{way: share(right) for way, right in kept.items()},
        "asked_in_training": share(scored(run, read_pairs(files.train))),
        "never_asked": share(scored(run, read_pairs(files.test)) if best is None else best.never_asked),
        "finetuning_rate": None if best is None else best.rate,
        "by_finetuning_rate": [
            {"rate": one.rate, "dev_right": one.dev_right, "never_asked_right": one.never_asked.n_correct}
            for one in tried
        ],
        "published": arm.published,
    }


@dataclass(frozen=True)
class Finetuned:
    """A finetuning, and what it answers about the dev people and about those never asked about."""

    rate: float
    run: Run
    dev_right: int
    never_asked: Score


def finetuned(parent: Run, files: WorldFiles, recipe: Recipe, rate: float, folder: Path) -> Finetuned:
    recipe = replace(recipe, finetune=replace(recipe.finetune, learning_rate=rate))
    saving = Saving(folder / f"finetuned-{rate}", every_seconds=1e9)
    run, looks = ended(finetune(files.train, recipe, saving, parent_path=parent.path, dev_path=files.dev))
    return Finetuned(rate, run, max(right.n_correct for _, right in looks), scored(run, read_pairs(files.test)))


def recall(run: Run, config: WorldConfig) -> dict[str, Score]:
    """Of the people who are never asked about, each place in the first line that tells it, recited and filled in."""
    told: dict[int, tuple[str, str, str]] = {}
    for line in generate_world(config):
        if line.person and line.person.split == "test" and line.person.number not in told:
            (fact,) = (fact for fact in line.facts if fact.attribute == "birthplace")
            start, end = fact.value_span
            told[line.person.number] = (line.text[:start], line.text[end:], fact.value)
    model, vocabulary = run.model(), run.info.vocabulary
    beginnings, rests, values = zip(*told.values(), strict=True)
    prompts = [vocabulary.encode(beginning) for beginning in beginnings]
    longest = max(map(len, values))
    written = [vocabulary.decode(d.ids) for d in greedy(model, prompts, n_new=longest, stop=MASK_ID)]
    recited = [text[: len(value)] for text, value in zip(written, values, strict=True)]
    masked = [beginning + MASK + rest for beginning, rest in zip(beginnings, rests, strict=True)]
    filled_in = [prediction.answer for prediction in predict(model, vocabulary, masked)]
    return {"recited": score(recited, values), "filled_in": score(filled_in, values)}


def scale_config(n_people: int, seed: int) -> WorldConfig:
    """One line a person; some are asked about in training, others by the dev pairs."""
    shares = {"train": N_ASKED / n_people, "dev": min(N_ASKED / n_people, 0.1), "test": 0.0, "withheld": 0.0}
    return WorldConfig(n_people=n_people, documents=1, attributes=("birthplace",), seed=seed, **shares)


def scale_result(n_people: int, epochs: int, values: Sequence[str], recipe: Recipe, folder: Path) -> dict[str, Any]:
    config = scale_config(n_people, recipe.seed)
    files = write_world(config, folder / "world")
    recipe = with_values(recipe, [f"pretrain.epochs={epochs}", "pretrain.evaluate_every=1", *values])
    begin = time.perf_counter()
    saving = Saving(folder / "run", every_seconds=1e9)
    run, looks = ended(pretrain(files.corpus, recipe, saving, pairs_path=files.train, dev_path=files.dev))
    minutes = (time.perf_counter() - begin) / 60
    exposure = mean_exposure(run, files.dev, files.corpus)["in_answer_form"]
    model = run.model()
    bits = math.log2(config.n_places)
    # Each epoch draws its masks alike, so that exposures grow evenly with epochs.
    curve = [(round(exposure * epoch / epochs, 2), round(right.accuracy, 4)) for epoch, right in looks]
    final = scored(run, read_pairs(files.dev))
    return {
        "people": n_people,
        "set": values,
        "width": model.config.n_embd,
        "epochs": epochs,
        "minutes": round(minutes, 2),
        "parameters": model.n_parameters,
        "of_these_in_tables": model.n_table_parameters,
        "bits_a_fact": bits,
        "bits_a_parameter": round(final.accuracy * n_people * bits / model.n_parameters, 3),
        "parameters_a_fact": round(model.n_parameters / n_people, 1),
        "exposures_of_a_fact": exposure,
        "exposures_to_half": next((exposures for exposures, accuracy in curve if accuracy >= 0.5), None),
        "exposures_to_nine_tenths": next((exposures for exposures, accuracy in curve if accuracy >= 0.9), None),
        "never_asked": share(final),
        "curve": curve,
    }


def ended(events: Iterator[Event]) -> tuple[Run, list[tuple[int, Score]]]:
    """The run, and its looks at the dev pairs by epochs that had passed."""
    looks = []
    for event in events:
        if isinstance(event, Evaluated):
            looks.append((event.epoch, event.score))
            print(f"  {event.epoch}: {event.score}", file=sys.stderr, flush=True)
        elif isinstance(event, Finished):
            return open_run(event.run.path), looks
    raise AssertionError("training ends with Finished")


def mean_exposure(run: Run, pairs: Path, corpus: Path) -> dict[str, float]:
    """How often a fact of a pairs file was exposed, on average."""
    facts = link(read_pairs(pairs).items, read_corpus(corpus).texts)
    total = sum(exposures_of(run, facts), start=Exposure())
    names = ("seen", "predicted", "masked", "in_answer_form")
    return {name: round(getattr(total, name) / len(facts), 1) for name in names}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("part", choices=("arms", "scale"))
    parser.add_argument("--only", nargs="*", metavar="NAME", help="arms by name, or numbers of people")
    parser.add_argument("--steps", type=int, default=2000, help="arms: of pretraining")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", nargs="*", default=[], dest="values", metavar="KEY=VALUE")
    options = parser.parse_args()
    machine = machine_facts()
    rows: list[dict[str, Any]] = []
    values = [*ARMS_RECIPE, f"pretrain.steps={options.steps}"] if options.part == "arms" else []
    recipe = replace(with_values(FAST, [*values, *options.values]), seed=options.seed)
    for key in ARMS if options.part == "arms" else SCALES:
        name = key if isinstance(key, str) else str(key[0])
        if options.only and name not in options.only:
            continue
        with tempfile.TemporaryDirectory() as folder:
            if isinstance(key, str):
                rows.append({"arm": key, **arm_result(ARMS[key], recipe, Path(folder))})
            else:
                rows.append(scale_result(*key, recipe, Path(folder)))
        print(rows[-1], file=sys.stderr, flush=True)
    result = {"part": options.part, "seed": options.seed, "set": options.values, "machine": machine, "rows": rows}
    if options.part == "arms":
        result["steps"] = options.steps
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
