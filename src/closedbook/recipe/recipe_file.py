"""Recipes from TOML files and KEY=VALUE words, with the checks that name file and line. Imports no torch.

Nothing here knows a field by name: what the dataclasses of `recipe.py` declare is what a file may set.
"""

import math
import re
import tomllib
from codecs import BOM_UTF8
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, is_dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from closedbook.errors import RecipeError, TextError
from closedbook.recipe.keys import Keys, Scalar, dotted, field_types, flatten, items, toml_value
from closedbook.recipe.old_keys import FORMAT, NEW_NAMES, REMOVED, modernized, with_added
from closedbook.recipe.recipe import PRESETS, Recipe
from closedbook.recipe.sizing import chosen_by_hand, sizing_source
from closedbook.text.lines import decode_lines

_DEFAULT_PRESET = "fast"
_RULES = {int: "a whole number", float: "a number", bool: "true or false", str: "text in quotes"}
_MAX_SHOWN = 60


def load_recipe(name_or_path: str) -> tuple[Recipe, dict[str, str]]:
    """A preset, or a TOML file that changes one; and where the value of each dotted key came from.

    A file that names no preset changes `fast`, unless a run saved it: then every value is its own. A preset's name wins
    over a file of that name; write ./fast for the file. Raises RecipeError with file and line for an unknown key or a
    value that the recipe cannot have.
    """
    if name_or_path in PRESETS:
        recipe = PRESETS[name_or_path]
        return recipe, dict.fromkeys(flatten(recipe), f"preset {name_or_path}")
    file = _read(Path(name_or_path))
    if "preset" in file.tables:
        return _loaded(file, file.tables, [], name_or_path)
    tables, added, missing = with_added(file.tables, flatten(PRESETS[_DEFAULT_PRESET]))
    if missing and "format" in file.tables:
        raise file.fault(
            ("format",),
            f"a file with a format has every key, and {missing[0]} is missing; add it, or write a preset in place of "
            "the format",
        )
    return _loaded(file, file.tables, [], name_or_path) if missing else _loaded(file, tables, added, name_or_path)


def load_saved_recipe(path: Path) -> tuple[Recipe, dict[str, str]]:
    """The recipe of a run, all of whose values are in its file or older than the key; and where each came from.

    Raises RecipeError where a key is missing.
    """
    file = _read(path)
    tables, added, missing = with_added(file.tables, flatten(PRESETS[_DEFAULT_PRESET]))
    if missing:
        raise RecipeError(f"{path}: {missing[0]} is missing, and a run's recipe has every key; put it back from a copy")
    return _loaded(file, tables, added, str(path))


def _loaded(file: "_RecipeFile", tables: dict[str, Any], added: list[str], path: str) -> tuple[Recipe, dict[str, str]]:
    preset = _one_of(file, ("preset",), tables.get("preset", _DEFAULT_PRESET), tuple(PRESETS))
    own = {name: value for name, value in tables.items() if name not in ("preset", "format")}
    recipe = chosen_by_hand(_merged(file, PRESETS[preset], own, ()), {dotted(keys) for keys in file.where})
    sources = dict.fromkeys(flatten(recipe), f"preset {preset}")
    sources |= dict.fromkeys(added, f"{path}, which is older than this key")
    for keys, where in file.where.items():
        if dotted(keys) in sources:
            old = file.old.get(dotted(keys))
            sources[dotted(keys)] = f"{where}, by {old}" if old else where
    return recipe, sources | sizing_source(PRESETS[preset], recipe, tables)


def with_values(recipe: Recipe, words: Sequence[str]) -> Recipe:
    """A recipe changed by words such as 'model.n_layer=2', all at once, since some values only fit together.

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
        inner: Any = tables
        for name in keys[:-1]:
            inner = inner.setdefault(name, {})
            if not isinstance(inner, dict):
                raise RecipeError(f"--set {word}: {name} is set to a value already; leave out one of the two")
        inner[keys[-1]] = _value(text.strip())
    file = _RecipeFile.of(tables, where)
    return chosen_by_hand(_merged(file, recipe, file.tables, ()), {dotted(keys) for keys in file.where})


def _value(text: str) -> Any:
    """A value written as in TOML; anything else is text, so that text needs no quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


@dataclass(frozen=True)
class _RecipeFile:
    """What a recipe file says under today's names, and where each of its keys and sections first occurs.

    `where` holds places such as 'my.toml, line 3'; `old` the old name or value of each dotted key that had one.
    """

    tables: dict[str, Any]
    where: dict[Keys, str]
    old: dict[str, str]

    @classmethod
    def of(cls, tables: dict[str, Any], where: dict[Keys, str]) -> "_RecipeFile":
        """A file with these tables, which may have old names."""
        where = dict(where)
        for old_name, name in NEW_NAMES.items():
            old_keys, keys = _split(old_name), _split(name)
            if old_keys in where:
                for n_kept in range(1, len(keys) + 1):
                    where.setdefault(keys[:n_kept], where[old_keys])
        tables, old = modernized(tables)
        return cls(tables, where, old)

    def fault(self, keys: Keys, message: str) -> RecipeError:
        return RecipeError(f"{self.where[keys]}: {message}")


def _read(path: Path) -> _RecipeFile:
    text = _text(path)
    try:
        tables = tomllib.loads(text)
    # Mostly TOMLDecodeError; thousands of digits raise a plain ValueError, thousands of brackets the other.
    except (ValueError, RecursionError) as error:
        located = re.fullmatch(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", str(error))
        what = located[1] if located else str(error)
        line = (located and located[2]) or text.count("\n") + 1
        cure = "write a line as key = value, with words in quotes"
        raise RecipeError(f"{path}, line {line}: not TOML: {what}; {cure}") from None
    where = {keys: f"{path}, line {line}" for keys, line in _line_numbers(text).items()}
    file = _RecipeFile.of(tables, where)
    number = tables.get("format", 0)
    if type(number) is not int or number < 0:
        raise file.fault(("format",), f"format: a whole number is needed; received {_shown(number)}")
    if number > FORMAT:
        raise file.fault(
            ("format",), f"format {number} is of a newer closedbook, and this one reads {FORMAT}; update it"
        )
    return file


def _split(key: str) -> Keys:
    """A dotted key without quotes."""
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
    """The line of each key of a valid file, which tomllib does not report.

    Each statement is valid by itself below its section's header. So parsing them one by one finds dotted keys, quoted
    keys and inline tables without a second grammar of TOML.
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
            continue  # the value continues on the next line
        for keys, _ in items(table):
            found.setdefault(keys, start)
        if start == number and line.lstrip().startswith("["):
            header = statement
        statement = ""
    return found


def _merged(file: _RecipeFile, base: Any, table: dict[str, Any], keys: Keys) -> Any:
    """`base` with the values of a file's table; raises RecipeError at the first key that does not fit."""
    hints = field_types(type(base))
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
            message = f"{dotted(keys)}.{message}"
        raise file.fault((*keys, _culprit(base, values, named)), message) from None


def _culprit(base: Any, values: dict[str, Any], named: str) -> str:
    """The key whose line is at fault where a dataclass refuses its values.

    It is the key that the error names, if its value is refused without the file's other values. Otherwise (n_embd set,
    and n_head does not divide it) it is the first key from which on the values are refused, whatever keys follow.
    """
    name = named.rpartition(".")[2]
    if name in values:
        try:
            replace(base, **{name: values[name]})
        except RecipeError:
            return name
    names = list(values)
    for n_kept in range(len(names) - 1, 0, -1):
        with suppress(RecipeError):
            replace(base, **{kept: values[kept] for kept in names[:n_kept]})
            return names[n_kept]
    return names[0]


def _checked(file: _RecipeFile, at: Keys, value: Any, hint: Any) -> Any:
    """A value of the type that its field declares; raises RecipeError for any other."""
    if get_origin(hint) is Literal:
        return _one_of(file, at, value, get_args(hint))
    # Exact types, since Python's bool is an int. No NaN, since it would pass checks such as `value < 0`.
    if hint is float and type(value) in (int, float):
        with suppress(OverflowError):
            if not math.isnan(value):
                return float(value)
    elif type(value) is hint:
        return value
    rule = f"a section, written [{dotted(at)}]," if is_dataclass(hint) else _RULES[hint]
    raise file.fault(at, f"{dotted(at)}: {rule} is needed; received {_shown(value)}")


def _one_of(file: _RecipeFile, at: Keys, value: Any, allowed: tuple[Any, ...]) -> Any:
    if any(type(value) is type(option) and value == option for option in allowed):
        return value
    listed = ", ".join(_shown(option) for option in allowed)
    hint = _did_you_mean(value, allowed) if isinstance(value, str) else ""
    raise file.fault(at, f"{dotted(at)}: one of {listed} is needed; received {_shown(value)}{hint}")


def _unknown(at: Keys, value: Any, neighbors: Iterable[str]) -> str:
    """The message for an unknown key or section; `neighbors` are the fields of its section."""
    if dotted(at) in REMOVED:
        accepted = _shown(REMOVED[dotted(at)])
        return f"{dotted(at)}: was removed, and only {accepted} is accepted; received {_shown(value)}; delete the line"
    keys = flatten(PRESETS[_DEFAULT_PRESET])
    kind = "section" if isinstance(value, dict) else "key"
    known = ["preset", *keys] if kind == "key" else [key.rpartition(".")[0] for key in keys if "." in key]
    # Last names are compared, since a common section makes any two keys similar; fields of this section come first.
    names = {key.rpartition(".")[2]: key for key in reversed(known)}
    names |= {name: dotted((*at[:-1], name)) for name in neighbors}
    nearest = get_close_matches(at[-1], names, n=1)
    cure = f"did you mean '{names[nearest[0]]}'?" if nearest else f"known here: {', '.join(neighbors)}"
    return f"unknown {kind} '{dotted(at)}'; {cure}"


def _did_you_mean(received: str, known: Iterable[str]) -> str:
    nearest = get_close_matches(received, list(known), n=1)
    return f"; did you mean '{nearest[0]}'?" if nearest else ""


def _shown(value: Any) -> str:
    """A value as a message shows it: on one line, not too long."""
    if isinstance(value, dict | list):
        return "a section" if isinstance(value, dict) else "a list"
    text = toml_value(value) if isinstance(value, Scalar) else str(value)
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"
