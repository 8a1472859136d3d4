"""Checks the types of arguments, and the numbers of sampling, since callers in a notebook have no type checker."""

import math
from collections.abc import Iterable
from numbers import Integral, Real
from os import PathLike
from typing import NamedTuple

from closedbook.errors import InputError
from closedbook.recipe.recipe import Recipe, check_seed
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


def check_sampling(temperature: float, top_k: int | None, n_characters: int, seed: int) -> None:
    """Raise InputError where a number is of another type or out of its range."""
    check_type("temperature", temperature, NUMBER)
    check_type("top_k", top_k, WHOLE_NUMBER, optional=True)
    check_type("n_characters", n_characters, WHOLE_NUMBER)
    check_type("seed", seed, WHOLE_NUMBER)
    if not 0 <= temperature < math.inf:
        raise InputError(f"temperature: a finite number, 0 or more, is needed; received {temperature}")
    if top_k is not None and top_k < 1:
        raise InputError(f"top_k: 1 or more is needed; received {top_k}; leave it out to draw from all characters")
    if n_characters < 1:
        raise InputError(f"n_characters: 1 or more is needed; received {n_characters}")
    check_seed(seed)
