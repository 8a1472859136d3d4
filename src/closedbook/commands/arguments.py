"""The words of a command become its options, and these a recipe. Imports no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import tyro

from closedbook.assignment.targets import TargetOptions
from closedbook.commands.options import (
    FinetuneHyperparameters,
    FinetuneOptions,
    Hyperparameters,
    PretrainHyperparameters,
    PretrainOptions,
    StudyHyperparameters,
    StudyOptions,
)
from closedbook.errors import InputError
from closedbook.recipe.keys import flatten
from closedbook.recipe.recipe import FAST, Recipe
from closedbook.recipe.recipe_file import load_recipe
from closedbook.recipe.rows import Rows, recipe_rows

_NUMBERS: dict[type, type[Hyperparameters]] = {
    PretrainOptions: PretrainHyperparameters,
    StudyOptions: StudyHyperparameters,
    FinetuneOptions: FinetuneHyperparameters,
}
Trains = PretrainOptions | StudyOptions | FinetuneOptions
_TARGET_FILES = ("corpus", "train", "dev", "test", "out")


def parsed(name: str, options: type, words: list[str], environment: Mapping[str, str]) -> Any:
    """The command's options; --recipe is read first, since its numbers are the options' defaults."""
    defaults = {field.name: _default(field) for field in fields(options)}
    if options in _NUMBERS:
        recipe, _ = load_recipe(_recipe_word(words))
        kind = _NUMBERS[options]
        defaults["numbers"] = kind(**{field.name: getattr(recipe, field.name) for field in fields(kind)})
    if options is TargetOptions:
        named = {field: environment.get(f"CLOSEDBOOK_{field.upper()}") for field in _TARGET_FILES}
        defaults.update({field: Path(value) for field, value in named.items() if value})
    # Not by __init__, as MISSING, which stands for what must be given, is of no field's type.
    default: Any = object.__new__(options)
    for field, value in defaults.items():
        object.__setattr__(default, field, value)
    return tyro.cli(options, default=default, prog=f"closedbook {name}", args=words)


def named_by_flag(message: str, words: list[str]) -> str:
    """What is wrong with a recipe's field, told of the flag that set it, where that is sure."""
    key, _, rule = message.partition(":")
    flags = {word.partition("=")[0] for word in words if word.startswith("--")}
    named = [flag for flag in flags if _last_name(flag) == _last_name(key)]
    return f"{named[0]}:{rule}" if len(named) == 1 else message


def _last_name(key: str) -> str:
    """Of a field or its flag; --people is short for n_people."""
    return key.removeprefix("--").rpartition(".")[2].replace("_", "-").removeprefix("n-")


def _default(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return tyro.MISSING if field.default is MISSING else field.default


def _recipe_word(words: list[str]) -> str:
    """What --recipe says; its own default where it is not there, or has no word behind it."""
    for word, following in pairwise([*words, ""]):
        if word.startswith("--recipe="):
            return word.removeprefix("--recipe=")
        if word == "--recipe" and following:
            return following
    return PretrainOptions.recipe


def recipe_of(options: Trains, stage: str, sections: Sequence[str]) -> tuple[Recipe, Rows]:
    """The recipe after all that was said, and rows that tell where each number came from."""
    base, sources = load_recipe(options.recipe)
    numbers = {field.name: getattr(options.numbers, field.name) for field in fields(options.numbers)}
    if options.epochs is not None:
        numbers[stage] = replace(numbers[stage], epochs=options.epochs)
    recipe = replace(base, **numbers)
    saved = options.out / "recipe.toml"
    if options.resume and not is_given(options, recipe) and saved.is_file():
        recipe, sources = load_recipe(str(saved))
        return recipe, recipe_rows(recipe, sources, sections)
    sources = changed_by_flags(base, recipe, sources)
    if options.epochs is not None:
        sources[f"{stage}.epochs"] = "flag --epochs"
    rows = recipe_rows(recipe, sources, sections)
    shown = {key for key, _, _ in rows}
    for key, source in sources.items():
        if source.startswith("flag ") and key not in shown:
            used = " and ".join(f"--{section}" for section in sections)
            raise InputError(f"{source.removeprefix('flag ')}: changes nothing here, where {used} counts; leave it out")
    return recipe, rows


def is_given(options: Trains, recipe: Recipe) -> bool:
    """Whether its user named a recipe or a number."""
    return options.recipe != PretrainOptions.recipe or recipe != FAST


def changed_by_flags(base: Recipe, flagged: Recipe, sources: dict[str, str]) -> dict[str, str]:
    """The sources of `base`, with the flag's name for each value that `flagged` has otherwise."""
    before = flatten(base)
    changed = [key for key, value in flatten(flagged).items() if value != before[key]]
    return sources | {key: f"flag --{key.replace('_', '-')}" for key in changed}
