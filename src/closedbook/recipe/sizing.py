"""Sizing: how large a model the titles of a corpus ask for. Imports no torch."""

from collections.abc import Collection, Set
from dataclasses import replace
from math import ceil

from closedbook.recipe.recipe import STAGES, Recipe

MANY_TITLES = 30_000
"""From this many titles on, sizing 'corpus' makes the model and its rows narrow."""

_ON_TEXT = ("pretrain", "study")

SIZED = (
    "model.block_size",
    "model.n_embd",
    "model.name_width",
    *(f"{stage}.table_ratio" for stage in STAGES),
    *(f"{stage}.batch_size" for stage in _ON_TEXT),
)
"""The keys that it decides; a recipe that is given one of them has sizing 'fixed', unless that is given too."""

LARGEST_BLOCK = 512
"""Characters; a pair that needs more is left out."""
_MULTIPLE = 16
_MARGIN = 1.25
"""Questions that are asked later may be longer than those of the pairs."""
_N_EMBD = 64
_NAME_WIDTH = 24
_TABLE_RATIO = 40.0
_BATCH_SIZE = 256


def sized(recipe: Recipe, n_titles: int, longest_pair: int = 0) -> tuple[Recipe, list[str]]:
    """The recipe with fixed sizes, and notes to show the user where corpus and pairs decided them.

    `longest_pair` is what the longest pair needs of the block, in characters.
    """
    if recipe.sizing == "fixed":
        return recipe, []
    narrow, notes = _narrow(recipe, n_titles)
    block = min(LARGEST_BLOCK, ceil(longest_pair * _MARGIN / _MULTIPLE) * _MULTIPLE)
    if block <= narrow.model.block_size:
        return narrow, notes
    why = f"the longest pair needs {longest_pair} characters, so that the model reads {block} (model.block_size)"
    return replace(narrow, model=replace(narrow.model, block_size=block)), [*notes, why]


def _narrow(recipe: Recipe, n_titles: int) -> tuple[Recipe, list[str]]:
    """The recipe with a narrow model where there are many titles.

    A title has a row, so with many titles the rows are nearly all of the parameters, and the time of a step is what
    limits how often each is read: both shrink with the width. Narrow rows need a higher learning rate. And the more
    steps an epoch has, the further the transformer moves from what it was when a row was last updated: larger batches
    are fewer steps.
    """
    fixed = replace(recipe, sizing="fixed")
    if n_titles < MANY_TITLES:
        return fixed, []
    model = replace(recipe.model, n_embd=_N_EMBD, name_width=_NAME_WIDTH)
    stages = {name: replace(getattr(recipe, name), table_ratio=_TABLE_RATIO) for name in STAGES}
    stages |= {name: replace(stages[name], batch_size=_BATCH_SIZE) for name in _ON_TEXT}
    note = (
        f"{n_titles:,} titles, {MANY_TITLES:,} or more, so that their rows are most of the model: n_embd {_N_EMBD}, "
        f'name_width {_NAME_WIDTH}, table_ratio {_TABLE_RATIO:g}, batch_size {_BATCH_SIZE} (sizing = "corpus")'
    )
    return replace(fixed, model=model, **stages), [note]


def sizing_source(before: Recipe, after: Recipe, given: Collection[str]) -> dict[str, str]:
    """Where the value of sizing came from, if `chosen_by_hand` changed it."""
    changed = before.sizing != after.sizing and "sizing" not in given
    return {"sizing": "a size is given"} if changed else {}


def chosen_by_hand(recipe: Recipe, given: Set[str]) -> Recipe:
    """The recipe, with fixed sizes where one of the `given` keys is a size and sizing is not given itself."""
    return recipe if "sizing" in given or given.isdisjoint(SIZED) else replace(recipe, sizing="fixed")
