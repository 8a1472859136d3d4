"""Recipe keys and values of older versions: what they are called now, and what was removed. Imports no torch.

A recipe that a run saved names its format and every key. A renamed key is read under its new name, and a removed one is
passed over if its value is the one that the code of today always uses. A key that was added later has the value that
changes nothing.
"""

from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Any

from closedbook.recipe.recipe import STAGES

FORMAT = 2
"""Format of the recipes that runs save today; before it was written, it was 0.

Who adds a key raises it, and says in `ADDED` what the key is in recipes of earlier formats.
"""

NEW_NAMES = {
    "hold_out": "validation_split",
    "model.coverage": "model.latent_mask",
    "model.stretch": "model.segment_length",
    "model.phases": "model.random_segment_offset",
    "model.word_memory": "model.prefix_table",
    "corruption.course": "corruption.span",
    "corruption.distant": "corruption.salient",
    "corruption.learned": "corruption.guided",
    "corruption.alone": "corruption.name_only",
    "corruption.near": "corruption.short_context",
    **{f"{stage}.memory_ratio": f"{stage}.table_ratio" for stage in STAGES},
}
"""What an old key is called now."""

NEW_VALUES = {
    "model.latent_mask": {"course": "triangular"},
    **{f"{stage}.schedule": {"course": "cosine_by_tokens"} for stage in STAGES},
}
"""What the old values of a key are called now."""

REMOVED: dict[str, Any] = {
    "model.qk_norm": False,
    "model.initialization": "course",
    "model.activation": "gelu",
    "model.reach": "past",
    "corruption.entity": 0.0,
    "corruption.repeat_name": 0.0,
    "corruption.reorder": 0.0,
}
"""Removed keys, each with the only value that is still accepted: what the code of today does."""

ADDED: dict[int, dict[str, Any]] = {
    1: {
        "open_vocabulary": False,
        "sizing": "fixed",
        "calibration_split": 0.0,
        "doubt": False,
        "model.name_table": False,
        "model.name_width": 0,
        "corruption.question_form": 0.0,
        "corruption.nameless": 0.0,
        **{f"{stage}.table_optimizer": "sparse_adam" for stage in STAGES},
        **{f"{stage}.mix_strangers": 0.0 for stage in STAGES},
    },
    2: {"on_divergence": "stop"},
}
"""By the format that first has them: keys, each with the value that stands for what the code did before."""


def modernized(tables: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """A recipe file's tables under today's names, and the old name or value of each dotted key that had one.

    Where a file has both, a new name wins over its old one.
    """
    result: dict[str, Any] = {}
    old: dict[str, str] = {}
    for keys, value in _values(tables):
        key = ".".join(keys)
        new = NEW_NAMES.get(key, key)
        if _is_removed(key, value) or (new != key and _has(tables, new)):
            continue
        if new != key:
            keys, old[new] = tuple(new.split(".")), f"its old name {key}"
        if isinstance(value, str) and value in NEW_VALUES.get(new, {}):
            old.setdefault(new, f"its old value {value}")
            value = NEW_VALUES[new][value]
        _put(result, keys, value)
    return result, old


def with_added(tables: dict[str, Any], known: Iterable[str]) -> tuple[dict[str, Any], list[str], list[str]]:
    """The tables of a saved recipe with the keys that its format did not have; these keys, and others that it lacks.

    Where it lacks others, no run saved it, and it is left as it is.
    """
    later = [keys for number, keys in ADDED.items() if number > tables.get("format", 0)]
    values = {key: value for keys in later for key, value in keys.items()}
    missing = [key for key in known if not _has(tables, key)]
    others = [key for key in missing if key not in values]
    if others:
        return tables, [], others
    result = deepcopy(tables)
    for key in missing:
        _put(result, tuple(key.split(".")), values[key])
    return result, missing, []


def _is_removed(key: str, value: Any) -> bool:
    """Whether a key was removed and has the value that is still accepted."""
    accepted = REMOVED.get(key)
    # To Python 0 equals false.
    return accepted is not None and accepted == value and isinstance(value, bool) == isinstance(accepted, bool)


def _values(table: dict[str, Any], keys: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value, and every empty table, with its keys."""
    for name, value in table.items():
        if isinstance(value, dict) and value:
            yield from _values(value, (*keys, name))
        else:
            yield (*keys, name), value


def _has(table: dict[str, Any], key: str) -> bool:
    section, _, name = key.rpartition(".")
    inner = table.get(section, {}) if section else table
    return isinstance(inner, dict) and name in inner


def _put(table: dict[str, Any], keys: tuple[str, ...], value: Any) -> None:
    for name in keys[:-1]:
        table = table.setdefault(name, {})
    table[keys[-1]] = value
