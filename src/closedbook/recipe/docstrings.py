"""The docstring below each field of a dataclass: its help, its comment in a recipe file. Imports no torch."""

import ast
import inspect
from dataclasses import fields, is_dataclass
from itertools import pairwise
from textwrap import dedent
from typing import Any


def field_docstrings(kind: type[Any]) -> dict[str, str]:
    """The docstring of each field of a dataclass, inherited ones too, in the order of the fields.

    A field without a docstring is left out. Read from the source, since Python keeps no docstrings of fields; where
    there is none, as in a frozen program, all are.
    """
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if is_dataclass(each):
            found |= _own_docstrings(each)
    return {field.name: found[field.name] for field in fields(kind) if field.name in found}


def _own_docstrings(kind: type[Any]) -> dict[str, str]:
    try:
        source = inspect.getsource(kind)
    except (OSError, TypeError):  # TypeError for a class whose module has no file
        return {}
    (definition,) = ast.parse(dedent(source)).body
    assert isinstance(definition, ast.ClassDef)
    found = {}
    for statements in pairwise(definition.body):
        match statements:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = inspect.cleandoc(text)
    return found
