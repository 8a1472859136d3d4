"""Recipes as TOML files, and where each number of a recipe came from. Imports no torch.

Nothing here knows a field by name: what the dataclasses of `recipe.py` declare is what a file may say.
"""

import json
import math
import re
import tomllib
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from closedbook.errors import RecipeError, TextError
from closedbook.recipe.docstrings import field_docstrings
from closedbook.recipe.old_keys import REMOVED, modernized
from closedbook.recipe.recipe import PRESETS, Recipe
from closedbook.text.lines import decode_lines

Scalar = int | float | bool | str
Keys = tuple[str, ...]
Rows = list[tuple[str, str, str]]
"""Of a table: key, value, where it came from."""

_DEFAULT_PRESET = "fast"
_RULES = {int: "a whole number", float: "a number", bool: "true or false", str: "text in quotes"}
_LONGEST_SHOWN = 60
# Of what stands in no section, what counts in one kind of training alone.
_COUNTS_IN = {"silver_confidence": "study"}


def load_recipe(name_or_path: str) -> tuple[Recipe, dict[str, str]]:
    """A preset, or a TOML file over one; with it, for each dotted key, where its value came from.

    Raises RecipeError, naming file and line, for whatever the recipe does not know. A preset's name wins
    over a file of that name; write ./fast for the file.
    """
    if name_or_path in PRESETS:
        recipe = PRESETS[name_or_path]
        return recipe, dict.fromkeys(flatten(recipe), f"preset {name_or_path}")
    file = _read(Path(name_or_path))
    preset = _one_of(file, ("preset",), file.tables.get("preset", _DEFAULT_PRESET), tuple(PRESETS))
    own = {name: value for name, value in file.tables.items() if name != "preset"}
    recipe = _merged(file, PRESETS[preset], own, ())
    sources = dict.fromkeys(flatten(recipe), f"preset {preset}")
    for keys, where in file.where.items():
        if _dotted(keys) in sources:
            old = f", where it has its old name {file.old_names[keys]}" if keys in file.old_names else ""
            sources[_dotted(keys)] = f"{where}{old}"
    return recipe, sources


def with_values(recipe: Recipe, words: Sequence[str]) -> Recipe:
    """A recipe changed by words such as 'model.n_layer=2', all at once, since some values fit together only then.

    Raises RecipeError, naming the word, where a recipe file with that line would be refused.
    """
    tables: dict[str, Any] = {}
    where: dict[Keys, str] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals:
            raise RecipeError(f"--set {word}: KEY=VALUE is needed, as in model.n_layer=2")
        keys = _split(key.strip())
        where |= {keys[: n + 1]: f"--set {word}" for n in range(len(keys))}
        inner = tables
        for name in keys[:-1]:
            inner = inner.setdefault(name, {})
        inner[keys[-1]] = _value(text.strip())
    tables, old_names = _modernized(tables, where)
    return _merged(_RecipeFile(tables, where, old_names), recipe, tables, ())  # type: ignore[no-any-return]


def _value(text: str) -> Any:
    """A value as TOML has it; what is none is text, so that a word needs no quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def recipe_toml(recipe: Recipe) -> str:
    """A recipe as TOML: every key, so that no preset matters, each under its field's docstring."""
    summary = (type(recipe).__doc__ or "").partition("\n")[0]
    return "\n".join([f"# {summary}", "", *_toml_lines(recipe, ())]) + "\n"


def flatten(recipe: Recipe) -> dict[str, Scalar]:
    """Every value of a recipe by its dotted key, in the tree's order."""
    return {_dotted(keys): value for keys, value in _items(asdict(recipe)) if not isinstance(value, dict)}


def changed_by_flags(base: Recipe, flagged: Recipe, sources: dict[str, str]) -> dict[str, str]:
    """The sources of `base`, with the flag's name for each value that `flagged` has otherwise."""
    before = flatten(base)
    changed = [key for key, value in flatten(flagged).items() if value != before[key]]
    return sources | {key: f"flag --{key.replace('_', '-')}" for key in changed}


def recipe_rows(recipe: Recipe, sources: dict[str, str], sections: Sequence[str] | None = None) -> Rows:
    """(key, value, where it came from), in the tree's order, of the named sections and of what counts in any."""
    return [
        (key, value if isinstance(value, str) else _toml(value), sources[key])
        for key, value in flatten(recipe).items()
        if sections is None or (section := _section(key)) is None or section in sections
    ]


def _section(key: str) -> str | None:
    return key.partition(".")[0] if "." in key else _COUNTS_IN.get(key)


@dataclass(frozen=True)
class _RecipeFile:
    """What a recipe file says, and where each of its keys and sections first occurs, as in 'r.toml, line 3'."""

    tables: dict[str, Any]
    where: dict[Keys, str]
    old_names: dict[Keys, str]

    def fault(self, keys: Keys, message: str) -> RecipeError:
        return RecipeError(f"{self.where[keys]}: {message}")


def _read(path: Path) -> _RecipeFile:
    text = _text(path)
    try:
        tables = tomllib.loads(text)
    # Mostly TOMLDecodeError; thousands of digits raise a plain ValueError, thousands of brackets the other.
    except (ValueError, RecursionError) as error:
        place = re.fullmatch(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", str(error))
        what = place[1] if place else str(error)
        line = (place and place[2]) or text.count("\n") + 1
        cure = "write a line as key = value, with words in quotes"
        raise RecipeError(f"{path}, line {line}: not TOML: {what}; {cure}") from None
    where = {keys: f"{path}, line {line}" for keys, line in _line_numbers(text).items()}
    tables, old_names = _modernized(tables, where)
    return _RecipeFile(tables, where, old_names)


def _modernized(tables: dict[str, Any], where: dict[Keys, str]) -> tuple[dict[str, Any], dict[Keys, str]]:
    """Tables under today's names, and the old names that some keys had; `where` is extended by the new names."""
    tables, old_keys = modernized(tables)
    old_names = {_split(key.new): key.old for key in old_keys if key.new is not None}
    for new, old in old_names.items():
        for n_kept in range(1, len(new) + 1):
            where.setdefault(new[:n_kept], where[_split(old)])
    return tables, old_names


def _split(key: str) -> Keys:
    """A dotted key of the recipe's own, none of which is quoted."""
    return tuple(key.split("."))


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        cure = f"give a preset ({', '.join(PRESETS)}) or the path of a TOML file"
        hint = _did_you_mean(str(path), PRESETS)
        raise RecipeError(f"{path}: cannot be read: {error.strerror}; {cure}{hint}") from None
    if raw.startswith(BOM_UTF8):
        raise RecipeError(f"{path}, line 1: starts with a byte order mark; save it as UTF-8 without one")
    try:
        return "\n".join(decode_lines(raw, path))
    except TextError as error:
        raise RecipeError(str(error)) from None


def _line_numbers(text: str) -> dict[Keys, int]:
    """Where each key of a valid file stands, which tomllib does not tell.

    Under its section's header each statement is valid by itself, so parsing them one by one finds dotted
    and quoted keys and inline tables without a second grammar of TOML.
    """
    found: dict[Keys, int] = {}
    header = statement = ""
    start = 1
    for number, line in enumerate(text.split("\n"), 1):
        start = start if statement else number
        statement += line + "\n"
        try:
            table = tomllib.loads(header + statement)
        except tomllib.TOMLDecodeError:
            continue  # the value goes on in the next line
        for keys, _ in _items(table):
            found.setdefault(keys, start)
        if start == number and line.lstrip().startswith("["):
            header = statement
        statement = ""
    return found


def _items(table: dict[str, Any], keys: Keys = ()) -> Iterator[tuple[Keys, Any]]:
    """Tables and values, depth first."""
    for name, value in table.items():
        yield (*keys, name), value
        if isinstance(value, dict):
            yield from _items(value, (*keys, name))


def _merged(file: _RecipeFile, base: Any, table: dict[str, Any], keys: Keys) -> Any:
    """`base` with what a file's table says; raises RecipeError at the first key that does not fit."""
    hints = _hints(type(base))
    values: dict[str, Any] = {}
    for name, value in table.items():
        at = (*keys, name)
        if name not in hints:
            raise file.fault(at, _unknown(at, value, hints))
        if is_dataclass(hints[name]) and isinstance(value, dict):
            values[name] = _merged(file, getattr(base, name), value, at)
        else:
            values[name] = _checked(file, at, value, hints[name])
    try:
        return replace(base, **values)
    except RecipeError as error:
        message = str(error)
        named = message.partition(":")[0]
        if keys and named in hints:
            message = f"{_dotted(keys)}.{message}"
        raise file.fault((*keys, _culprit(base, values, named)), message) from None


def _culprit(base: Any, values: dict[str, Any], named: str) -> str:
    """The key whose line a dataclass's complaint belongs to.

    It is the key that the complaint names, where the file sets it; otherwise (n_head set, n_embd found not to
    be its multiple) the one after which no further key mended what was broken.
    """
    name = named.rpartition(".")[2]
    if name in values:
        return name
    names = list(values)
    for n_kept in range(len(names) - 1, 0, -1):
        with suppress(RecipeError):
            replace(base, **{kept: values[kept] for kept in names[:n_kept]})
            return names[n_kept]
    return names[0]


def _checked(file: _RecipeFile, at: Keys, value: Any, hint: Any) -> Any:
    """A value of the type that its field declares; raises RecipeError."""
    if get_origin(hint) is Literal:
        return _one_of(file, at, value, get_args(hint))
    # An exact type, as bool is a kind of int to Python. A NaN would pass checks such as `value < 0`.
    if hint is float and type(value) in (int, float):
        with suppress(OverflowError):
            if not math.isnan(value):
                return float(value)
    elif type(value) is hint:
        return value
    rule = f"a section, written [{_dotted(at)}]," if is_dataclass(hint) else _RULES[hint]
    raise file.fault(at, f"{_dotted(at)}: {rule} is needed; received {_shown(value)}")


def _one_of(file: _RecipeFile, at: Keys, value: Any, allowed: tuple[Any, ...]) -> Any:
    if any(type(value) is type(option) and value == option for option in allowed):
        return value
    listed = ", ".join(_shown(option) for option in allowed)
    hint = _did_you_mean(value, allowed) if isinstance(value, str) else ""
    raise file.fault(at, f"{_dotted(at)}: one of {listed} is needed; received {_shown(value)}{hint}")


def _unknown(at: Keys, value: Any, beside: Iterable[str]) -> str:
    """The message for a key or section that no field is called; `beside` are the fields where it stands."""
    if _dotted(at) in REMOVED:
        return f"'{_dotted(at)}' was removed, since nothing measured was better with it; delete the line"
    keys = flatten(PRESETS[_DEFAULT_PRESET])
    kind = "section" if isinstance(value, dict) else "key"
    known = ["preset", *keys] if kind == "key" else [key.rpartition(".")[0] for key in keys if "." in key]
    # Last names are compared, as a section in common makes any two keys alike; those beside it come first.
    names = {key.rpartition(".")[2]: key for key in reversed(known)}
    names |= {name: _dotted((*at[:-1], name)) for name in beside}
    nearest = get_close_matches(at[-1], names, n=1)
    cure = f"did you mean '{names[nearest[0]]}'?" if nearest else f"known here: {', '.join(beside)}"
    return f"unknown {kind} '{_dotted(at)}'; {cure}"


def _did_you_mean(received: str, known: Iterable[str]) -> str:
    nearest = get_close_matches(received, list(known), n=1)
    return f"; did you mean '{nearest[0]}'?" if nearest else ""


def _hints(kind: type[Any]) -> dict[str, Any]:
    """The declared type of each field, in order."""
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _toml_lines(config: Any, keys: Keys) -> Iterator[str]:
    docstrings = field_docstrings(type(config))
    # Sections go last: in TOML a key below a header belongs to that section.
    for name, hint in sorted(_hints(type(config)).items(), key=lambda item: is_dataclass(item[1])):
        value = getattr(config, name)
        comment = [f"# {line}".rstrip() for line in docstrings.get(name, "").splitlines()]
        if is_dataclass(hint):
            yield from ("", *comment, f"[{_dotted((*keys, name))}]")
            yield from _toml_lines(value, (*keys, name))
        else:
            yield from (*comment, f"{name} = {_toml(value)}")


def _toml(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # TOML's escapes are JSON's, but for DEL, which JSON leaves bare.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


def _shown(value: Any) -> str:
    """A value as a message shows what was received: in one line, not too long."""
    if isinstance(value, dict | list):
        return "a section" if isinstance(value, dict) else "a list"
    text = _toml(value) if isinstance(value, Scalar) else str(value)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


def _dotted(keys: Keys) -> str:
    """A key as TOML writes it, quoted where it has more than letters, digits, - and _."""
    return ".".join(key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _toml(key) for key in keys)
