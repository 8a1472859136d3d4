"""Resuming: which run `--resume` continues, and that it is given what the run began with."""

from pathlib import Path

from closedbook.errors import RunError
from closedbook.files.durable import complete_folder
from closedbook.recipe.keys import Scalar, flatten, toml_value
from closedbook.recipe.recipe import Recipe
from closedbook.storage.run import Kind, Run, RunInfo, TrainedKind, open_run

_BEGAN: dict[Kind, tuple[str, str]] = {
    "pretrain": ("by pretrain, or by study outside self-study", "resume it by that command, with its --setting"),
    "study": ("in self-study", "resume it by study, and leave --setting out or write --setting self-study"),
    "finetune": ("by finetune", "resume it by finetune"),
    "edit": ("by edit, which ends at once", "train on from its weights by finetune --from"),
}
"""How a run of each kind began, and how it is resumed."""


def resumable_run(path: Path, kind: TrainedKind) -> Run:
    """An unfinished run of this kind; raises RunError where there is none at `path`."""
    complete_folder(path)
    if not path.exists():
        raise RunError(
            f"{path}: no such run to resume; leave --resume off to begin it "
            "(--from starts a new run from another run's weights)"
        )
    run = open_run(path)
    if run.info.kind != kind:
        began, cure = _BEGAN[run.info.kind]
        raise RunError(f"{path}: began {began} (kind {run.info.kind}), and cannot be resumed as kind {kind}; {cure}")
    if run.is_finished:
        raise RunError(f"{path}: has ended, nothing to resume; to train on from its weights: finetune --from {path}")
    return run


def check_same_inputs(run: Run, recipe: Recipe | None, info: RunInfo) -> None:
    """Raise RunError where a run began with another file, parent run or recipe than is given now.

    `recipe` is None where the user named no recipe and no hyperparameter.
    """
    if run.info.replayed and info.parent is None:
        cure = f"resume it as it began, with --from {run.info.parent}"
        raise RunError(f"{run.path}: began from {run.info.parent}, not scratch; {cure}")
    for name in sorted(run.info.sources.keys() | info.sources.keys()):
        then, now = run.info.sources.get(name), info.sources.get(name)
        if then is None or now is None or then.sha256 != now.sha256:
            raise RunError(
                f"{run.path}: began with {name} {then.path if then else 'not given'}, and "
                f"{now.path if now else 'none'} {'has another content' if then and now else 'is given now'}; "
                "resume with the files it began with, or begin a new run with another --out"
            )
    if run.info.parent != info.parent:
        raise RunError(
            f"{run.path}: began from {run.info.parent or 'scratch'}, not {info.parent or 'scratch'}; --resume "
            "goes on with a run as it began, --from begins a new one: leave out one of the two"
        )
    given = flatten(run.recipe if recipe is None else recipe)
    changed = [
        key for key, value in flatten(run.recipe).items() if value != given[key] and not _chooses(key, given[key])
    ]
    if changed:
        key, began = changed[0], flatten(run.recipe)[changed[0]]
        option = "--" + key.replace("_", "-")
        raise RunError(
            f"{run.path}: began with {key} {toml_value(began)}, and --resume changes no hyperparameter; received "
            f"{toml_value(given[key])}; leave out what sets it ({option}, a recipe or a setting), or begin a new run "
            "with another --out"
        )


def _chooses(key: str, value: Scalar) -> bool:
    """Whether a value leaves it to a run how often it is evaluated, as presets have done since 0.2.0."""
    return key.endswith(".evaluate_every") and value == 0
