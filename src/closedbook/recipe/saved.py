"""A recipe as TOML text, as every run saves it. Imports no torch."""

from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any

from closedbook.recipe.docstrings import field_docstrings
from closedbook.recipe.keys import Keys, dotted, field_types, toml_value
from closedbook.recipe.old_keys import FORMAT
from closedbook.recipe.recipe import Recipe


def recipe_toml(recipe: Recipe) -> str:
    """A recipe as TOML: its format and every key, so that no preset matters, each below its field's docstring."""
    summary = (type(recipe).__doc__ or "").partition("\n")[0]
    return (
        "\n".join(
            [f"# {summary}", "", "# A file with a format has every key.", f"format = {FORMAT}", *_lines(recipe, ())]
        )
        + "\n"
    )


def _lines(config: Any, keys: Keys) -> Iterator[str]:
    docstrings = field_docstrings(type(config))
    # Sections come last: in TOML a key below a section's header belongs to that section.
    for name, hint in sorted(field_types(type(config)).items(), key=lambda item: is_dataclass(item[1])):
        value = getattr(config, name)
        comment = [f"# {line}".rstrip() for line in docstrings.get(name, "").splitlines()]
        if is_dataclass(hint):
            yield from ("", *comment, f"[{dotted((*keys, name))}]")
            yield from _lines(value, (*keys, name))
        else:
            yield from (*comment, f"{name} = {toml_value(value)}")
