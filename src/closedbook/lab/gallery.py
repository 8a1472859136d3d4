"""The lab's command: settings become experiments, results become tables, pictures and JSON in a folder.

Imports no torch until an experiment runs, so that a bad number is answered at once.
"""

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from closedbook.errors import InputError
from closedbook.files.durable import write_folder_atomically
from closedbook.files.pictures import as_png, as_svg_file
from closedbook.lab.config import CONFIGS, LabConfig
from closedbook.recipe.docstrings import field_docstrings

if TYPE_CHECKING:
    from closedbook.lab.estimate import Row
    from closedbook.lab.experiments import Result

ALL = "all"
_DOTS_AN_INCH = 110
_SHARED = tuple(field.name for field in fields(LabConfig))
"""Numbers that every experiment takes."""


@dataclass(frozen=True)
class Exhibit:
    """One experiment that was run: its table and, if they were asked for, its files by name."""

    name: str
    lines: tuple[str, ...]
    files: dict[str, bytes]


def catalogue() -> Iterator[str]:
    """Every experiment with its numbers and their defaults."""
    yield f"experiments of the lab, or {ALL}; --set NAME=VALUE changes a number:"
    for name, kind in CONFIGS.items():
        yield f"\n{name:<13}{kind.__doc__}"
        defaults = {field.name: field.default for field in fields(kind)}
        for number, meaning in field_docstrings(kind).items():
            assert defaults[number] is not MISSING
            yield f"  {f'{number}={defaults[number]}':<17}{meaning}"


def configured(experiment: str, settings: Sequence[str]) -> dict[str, LabConfig]:
    """The experiments that are asked for, each with its numbers; raises InputError."""
    if experiment not in (*CONFIGS, ALL):
        near = get_close_matches(experiment, [*CONFIGS, ALL], n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(CONFIGS)}, {ALL} is needed"
        raise InputError(f"{experiment}: no such experiment; {hint}")
    names = list(CONFIGS) if experiment == ALL else [experiment]
    values = _values(experiment, settings)
    try:
        return {name: CONFIGS[name](**values) for name in names}
    except InputError as error:
        raise InputError(f"--set {error}") from None


def _values(experiment: str, settings: Sequence[str]) -> dict[str, Any]:
    known = _SHARED if experiment == ALL else tuple(field.name for field in fields(CONFIGS[experiment]))
    kinds = {field.name: field.type for kind in CONFIGS.values() for field in fields(kind)}
    values: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise InputError(f"--set {setting}: name=value is needed, as in {known[0]}=1000")
        if name not in known:
            raise InputError(f"--set {name}: {_unknown(experiment, name, known)}")
        if name in values:
            raise InputError(f"--set {name}: one value is needed; received a second, {text!r}; leave one out")
        try:
            values[name] = int(text) if kinds[name] is int else float(text)
        except ValueError:
            kind = "a whole number" if kinds[name] is int else "a number"
            raise InputError(f"--set {name}: {kind} is needed; received {text!r}") from None
    return values


def _unknown(experiment: str, name: str, known: tuple[str, ...]) -> str:
    if experiment == ALL:
        return f"all experiments have {' and '.join(known)} in common and nothing else; name one experiment"
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known)}"
    return f"{experiment} has no such number; {hint}"


def exhibits(configs: dict[str, LabConfig], *, with_files: bool) -> Iterator[Exhibit]:
    """Run the experiments, one after the other."""
    from closedbook.lab.experiments import EXPERIMENTS

    for name, config in configs.items():
        result = EXPERIMENTS[name].run(config)
        lines = (*_table(result.rows()), "", *result.notes())
        files = {}
        if with_files:
            files[f"{name}.json"] = _json(name, config, result)
            for picture, figure in EXPERIMENTS[name].draw(result).items():
                files[f"{picture}.png"] = as_png(figure, _DOTS_AN_INCH)
                files[f"{picture}.svg"] = as_svg_file(figure, transparent=False)
        yield Exhibit(name, lines, files)


def write_gallery(folder: Path, configs: dict[str, LabConfig], shown: Sequence[Exhibit]) -> None:
    """Write every file, and README.md that shows them, all or none; raises RunError."""
    files = {name: data for exhibit in shown for name, data in exhibit.files.items()}
    files["README.md"] = _index(configs, shown).encode()
    with write_folder_atomically(folder, "the gallery") as partial:
        for name, data in files.items():
            (partial / name).write_bytes(data)


def command(name: str, config: LabConfig) -> str:
    """What makes an experiment again."""
    changed = [
        f"{field.name}={getattr(config, field.name)}"
        for field in fields(config)
        if getattr(config, field.name) != field.default
    ]
    return shlex.join(["sh", "run.sh", "lab", name, *(["--set", *changed] if changed else [])])


def _table(rows: "Sequence[Row]") -> list[str]:
    """Theory beside simulation; the last column is the error in standard errors."""
    lines = [("", "", "theory", "measured", "std. error", "off by")]
    for row in rows:
        found = row.estimate
        numbers = (f"{found.theory:.6g}", f"{found.simulation:.6g}", f"{found.standard_error:.2g}")
        lines.append((row.what, row.where, *numbers, f"{found.n_standard_errors:+.1f}"))
    widths = [max(len(line[column]) for line in lines) for column in range(6)]
    return [
        "  ".join(
            f"{cell:<{width}}" if column < 2 else f"{cell:>{width}}" for column, cell, width in _cells(line, widths)
        )
        for line in lines
    ]


def _cells(line: Sequence[str], widths: Sequence[int]) -> Iterator[tuple[int, str, int]]:
    return ((column, cell, width) for column, (cell, width) in enumerate(zip(line, widths, strict=True)))


def _json(name: str, config: LabConfig, result: "Result") -> bytes:
    from closedbook.lab.estimate import as_json

    whole = {"experiment": name, "command": command(name, config), **as_json(result)}
    return (json.dumps(whole, indent=1, allow_nan=False) + "\n").encode()


def _index(configs: dict[str, LabConfig], shown: Sequence[Exhibit]) -> str:
    """README.md: each experiment with its question, its pictures, its table and the command that makes it again."""
    parts = ["# The attention lab\n", "Theory beside simulation; the numbers are in the JSON files beside this one.\n"]
    for exhibit in shown:
        config = configs[exhibit.name]
        parts.append(f"## {exhibit.name}: {type(config).__doc__}\n")
        parts += [f"![{exhibit.name}]({name})\n" for name in exhibit.files if name.endswith(".png")]
        parts.append(f"Made by `{command(exhibit.name, config)}`.\n")
        table = "\n".join(f"    {line}".rstrip() for line in exhibit.lines)
        parts.append(f"<details><summary>Theory and measurement</summary>\n\n{table}\n\n</details>\n")
    return "\n".join(parts)
