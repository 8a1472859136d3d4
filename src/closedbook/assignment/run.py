"""Runs of the assignment's targets: from its files, trains or evaluates, to its files."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from closedbook.assignment.targets import TARGETS, Target, TargetOptions
from closedbook.evaluation.evaluate import evaluate, save_predictions
from closedbook.files.durable import read_bytes, write_atomically
from closedbook.recipe.recipe import Recipe
from closedbook.recipe.recipe_file import load_recipe
from closedbook.recipe.rows import Rows, recipe_rows
from closedbook.storage.run import open_run
from closedbook.text.questions import read_pairs, read_questions
from closedbook.training.checkpointing import Saving
from closedbook.training.events import Event, Finished
from closedbook.training.stages import finetune, pretrain

Follow = Callable[[str, Iterator[Event], Rows], Finished]


def run_target(name: str, options: TargetOptions, follow: Follow) -> Iterator[str]:
    """Make a file, after `Target.check` has found nothing wrong; yields the lines to print. Raises InputError."""
    target = TARGETS[name]
    if target.action == "evaluate":
        yield from _evaluate(target, options)
        return
    path = options.out / target.output
    weights = target.run_path(options.out) / "model.safetensors"
    # A run that was stopped after its end but before its parameters were copied has nothing left to train.
    if not weights.exists():
        recipe, rows = _recipe(target, options)
        train = _pretrain if target.action == "pretrain" else _finetune
        weights = follow(name, train(target, options, recipe), rows).run.weights_path
    write_atomically(path, read_bytes(weights))
    yield f"{path}"


def _recipe(target: Target, options: TargetOptions) -> tuple[Recipe, Rows]:
    """The recipe with the target's variant and the options, and rows that say where each of its values came from."""
    recipe, sources = load_recipe(options.recipe)
    recipe = replace(recipe, model=replace(recipe.model, variant=target.variant))
    sources["model.variant"] = "target"
    sections = {
        "pretrain": ("model", "corruption", "pretrain"),
        "finetune": ("finetune",) if target.pretrained else ("model", "scratch"),
    }[target.action]
    if options.epochs is not None:
        stages = ("pretrain", "finetune", "scratch")
        # A recipe's `steps` would win over its `epochs`.
        changed = {name: replace(getattr(recipe, name), epochs=options.epochs, steps=0) for name in stages}
        recipe = replace(recipe, **changed)
        sources |= {f"{name}.{key}": "flag --epochs" for name in stages for key in ("epochs", "steps")}
    return recipe, recipe_rows(recipe, sources, sections)


def _saving(target: Target, options: TargetOptions) -> Saving:
    path, has_memory = target.run_path(options.out), options.yes_i_have_the_memory
    return Saving(path, options.resume, options.save_every, may_exceed_memory=has_memory)


def _pretrain(target: Target, options: TargetOptions, recipe: Recipe) -> Iterator[Event]:
    pairs = options.train if recipe.pretrain.mix_pairs > 0 else None
    return pretrain(options.corpus, recipe, _saving(target, options), pairs_path=pairs)


def _finetune(target: Target, options: TargetOptions, recipe: Recipe) -> Iterator[Event]:
    before = target.predecessor
    stage = recipe.scratch if before is None else recipe.finetune
    return finetune(
        options.train,
        recipe,
        _saving(target, options),
        parent_path=None if before is None else before.run_path(options.out),
        corpus_path=options.corpus if before is None else None,
        dev_path=options.dev if stage.patience and not recipe.validation_split else None,
    )


def _evaluate(target: Target, options: TargetOptions) -> Iterator[str]:
    assert target.predecessor is not None
    run = open_run(target.predecessor.run_path(options.out))
    questions = read_questions(options.dev if target.split == "dev" else options.test)
    training = read_pairs(options.train) if options.train.exists() else None
    evaluation = evaluate(run, questions, training, match=None)
    path = options.out / target.output
    save_predictions(path, evaluation.predictions)
    yield from evaluation.lines()
    yield f"{path}"
