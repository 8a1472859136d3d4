"""The options of a command, as its dataclass says: how each is typed, and what its values can be. Imports no torch."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from tyro.conf import FlagCreatePairsOff, Positional, Suppress

from closedbook.errors import InputError
from closedbook.recipe.docstrings import field_docstrings
from closedbook.recipe.old_keys import NEW_VALUES

_POSITIONAL, _HIDDEN, _NO_PAIR = (get_args(kind[int])[1] for kind in (Positional, Suppress, FlagCreatePairsOff))
RULES: dict[Any, str] = {int: "a whole number is needed", float: "a number is needed"}
"""What values of a type must be."""
_METAVARS = {int: "INT", float: "FLOAT", str: "TEXT", Path: "PATH", bool: ""}
_MAX_SHOWN = 60

Names = tuple[str, ...]
_docstrings = lru_cache(field_docstrings)


@dataclass(frozen=True)
class Unless:
    """In an annotation: the option is needed unless the option with this key is given."""

    key: str


@dataclass(frozen=True)
class Option:
    """An option of a command, or one of its positional words."""

    key: str
    """Dotted key of the field that it sets, as in 'model.n_layer'."""
    name: str
    """As it is typed, --model.n-layer; the name in the help for a positional word."""
    kind: Any
    """Type of its values: bool, int, float, str, Path or a Literal."""
    example: str
    """What a value can be."""
    is_positional: bool
    is_required: bool
    takes_many: bool
    has_negative: bool
    """Whether --no-NAME is there too."""
    unless: str = ""
    """Key of the option in whose presence this one is not needed."""
    aliases: tuple[str, ...] = ()
    """Other names of it."""
    path: tuple[str, ...] = ()
    """The names of the fields from the command's dataclass to the one that it sets."""
    metavar: str = ""
    """What stands for a value in the help; nothing for a switch."""
    owner: Any = None
    """The dataclass with the field that it sets."""
    said: str | None = None
    """Its help, where that is not the field's docstring."""

    @property
    def negative(self) -> str:
        """The name that sets a switch to false."""
        section, dot, last = self.name.removeprefix("--").rpartition(".")
        return f"--{section}{dot}no-{last}"

    @property
    def help(self) -> str:
        """A sentence or two on what it does."""
        return self.said or _docstrings(self.owner).get(self.path[-1], "")

    def check(self, word: str) -> None:
        """Raise InputError where a word is no value of this option."""
        if get_origin(self.kind) is Literal:
            self._check_choice(word)
        elif self.kind is Path and not word.strip():
            raise self.fault("the path of a file or folder is needed", repr(word))
        elif self.kind in RULES:
            with suppress(ValueError):
                self.kind(word)
                return
            raise self.fault(RULES[self.kind], shown(word))

    def _check_choice(self, word: str) -> None:
        choices = get_args(self.kind)
        if word in choices:
            return
        hint = ""
        if word in NEW_VALUES.get(self.key, {}):
            hint = f", which is called {NEW_VALUES[self.key][word]} now"
        elif nearest := get_close_matches(word, choices, n=1):
            hint = f"; did you mean {nearest[0]}?"
        raise InputError(f"{self.name}: one of {', '.join(choices)} is needed; received {shown(word)}{hint}")

    def fault(self, rule: str, received: str) -> InputError:
        """An error that shows how the option is written."""
        written = self.example if self.is_positional else f"{self.name} {self.example}"
        return InputError(f"{self.name}: {rule}; received {received}; write it as in {written}")


def options_of(kind: Any, keys: Names = (), names: Names = (), path: Names = ()) -> Iterator[Option]:
    """The options that tyro makes of a dataclass, those of the dataclasses in it included."""
    hints = get_type_hints(kind, include_extras=True)
    for field in fields(kind):
        hint, *marks = (
            get_args(hints[field.name]) if get_origin(hints[field.name]) is Annotated else (hints[field.name],)
        )
        if _HIDDEN in marks:
            continue
        said = next((mark for mark in marks if hasattr(mark, "metavar")), None)
        name = field.name.replace("_", "-") if said is None or said.name is None else said.name
        if is_dataclass(hint):
            # A field that is named '' adds nothing to the names and keys of the fields in it.
            inner = ((*keys, field.name), (*names, name)) if name else (keys, names)
            yield from options_of(hint, *inner, (*path, field.name))
            continue
        unless = next((mark.key for mark in marks if isinstance(mark, Unless)), "")
        many, value_kind = _value_kind(hint)
        metavar, literal = None if said is None else said.metavar, get_origin(value_kind) is Literal
        yield Option(
            key=".".join((*keys, field.name)),
            name=metavar or field.name.upper() if _POSITIONAL in marks else "--" + ".".join((*names, name)),
            kind=value_kind,
            example=_example(field, value_kind, metavar),
            is_positional=_POSITIONAL in marks,
            is_required=bool(unless) or (field.default is MISSING and field.default_factory is MISSING),
            takes_many=many,
            has_negative=value_kind is bool and _NO_PAIR not in marks,
            unless=unless,
            aliases=() if said is None else tuple(said.aliases or ()),
            path=(*path, field.name),
            metavar=metavar or (f"{{{','.join(get_args(value_kind))}}}" if literal else _METAVARS[value_kind]),
            owner=kind,
            said=None if said is None else said.help,
        )


def _value_kind(hint: Any) -> tuple[bool, Any]:
    """Whether values may be several, and what each is."""
    many = False
    while args := [each for each in get_args(hint) if each not in (type(None), Ellipsis)]:
        if get_origin(hint) is Literal:
            break
        many |= get_origin(hint) is tuple
        hint = args[0]
    return many, hint


def _example(field: Field[Any], kind: Any, metavar: str | None) -> str:
    if kind in RULES:
        return str(field.default) if isinstance(field.default, int | float) else "100" if kind is int else "2"
    if get_origin(kind) is Literal:
        return str(get_args(kind)[0])
    return metavar or ("FILE" if kind is Path else "WORD")


def shown(word: str) -> str:
    """A word as a message shows it: not too long, and not empty."""
    return (word if len(word) <= _MAX_SHOWN else word[: _MAX_SHOWN - 1] + "…") or "nothing"
