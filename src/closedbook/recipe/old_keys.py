"""Keys that recipe files had under other names, or no longer have. Imports no torch.

Recipes saved by older versions name every key, so what was renamed is read under its new name, and what was removed is
passed over where it had the value that today's code always has.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

RENAMED = {
    "validation_split": "hold_out",
    "model.latent_mask": "model.coverage",
    "model.segment_length": "model.stretch",
    "model.random_segment_offset": "model.phases",
    "model.prefix_table": "model.word_memory",
    "corruption.span": "corruption.course",
    "corruption.salient": "corruption.distant",
    "corruption.guided": "corruption.learned",
    "corruption.name_only": "corruption.alone",
    "corruption.short_context": "corruption.near",
    **{f"{stage}.table_ratio": f"{stage}.memory_ratio" for stage in ("pretrain", "study", "finetune", "scratch")},
}
"""New name: old name."""

VALUES = {
    "model.latent_mask": {"course": "triangular"},
    **{f"{stage}.schedule": {"course": "cosine_by_tokens"} for stage in ("pretrain", "study", "finetune", "scratch")},
}
"""New name: what its old values are called now."""

REMOVED: dict[str, Any] = {
    "model.qk_norm": False,
    "model.initialization": "course",
    "model.activation": "gelu",
    "model.reach": "past",
    "corruption.entity": 0.0,
    "corruption.repeat_name": 0.0,
    "corruption.reorder": 0.0,
}
"""Old name: the value that changes nothing."""

_NEW_NAMES = {old: new for new, old in RENAMED.items()}


@dataclass(frozen=True)
class OldKey:
    """A key of a file that this version knows under another name, or not at all."""

    old: str
    new: str | None


def modernized(tables: dict[str, Any]) -> tuple[dict[str, Any], list[OldKey]]:
    """A recipe file's tables under today's names, and the keys that were not; a new name wins over its old one."""
    found: list[OldKey] = []
    result: dict[str, Any] = {}
    for keys, value in _values(tables, ()):
        key = ".".join(keys)
        if REMOVED.get(key) == value and type(REMOVED.get(key)) in (type(value), float):
            found.append(OldKey(key, None))
            continue
        new = _NEW_NAMES.get(key, key)
        if new != key:
            found.append(OldKey(key, new))
            if _has(tables, new):
                continue
        if isinstance(value, str):
            value = VALUES.get(new, {}).get(value, value)
        _put(result, tuple(new.split(".")) if new != key else keys, value)
    return result, found


def _values(table: dict[str, Any], keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value that is no table, and every empty table, with its keys."""
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
