"""The lab's command: words become configurations, experiments run, results become tables, figures and JSON files.

Imports no torch until an experiment runs, so that a wrong name or value is answered at once.
"""

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, fields
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from closedbook.errors import InputError
from closedbook.figures.pictures import as_png, as_svg_file
from closedbook.files.durable import check_folder_is_free, write_folder_atomically
from closedbook.lab.config import CONFIGS, LabConfig
from closedbook.lab.report import Output, index, readme, table
from closedbook.recipe.docstrings import field_docstrings

if TYPE_CHECKING:
    from closedbook.lab.experiments import Result

ALL = "all"
_DOTS_PER_INCH = 110
_SHARED = tuple(field.name for field in fields(LabConfig))
"""The parameters that all experiments have."""
_LONGEST_SHOWN = 60


def list_experiments() -> Iterator[str]:
    """Lines: every experiment with its parameters, their defaults and meanings."""
    yield f"experiments of the lab, or {ALL}; --set NAME=VALUE changes a parameter:"
    for name, kind in CONFIGS.items():
        yield f"\n{name:<13}{kind.__doc__}"
        defaults = {field.name: field.default for field in fields(kind)}
        for parameter, meaning in field_docstrings(kind).items():
            assert defaults[parameter] is not MISSING
            yield f"  {f'{parameter}={defaults[parameter]}':<17}{meaning}"


def parse_configs(experiment: str, words: Sequence[str]) -> dict[str, LabConfig]:
    """The configuration of the named experiment, or of all, by name; `words` are NAME=VALUE.

    Raises InputError for an unknown experiment or parameter, and for a value that is not allowed.
    """
    if experiment not in (*CONFIGS, ALL):
        rule = f"one of {', '.join(CONFIGS)}, {ALL} is needed"
        hint = _did_you_mean(experiment, (*CONFIGS, ALL))
        raise InputError(f"EXPERIMENT: {rule}; received '{_shown(experiment)}'{hint}")
    names = list(CONFIGS) if experiment == ALL else [experiment]
    values = _parse_values(experiment, words)
    try:
        return {name: CONFIGS[name](**values) for name in names}
    except InputError as error:
        raise InputError(f"--set {error}") from None


def check_paths(out: Path | None, page: Path | None) -> None:
    """Raise InputError unless the output folder is free and will still be when the page has been written."""
    if out is None:
        return
    check_folder_is_free(out, "the lab's output")
    if page is not None and out.resolve() in page.resolve().parents:
        raise InputError(f"--page: a file outside the folder of --out is needed; received {page}; name another")


def run_experiments(configs: dict[str, LabConfig], *, with_files: bool) -> Iterator[Output]:
    """Run experiments one after the other; `with_files` also makes each one's figures and JSON file."""
    from closedbook.lab.experiments import EXPERIMENTS

    for name, config in configs.items():
        result = EXPERIMENTS[name].run(config)
        lines = (*table(result.rows()), "", *result.notes())
        files = {}
        if with_files:
            files[f"{name}.json"] = _json(name, config, result)
            for picture, figure in EXPERIMENTS[name].draw(result).items():
                files[f"{picture}.png"] = as_png(figure, _DOTS_PER_INCH)
                files[f"{picture}.svg"] = as_svg_file(figure, transparent=False)
        yield Output(name, config, repeating_command(name, config), result.message(), lines, files)


def write_outputs(folder: Path, outputs: Sequence[Output]) -> None:
    """Write all files, and README.md and index.html that show them, into a new or empty folder, or nothing.

    Raises RunError.
    """
    files = {name: data for output in outputs for name, data in output.files.items()}
    files |= {"README.md": readme(outputs).encode(), "index.html": index(outputs).encode()}
    with write_folder_atomically(folder, "the lab's output") as partial:
        for name, data in files.items():
            (partial / name).write_bytes(data)


def repeating_command(name: str, config: LabConfig) -> str:
    """The command line that repeats an experiment."""
    changed = [
        f"{field.name}={getattr(config, field.name)}"
        for field in fields(config)
        if getattr(config, field.name) != field.default
    ]
    return shlex.join(["sh", "run.sh", "lab", name, *(["--set", *changed] if changed else [])])


def _parse_values(experiment: str, words: Sequence[str]) -> dict[str, Any]:
    known = _SHARED if experiment == ALL else tuple(field.name for field in fields(CONFIGS[experiment]))
    types = {field.name: field.type for kind in CONFIGS.values() for field in fields(kind)}
    values: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise InputError(f"--set {_shown(word)}: NAME=VALUE is needed, as in {known[0]}=1000")
        if name not in known:
            raise InputError(f"--set {_shown(name)}: {_unknown(experiment, name, known)}")
        if name in values:
            raise InputError(f"--set {name}: one value is needed; received a second, '{_shown(text)}'; leave one out")
        try:
            values[name] = int(text) if types[name] is int else float(text)
        except ValueError:
            rule = "a whole number" if types[name] is int else "a number"
            raise InputError(f"--set {name}: {rule} is needed; received '{_shown(text)}'") from None
    return values


def _unknown(experiment: str, name: str, known: tuple[str, ...]) -> str:
    if experiment == ALL:
        return f"all experiments have only {' and '.join(known)} in common; name one experiment"
    return f"{experiment} has no such parameter; {', '.join(known)} are known{_did_you_mean(name, known)}"


def _did_you_mean(received: str, known: tuple[str, ...]) -> str:
    nearest = get_close_matches(received, known, n=1)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""


def _shown(text: str) -> str:
    """Received text as a message shows it: on one line, not too long."""
    text = text if text.isprintable() else repr(text)[1:-1]
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


def _json(name: str, config: LabConfig, result: "Result") -> bytes:
    from closedbook.lab.estimate import as_json

    whole = {"experiment": name, "command": repeating_command(name, config), **as_json(result)}
    return (json.dumps(whole, indent=1, allow_nan=False) + "\n").encode()
