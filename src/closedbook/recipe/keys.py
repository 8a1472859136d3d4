"""A recipe's values by dotted key, such as 'model.n_layer', and a value as TOML writes it. Imports no torch."""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, fields
from typing import Any, get_type_hints

from closedbook.recipe.recipe import Recipe

Scalar = int | float | bool | str
Keys = tuple[str, ...]


def flatten(recipe: Recipe) -> dict[str, Scalar]:
    """Every value of a recipe by its dotted key, in the order of the fields."""
    return {dotted(keys): value for keys, value in items(asdict(recipe)) if not isinstance(value, dict)}


def items(table: dict[str, Any], keys: Keys = ()) -> Iterator[tuple[Keys, Any]]:
    """Each table and each value with its keys, depth first."""
    for name, value in table.items():
        yield (*keys, name), value
        if isinstance(value, dict):
            yield from items(value, (*keys, name))


def dotted(keys: Keys) -> str:
    """A key as TOML writes it, quoted where it has more than letters, digits, - and _."""
    return ".".join(key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else toml_value(key) for key in keys)


def toml_value(value: Scalar) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # TOML escapes what JSON escapes, and DEL, which JSON does not.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


def field_types(kind: type[Any]) -> dict[str, Any]:
    """The declared type of each field of a dataclass, in order."""
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}
