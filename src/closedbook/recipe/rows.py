"""The table of a recipe: each value and where it came from. Imports no torch."""

from collections.abc import Mapping, Sequence

from closedbook.recipe.keys import flatten, toml_value
from closedbook.recipe.recipe import Recipe

Rows = list[tuple[str, str, str]]
"""Rows of (key, value, source)."""

# A value that stands in no section but matters to one stage alone.
_STAGE_OF = {"silver_confidence": "study"}


def recipe_rows(recipe: Recipe, sources: Mapping[str, str], sections: Sequence[str] | None = None) -> Rows:
    """The rows of a recipe in the order of its fields; `sections` limits them to what matters to these sections.

    `sources` says for each dotted key where its value came from.
    """
    return [
        (key, value if isinstance(value, str) else toml_value(value), sources[key])
        for key, value in flatten(recipe).items()
        if sections is None or (section := _section(key)) is None or section in sections
    ]


def _section(key: str) -> str | None:
    return key.partition(".")[0] if "." in key else _STAGE_OF.get(key)
