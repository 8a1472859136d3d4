"""Checks the types of arguments, since callers in a notebook have no type checker."""

from collections.abc import Iterable
from numbers import Integral, Real
from os import PathLike
from typing import NamedTuple

from closedbook.errors import InputError
from closedbook.recipe.recipe import Recipe
from closedbook.text.questions import Questions

_MAX_SHOWN = 80


class Kind(NamedTuple):
    """What an argument must be, in words and as types."""

    rule: str
    types: tuple[type, ...]


STRING = Kind("a string", (str,))
PATH = Kind("a path, as a string or a Path,", (str, PathLike))
NUMBER = Kind("a number", (Real,))
WHOLE_NUMBER = Kind("a whole number", (Integral,))
RECIPE = Kind("a preset's name, a path or a Recipe", (str, PathLike, Recipe))
STRINGS = Kind("a list of strings", (Iterable,))
QUESTIONS = Kind("a Questions object", (Questions,))


def check_type(name: str, value: object, kind: Kind, *, optional: bool = False) -> None:
    """Raise InputError unless an argument is of a kind, or None where it is optional.

    A bool is no number, and a string is no list of strings.
    """
    if optional and value is None:
        return
    is_mistaken = isinstance(value, bool) or (kind is STRINGS and isinstance(value, str | bytes))
    if is_mistaken or not isinstance(value, kind.types):
        shown = repr(value)
        if "\n" in shown or len(shown) > _MAX_SHOWN:
            shown = f"a value of type {type(value).__name__}"
        raise InputError(f"{name}: {kind.rule} is needed; received {shown}")
