"""Settings: what training knows about answers. Imports no torch.

| setting    | questions in training         | masked spans                 | who knows what an answer is |
| ---------- | ----------------------------- | ---------------------------- | --------------------------- |
| self-study | about everyone, by the reader | as the recipe says           | the reader, who answers too |
| guided     | about the pairs' people only  | chosen by the reader         | the reader                  |
| asking     | about everyone, by the model  | any name or number, whole    | the model, from the pairs   |
| unguided   | about the pairs' people only  | any name or number, whole    | nobody                      |
| assignment | about the pairs' people only  | random spans                 | nobody                      |

Accuracies in different settings are not comparable.
"""

from dataclasses import replace
from typing import Literal, get_args

from closedbook.recipe.recipe import Recipe

Setting = Literal["self-study", "guided", "asking", "unguided", "assignment"]
SETTINGS: tuple[Setting, ...] = get_args(Setting)

DECIDED_BY: dict[Setting, tuple[str, ...]] = {
    "self-study": (),
    "guided": (),
    "asking": ("span", "salient", "guided"),
    "unguided": ("span", "salient", "guided", "nameless"),
    "assignment": ("span", "salient", "guided", "nameless", "supervised"),
}
"""Fields of CorruptionConfig that a setting fixes. The others that `in_setting` sets are defaults of the setting."""


def in_setting(recipe: Recipe, setting: Setting) -> Recipe:
    """The recipe with the masks of a setting, in 'asking' its share of pairs, and where no reader reads no strangers.

    'self-study' and 'guided' leave the recipe as it is.
    """
    if setting in ("self-study", "guided"):
        return recipe
    masks = recipe.corruption
    # Strangers were tried with a reader alone (docs/notebook.md, "Three answers instead of one").
    recipe = replace(recipe, pretrain=replace(recipe.pretrain, mix_strangers=0.0))
    if setting in ("asking", "unguided"):
        # A few characters of context in half of the draws: docs/notebook.md, "Unguided masks".
        masks = replace(masks, span=0.0, guided=0.0, salient=1.0, name_only=0.4, short_context=0.8, nameless=0.0)
    if setting == "asking":
        # What an answer looks like is learned from pairs, and so is what the model chose: docs/notebook.md, "Asking".
        pretrain = replace(recipe.pretrain, mix_pairs=0.5)
        return replace(recipe, corruption=replace(masks, nameless=0.3), pretrain=pretrain)
    if setting == "assignment":
        masks = replace(masks, span=1.0, guided=0.0, salient=0.0, nameless=0.0, supervised="all")
    return replace(recipe, corruption=masks)
