"""The recipe that a command's options give: a preset, a file or a resumed run's recipe, changed by what was given."""

from dataclasses import fields, replace
from pathlib import Path

from closedbook.commands.options import FinetuneOptions, PretrainOptions, StudyOptions
from closedbook.commands.words import as_option
from closedbook.errors import InputError
from closedbook.recipe.keys import flatten, toml_value
from closedbook.recipe.recipe import Recipe, StageConfig, check_budget_minutes
from closedbook.recipe.recipe_file import load_recipe, load_saved_recipe, with_values
from closedbook.recipe.rows import Rows, recipe_rows
from closedbook.recipe.settings import DECIDED_BY, Setting, in_setting
from closedbook.recipe.sizing import chosen_by_hand, sizing_source

TrainOptions = PretrainOptions | StudyOptions | FinetuneOptions
_CHANGED_BY_GROWTH = ("precision", "silver_confidence", "on_divergence")
Sources = dict[str, str]
"""Where the value of each dotted key came from."""


def base_recipe(
    name: str, given: frozenset[str], out: Path, *, resume: bool, parent: Path | None = None
) -> tuple[Recipe, Sources]:
    """The recipe that options change: that of --recipe, or the run's own where one is resumed without --recipe.

    Where the run `parent` grows, it is that run's, whatever --recipe says.
    """
    saved = out / "recipe.toml"
    if resume and "recipe" not in given and saved.is_file():
        return load_saved_recipe(saved)
    if parent is None:
        return load_recipe(name)
    if not (parent / "recipe.toml").is_file():
        raise InputError(f"--from: a run is needed, and {parent} has no recipe.toml; name a folder that study made")
    return load_saved_recipe(parent / "recipe.toml")


def check_growth(options: StudyOptions) -> None:
    """Raise InputError where an option contradicts the run that --from lets grow: only its training can change."""
    for key in sorted(options.given & {*flatten(Recipe()), "recipe"}):
        if not key.startswith("study.") and key not in _CHANGED_BY_GROWTH:
            cure = "only --study, --precision, --silver-confidence and --on-divergence can change; leave it out"
            raise InputError(f"{as_option(key)}: a run that grows keeps its recipe (--from); {cure}")
    if options.setting != "self-study":
        raise InputError(f"--setting: only a run in self-study can grow (--from); received {options.setting}")


def is_length_given(options: StudyOptions) -> bool:
    """Whether options say how many steps self-study takes."""
    return not options.given.isdisjoint({"epochs", "study.epochs", "study.steps"})


def recipe_of(options: TrainOptions, stage: str, sections: tuple[str, ...]) -> tuple[Recipe, Rows]:
    """The recipe of a command that trains by `stage`, and the rows of its `sections`.

    Raises InputError where options contradict one another, or set a value that the command does not use.
    """
    grows = options.parent if isinstance(options, StudyOptions) else None
    recipe, sources = base_recipe(options.recipe, options.given, options.out, resume=options.resume, parent=grows)
    values = {field.name: getattr(options.hyperparameters, field.name) for field in fields(options.hyperparameters)}
    values[stage], lengths = _with_length(options, stage, values[stage])
    flags = {key: f"flag {as_option(key)}" for key in options.given if key in sources} | lengths
    changed = chosen_by_hand(replace(recipe, **values), flags.keys())
    recipe, sources = changed, sources | flags | sizing_source(recipe, changed, flags)
    if isinstance(options, StudyOptions):
        recipe, masks = _with_masks(recipe, options.setting, options.given)
        sources |= masks
    rows = recipe_rows(recipe, sources, sections)
    shown = {key for key, _, _ in rows}
    for key, source in flags.items():
        if key not in shown:
            used = " or ".join(f"--{section}" for section in sections)
            flag = source.removeprefix("flag ")
            raise InputError(f"{flag}: changes nothing here; options that begin with {used} do; leave it out")
    return recipe, rows


def is_recipe_given(options: TrainOptions) -> bool:
    """Whether any option was given that says what the recipe is, even one that gives the default."""
    keys = {*flatten(Recipe()), "recipe", "epochs", "setting"}
    return not keys.isdisjoint(options.given)


def check_budget(options: StudyOptions, stage: str) -> None:
    """Raise InputError where --budget is no time to train for, or another option says how long to train."""
    if options.budget is None:
        return
    check_budget_minutes(options.budget, "--budget", "--budget 2")
    for key in ("epochs", f"{stage}.epochs", f"{stage}.steps"):
        if key in options.given:
            option = as_option(key)
            raise InputError(
                f"--budget: sets the number of steps, so {option} cannot be given with it; leave out one of the two"
            )


def _with_length(options: TrainOptions, stage: str, config: StageConfig) -> tuple[StageConfig, Sources]:
    """The stage with the epochs that were given, which replace a number of steps; and what set which key."""
    epochs, steps = f"{stage}.epochs", f"{stage}.steps"
    if options.epochs is not None:
        if epochs in options.given:
            raise InputError(f"--epochs: is short for {as_option(epochs)}; leave out one of the two")
        config = replace(config, epochs=options.epochs)
        flag = "--epochs"
    elif epochs in options.given:
        flag = as_option(epochs)
    else:
        return config, {}
    sources = {epochs: f"flag {flag}"}
    if config.steps:
        if steps in options.given:
            raise InputError(f"{flag}: {as_option(steps)} says how long to train too; leave out one of the two")
        config, sources[steps] = replace(config, steps=0), f"flag {flag}"
    return config, sources


def _with_masks(recipe: Recipe, setting: Setting, given: frozenset[str]) -> tuple[Recipe, Sources]:
    """The recipe in a setting, and the keys that this changed; given options win where the setting allows them."""
    if setting == "guided" and not recipe.corruption.guided:
        raise InputError(
            "--setting: guided needs corruption.guided above 0; received 0.0; write --setting unguided or assignment, "
            "or give --corruption.guided"
        )
    masked, sources = in_setting(recipe, setting), {}
    values = flatten(recipe)
    for key, wanted in flatten(masked).items():
        value = values[key]
        if value == wanted:
            continue
        if key not in given:
            sources[key] = f"setting {setting}"
        elif key.removeprefix("corruption.") in DECIDED_BY[setting]:
            raise InputError(
                f"{as_option(key)}: --setting {setting} sets it to {wanted}; received {value}; leave out one of the two"
            )
        else:
            masked = with_values(masked, [f"{key}={toml_value(value)}"])
    return masked, sources
