"""Sizing: how large a model the titles of a corpus ask for. Imports no torch."""

from collections.abc import Collection, Set
from dataclasses import replace

from closedbook.recipe.recipe import STAGES, Recipe

MANY_TITLES = 30_000
"""From this many titles on, sizing 'corpus' makes the model and its rows narrow."""

_ON_TEXT = ("pretrain", "study")

SIZED = (
    "model.n_embd",
    "model.name_width",
    *(f"{stage}.table_ratio" for stage in STAGES),
    *(f"{stage}.batch_size" for stage in _ON_TEXT),
)
"""The keys that it decides; a recipe that is given one of them has sizing 'fixed', unless that is given too."""

_N_EMBD = 64
_NAME_WIDTH = 24
_TABLE_RATIO = 40.0
_BATCH_SIZE = 256


def sized(recipe: Recipe, n_titles: int) -> tuple[Recipe, str | None]:
    """The recipe with fixed sizes, and a note to show the user where the corpus decided them.

    A title has a row, so with many titles the rows are nearly all of the parameters, and the time of a step is what
    limits how often each is read: both shrink with the width. Narrow rows need a higher learning rate. And the more
    steps an epoch has, the further the transformer moves from what it was when a row was last updated: larger batches
    are fewer steps.
    """
    fixed = replace(recipe, sizing="fixed")
    if recipe.sizing == "fixed" or n_titles < MANY_TITLES:
        return fixed, None
    model = replace(recipe.model, n_embd=_N_EMBD, name_width=_NAME_WIDTH)
    stages = {name: replace(getattr(recipe, name), table_ratio=_TABLE_RATIO) for name in STAGES}
    stages |= {name: replace(stages[name], batch_size=_BATCH_SIZE) for name in _ON_TEXT}
    note = (
        f"{n_titles:,} titles, {MANY_TITLES:,} or more, so that their rows are most of the model: n_embd {_N_EMBD}, "
        f'name_width {_NAME_WIDTH}, table_ratio {_TABLE_RATIO:g}, batch_size {_BATCH_SIZE} (sizing = "corpus")'
    )
    return replace(fixed, model=model, **stages), note


def sizing_source(before: Recipe, after: Recipe, given: Collection[str]) -> dict[str, str]:
    """Where the value of sizing came from, if `chosen_by_hand` changed it."""
    changed = before.sizing != after.sizing and "sizing" not in given
    return {"sizing": "a size is given"} if changed else {}


def chosen_by_hand(recipe: Recipe, given: Set[str]) -> Recipe:
    """The recipe, with fixed sizes where one of the `given` keys is a size and sizing is not given itself."""
    return recipe if "sizing" in given or given.isdisjoint(SIZED) else replace(recipe, sizing="fixed")
