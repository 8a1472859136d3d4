"""study: from a text and some pairs to a run that answers."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from closedbook.api.arguments import NUMBER, PATH, RECIPE, WHOLE_NUMBER, check_type
from closedbook.api.run import Run
from closedbook.api.words import in_python_words
from closedbook.errors import InputError, RunError
from closedbook.forms.corpus import Texts
from closedbook.progress.console import quietly
from closedbook.progress.follow import follow
from closedbook.progress.stop import Interrupted, Stopped
from closedbook.recipe.recipe import Recipe, check_budget_minutes
from closedbook.recipe.recipe_file import load_recipe
from closedbook.recipe.settings import SETTINGS, Setting, in_setting
from closedbook.storage.lock import check_no_writer
from closedbook.training.budget import Budget
from closedbook.training.checkpointing import Saving
from closedbook.training.events import Event
from closedbook.training.stages import pretrain, self_study


def study(
    corpus: str | PathLike[str] | Sequence[str | PathLike[str]],
    pairs: str | PathLike[str],
    out: str | PathLike[str],
    *,
    setting: Setting = "self-study",
    recipe: str | PathLike[str] | Recipe = "fast",
    budget_minutes: float | None = None,
    dev: str | PathLike[str] | None = None,
    seed: int | None = None,
    resume: bool = False,
    progress: bool = True,
    yes_i_have_the_memory: bool = False,
) -> Run:
    """Train a model that answers questions about a text, and keep it in the folder `out`.

    `corpus` is a file or folder of any form that `closedbook book` recognizes, or several of them. `pairs` asks about
    some of the titles, question<TAB>answer per line; the accuracy on pairs in `dev` is shown during training.

    `setting` is what training knows about answers. "self-study": a reader, taught by the pairs, asks and answers about
    every document, and the model learns that; "asking": the model does so itself. Else only the pairs' questions are
    asked, and masks are where the reader finds answers ("guided"), at names ("unguided"), or anywhere ("assignment").

    `recipe` is a preset ("fast", "plain", "perceiver", "course"), a TOML file or a Recipe; `seed` replaces its seed.
    `budget_minutes` fits the number of steps to a time, reader included. `resume` continues an interrupted run begun
    with the same arguments. `progress` shows lines on standard error. `yes_i_have_the_memory` trains what seems not to
    fit. Ctrl-C saves the run and raises KeyboardInterrupt. Raises InputError for faults in what was given.
    """
    begin, folder = time.monotonic(), path_of("out", out)
    _check(setting, budget_minutes, folder, resume)
    events = study_events(
        texts_of(corpus),
        path_of("pairs", pairs),
        _recipe(recipe, seed, setting),
        Saving(folder, resume, may_exceed_memory=yes_i_have_the_memory),
        setting=setting,
        dev=None if dev is None else path_of("dev", dev),
        budget=None if budget_minutes is None else Budget(float(budget_minutes), begin),
    )
    return followed(events, folder, progress)


def study_events(
    corpus: Path | Texts,
    pairs: Path,
    recipe: Recipe,
    saving: Saving,
    *,
    setting: Setting,
    dev: Path | None,
    budget: Budget | None,
) -> Iterator[Event]:
    """The events of a study, whose recipe has the masks of its setting."""
    train = self_study if setting == "self-study" else pretrain
    return train(corpus, recipe, saving, pairs_path=pairs, dev_path=dev, budget=budget)


def _recipe(recipe: str | PathLike[str] | Recipe, seed: int | None, setting: Setting) -> Recipe:
    """The recipe with the masks of its setting."""
    check_type("recipe", recipe, RECIPE)
    check_type("seed", seed, WHOLE_NUMBER, optional=True)
    loaded = recipe if isinstance(recipe, Recipe) else load_recipe(str(recipe))[0]
    if setting == "guided" and not loaded.corruption.guided:
        raise InputError("setting: guided needs a recipe with corruption.guided above 0; received 0.0; choose another")
    return in_setting(loaded if seed is None else replace(loaded, seed=int(seed)), setting)


def texts_of(corpus: str | PathLike[str] | Sequence[str | PathLike[str]]) -> Texts:
    """The files and folders that an argument names; raises InputError."""
    given: Sequence[Any] = corpus if isinstance(corpus, list | tuple) else [corpus]
    paths = tuple(path_of("corpus", path) for path in given)
    if not paths:
        raise InputError(f"corpus: a file or folder, or several, are needed; received {corpus!r}")
    return Texts(paths)


def path_of(name: str, value: str | PathLike[str]) -> Path:
    """The path that an argument is; raises InputError."""
    check_type(name, value, PATH)
    return Path(value)


def _check(setting: str, budget_minutes: float | None, folder: Path, resume: bool) -> None:
    if setting not in SETTINGS:
        raise InputError(f"setting: one of {', '.join(SETTINGS)} is needed; received {setting!r}")
    check_training(budget_minutes, folder, resume)


def check_training(budget_minutes: float | None, folder: Path, resume: bool) -> None:
    """Raise InputError in the words of the Python API, where those below speak of options."""
    check_type("budget_minutes", budget_minutes, NUMBER, optional=True)
    if budget_minutes is not None:
        check_budget_minutes(budget_minutes, "budget_minutes", "budget_minutes=2")
    if not resume and (folder / "run.json").is_file():
        check_no_writer(folder)
        raise RunError(
            f"{folder}: is a run already; closedbook.load opens one that has ended, resume=True continues one that was "
            "interrupted; or choose another folder"
        )


def followed(events: Iterator[Event], folder: Path, progress: bool) -> Run:
    """The run that training ends with; raises KeyboardInterrupt where its user stops it."""
    with quietly(not progress), in_python_words():
        try:
            return Run(follow("study", events).run)
        except Stopped:
            raise KeyboardInterrupt("stopped before training; the same call begins again") from None
        except Interrupted as stop:
            what = "stopped at once, after its last checkpoint" if stop.at_once else "saved"
            raise KeyboardInterrupt(f"{folder}: {what}; the same call with resume=True continues it") from None
