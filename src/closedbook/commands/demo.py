"""The demo: the whole experiment on the built-in world, small enough for minutes.

Four arms, vanilla and Perceiver, with and without pretraining, against the commonest answer; asked about
people whose question was never asked in training, and about people of whom nobody ever wrote a line.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal, get_args

from closedbook.commands.options import Size
from closedbook.commands.report import Arm, Curve, Exchange, Report, write_report
from closedbook.errors import RunError
from closedbook.evaluation.predict import Prediction, predict
from closedbook.evaluation.score import Score, commonest, score
from closedbook.files.durable import read_bytes, write_atomically
from closedbook.model.config import Variant
from closedbook.recipe.keys import flatten
from closedbook.recipe.recipe import FAST, PERCEIVER, Recipe
from closedbook.recipe.rows import Rows, recipe_rows
from closedbook.recipe.saved import recipe_toml
from closedbook.storage.run import Run, open_run
from closedbook.text.documents import read_corpus
from closedbook.text.questions import Question, read_pairs
from closedbook.training.checkpointing import Saving
from closedbook.training.events import Event, Finished
from closedbook.training.metrics import read_steps
from closedbook.training.stages import finetune, pretrain
from closedbook.world.world import WorldConfig, WorldFiles, write_world

Follow = Callable[[str, Iterator[Event]], Finished]
FollowWithRows = Callable[[str, Iterator[Event], Rows], Finished]
Kind = Literal["right", "wrong", "never written about"]


@dataclass(frozen=True)
class DemoPlan:
    """A world and a recipe for it, vanilla's; the Perceiver differs from it in its shape alone."""

    world: WorldConfig
    recipe: Recipe

    def recipe_of(self, variant: Variant) -> Recipe:
        """The recipe of one variant."""
        if variant == "vanilla":
            return self.recipe
        # It begins to learn names later, and when differs from seed to seed and from processor to processor.
        return replace(
            self.recipe,
            model=replace(self.recipe.model, variant=variant, n_layer=PERCEIVER.model.n_layer),
            pretrain=replace(self.recipe.pretrain, epochs=self.recipe.pretrain.epochs * 3 // 2),
        )


def demo_plan(size: Size, seed: int) -> DemoPlan:
    """What the demo of a size does; tiny shows that all works, and is too short to learn anything."""
    world = WorldConfig(n_people=300, n_places=32, attributes=("birthplace",), seed=seed)
    recipe = replace(
        FAST,
        seed=seed,
        pretrain=replace(FAST.pretrain, epochs=30, batch_size=64),
        finetune=replace(FAST.finetune, epochs=5, patience=2),
        scratch=replace(FAST.scratch, epochs=75),
    )
    if size == "tiny":
        world = replace(world, n_people=100, n_places=8)
        recipe = replace(
            recipe,
            precision="float32",
            model=replace(FAST.model, n_embd=32, n_head=2),
            pretrain=replace(recipe.pretrain, epochs=2),
            finetune=replace(recipe.finetune, epochs=1),
            scratch=replace(recipe.scratch, epochs=2),
        )
    return DemoPlan(world, recipe)


def run_demo(out: Path, seed: int, size: Size, follow_with_rows: FollowWithRows) -> Iterator[str]:
    """Run or go on with a demo, and give the lines that tell how it ended; raises InputError."""
    begin = time.perf_counter()
    plan = demo_plan(size, seed)
    rows = _rows(plan.recipe)

    def follow(title: str, events: Iterator[Event]) -> Finished:
        # The arms share one recipe, which is shown with the first of them alone.
        shown, rows[:] = rows[:], []
        return follow_with_rows(title, events, shown)

    files = _world(out / "world", plan.world)
    runs: dict[tuple[Variant, bool], Run] = {}
    for variant in get_args(Variant):
        for pretrained in (False, True):
            runs[variant, pretrained] = _arm(out, plan.recipe_of(variant), files, variant, pretrained, follow)
    command = f"sh run.sh demo --seed {seed} --size {size}"
    report = _report(plan, files, runs, command, time.perf_counter() - begin)
    html, picture = write_report(report, out)
    write_atomically(out / "results.json", json.dumps(_results(report), indent=1).encode() + b"\n")
    yield from summary(report)
    yield f"report: {html}"
    yield f"figure: {picture}"
    yield f"ask it yourself: sh run.sh ask {runs['vanilla', True].path}"


def _rows(recipe: Recipe) -> Rows:
    """The recipe's numbers, and whether they are the demo's own."""
    ours = flatten(FAST)
    sources = {key: "preset fast" if value == ours[key] else "demo" for key, value in flatten(recipe).items()}
    return recipe_rows(recipe, sources)


def _world(folder: Path, config: WorldConfig) -> WorldFiles:
    """The demo's world; the one of an earlier try where it is of the same kind."""
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


def _arm(out: Path, recipe: Recipe, files: WorldFiles, variant: Variant, pretrained: bool, follow: Follow) -> Run:
    """Train one arm, or what is left of it, and give the run that answers."""
    name = f"{variant}-{'finetuned' if pretrained else 'scratch'}"
    if not pretrained:
        return _train(
            name,
            out / name,
            lambda saving: finetune(files.train, recipe, saving, corpus_path=files.corpus, dev_path=files.dev),
            follow,
        )
    before = _train(
        f"{variant}-pretrained",
        out / f"{variant}-pretrained",
        lambda saving: pretrain(files.corpus, recipe, saving, pairs_path=files.train),
        follow,
    )
    return _train(
        name,
        out / name,
        lambda saving: finetune(files.train, recipe, saving, parent_path=before.path, dev_path=files.dev),
        follow,
    )


def _train(name: str, path: Path, begin: Callable[[Saving], Iterator[Event]], follow: Follow) -> Run:
    if (path / "run.json").exists():
        run = open_run(path)
        if run.is_finished:
            return run
    return follow(name, begin(Saving(path, resume=(path / "run.json").exists()))).run


def _report(
    plan: DemoPlan, files: WorldFiles, runs: dict[tuple[Variant, bool], Run], command: str, seconds: float
) -> Report:
    test, withheld = read_pairs(files.test), read_pairs(files.withheld)
    guess = commonest(read_pairs(files.train).answers())
    arms = []
    exchanges: tuple[Exchange, ...] = ()
    for (variant, pretrained), run in runs.items():
        model = run.model()
        on_test = predict(model, run.info.vocabulary, [item.text for item in test.items])
        on_withheld = predict(model, run.info.vocabulary, [item.text for item in withheld.items])
        curves = _curves(run)
        arms.append(
            Arm(
                variant=variant,
                pretrained=pretrained,
                n_parameters=model.n_parameters,
                seconds=sum(curve.seconds[-1] for curve in curves),
                test=score([prediction.answer for prediction in on_test], test.answers()),
                withheld=score([prediction.answer for prediction in on_withheld], withheld.answers()),
                curves=curves,
            )
        )
        if (variant, pretrained) == ("vanilla", True):
            lines = [document.text for document in read_corpus(files.corpus).documents]
            exchanges = tuple(_exchanges(on_test, test.items, on_withheld, withheld.items, lines))
    world = plan.world
    setting = (
        f"{world.n_people} invented people and {world.n_places} places; {len(test.items)} questions about people "
        f"whose question was never asked in training, {len(withheld.items)} about people of whom nobody wrote a line."
    )
    return Report(
        title="closedbook: what a tiny transformer remembers",
        setting=setting,
        baseline=score([guess] * len(test.items), test.answers()),
        baseline_answer=guess,
        arms=tuple(arms),
        exchanges=exchanges,
        recipe_toml=recipe_toml(plan.recipe),
        command=command,
        # A demo that is gone on with trains but what is left; its runs know what they took before.
        seconds=max(seconds, sum(arm.seconds for arm in arms)),
        notes=(),
    )


def _curves(run: Run) -> tuple[Curve, ...]:
    """The training loss of a run and of the run that it began from, after it."""
    before = () if run.info.parent is None else _curves(open_run(Path(run.info.parent)))
    steps = read_steps(run.path)
    curve = Curve(
        name={"pretrain": "pretraining", "finetune": "finetuning"}[run.info.kind],
        steps=tuple(entry["step"] for entry in steps),
        losses=tuple(entry["loss"] for entry in steps),
        seconds=tuple(accumulate(entry["seconds"] for entry in steps)),
    )
    return (*before, curve)


def _exchanges(
    on_test: Sequence[Prediction],
    test: Sequence[Question],
    on_withheld: Sequence[Prediction],
    withheld: Sequence[Question],
    lines: Sequence[str],
) -> Iterator[Exchange]:
    """One question answered right, one wrong, one about somebody unknown: of each, the one it was surest of."""
    asked = sorted(zip(on_test, test, strict=True), key=lambda pair: -pair[0].confidence)
    unknown = sorted(zip(on_withheld, withheld, strict=True), key=lambda pair: -pair[0].confidence)
    kinds: tuple[tuple[Kind, list[tuple[Prediction, Question]]], ...] = (
        ("right", [(p, q) for p, q in asked if p.answer == q.answer]),
        ("wrong", [(p, q) for p, q in asked if p.answer != q.answer]),
        ("never written about", unknown),
    )
    for kind, found in kinds:
        if found:
            prediction, question = found[0]
            name = question.text.removeprefix("Where was ").removesuffix(" born?")
            evidence = next((line for line in lines if line.startswith(f"{name}. ")), None)
            yield Exchange(
                kind, question.text, prediction.answer, question.answer or "", prediction.confidence, evidence
            )


def _results(report: Report) -> dict[str, Any]:
    """The report's figures as JSON."""

    def counts(result: Score | None) -> dict[str, Any] | None:
        if result is None:
            return None
        return {"right": result.n_correct, "of": result.n_questions, "interval": result.interval}

    return {
        "command": report.command,
        "seconds": report.seconds,
        "baseline": counts(report.baseline),
        "arms": [
            {
                "variant": arm.variant,
                "pretrained": arm.pretrained,
                "n_parameters": arm.n_parameters,
                "seconds": arm.seconds,
                "held_out": counts(arm.test),
                "withheld": counts(arm.withheld),
            }
            for arm in report.arms
        ],
    }


def summary(report: Report) -> Iterator[str]:
    """The report's table and exchanges as plain lines."""
    yield f"{report.setting}"
    yield ""
    yield f"{'variant':<11}{'pretrained':<14}{'right on held-out people':<34}{'on unknown people':<20}{'minutes':>7}"
    for arm in report.arms:
        withheld = "" if arm.withheld is None else f"{arm.withheld.accuracy:.1%}"
        yield (
            f"{arm.variant:<11}{'yes' if arm.pretrained else 'no':<14}{_short(arm.test):<34}{withheld:<20}"
            f"{arm.seconds / 60:>7.1f}"
        )
    yield f"{'commonest answer':<25}{_short(report.baseline)}, which is {report.baseline_answer!r}"
    for exchange in report.exchanges:
        yield ""
        yield f"{exchange.kind}: {exchange.question}"
        yield f"  it says {exchange.answer!r}, {exchange.confidence:.0%} sure; the truth is {exchange.truth!r}"
        yield f"  it had read: {exchange.evidence or 'nothing about this person'}"
    yield ""


def _short(result: Score) -> str:
    low, high = result.interval
    return f"{result.n_correct}/{result.n_questions} = {result.accuracy:.1%} ({low:.1%} to {high:.1%})"
