"""Values of JSON files against types: one that another program changed is an error where it is read, and not later.

A run may come from anyone, and a file that stays JSON can still have a number where words are needed.
"""

from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints


def check_type(value: object, hint: Any, where: str) -> None:
    """Raise TypeError, which names `where`, unless a value of JSON is of a type; NaN is no number.

    Types are bool, int, float, str, None, Literal, unions, list, tuple of any length, dict with words as keys, and
    dataclasses, whose fields must all be there.
    """
    if not _is(value, hint):
        name = hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint)
        raise TypeError(f"{where}: {name.replace('typing.', '')} is needed, not {str(value)[:40]!r}")


def _is(value: object, hint: Any) -> bool:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return isinstance(value, str) and value in arguments
    if origin in (Union, UnionType):
        return any(_is(value, one) for one in arguments)
    if origin in (list, tuple):
        return isinstance(value, list) and all(_is(item, arguments[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(_is(item, arguments[1]) for item in value.values())
    if is_dataclass(hint):
        hints = get_type_hints(hint)
        return isinstance(value, dict) and value.keys() == hints.keys() and all(_is(value[k], hints[k]) for k in hints)
    if hint is float:
        return type(value) in (int, float) and value == value  # NaN is not equal to itself
    return type(value) is (NoneType if hint is None else hint)
