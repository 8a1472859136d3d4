"""Checks of the assignment's configs: an unknown name or value raises an error instead of being ignored."""

from collections.abc import Collection
from difflib import get_close_matches

from closedbook.errors import InputError


def check_name(config: object, name: str, fields: Collection[str] = ()) -> None:
    """Raise InputError unless `name` is one of `fields` or an attribute that the config's class declares."""
    kind = type(config)
    declared = {name for name in dir(kind) if not (name.startswith("_") or callable(getattr(kind, name)))}
    known = sorted(declared.union(fields))
    if name not in known:
        hint = _did_you_mean(name, known) or f"; it has {', '.join(known)}"
        raise InputError(f"{kind.__name__}: has no {name!r}{hint}")


def check_choice(config: object, name: str, value: object, choices: Collection[str]) -> None:
    """Raise InputError unless `value` is one of `choices`."""
    if value not in choices:
        listed = ", ".join(map(repr, choices))
        hint = _did_you_mean(str(value), choices)
        raise InputError(f"{type(config).__name__}: {name}: one of {listed} is needed; received {value!r}{hint}")


def _did_you_mean(received: str, known: Collection[str]) -> str:
    near = get_close_matches(received, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
