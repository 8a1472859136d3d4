"""What the demo trains: a world, and a recipe for it."""

from dataclasses import dataclass, replace
from typing import Literal

from closedbook.model.config import Variant
from closedbook.recipe.keys import flatten
from closedbook.recipe.recipe import FAST, PERCEIVER, Recipe
from closedbook.recipe.rows import Rows, recipe_rows
from closedbook.world.world import WorldConfig

Size = Literal["normal", "tiny"]


@dataclass(frozen=True)
class DemoPlan:
    """A world, and the recipe of the vanilla model for it."""

    world: WorldConfig
    recipe: Recipe

    def recipe_of(self, variant: Variant) -> Recipe:
        """The recipe of one variant; the Perceiver pretrains for half as many epochs again."""
        if variant == "vanilla":
            return self.recipe
        # It starts to learn names later; when depends on seed and processor.
        return replace(
            self.recipe,
            model=replace(self.recipe.model, variant=variant, n_layer=PERCEIVER.model.n_layer),
            pretrain=replace(self.recipe.pretrain, epochs=self.recipe.pretrain.epochs * 3 // 2),
        )

    def rows(self) -> Rows:
        """The table of the vanilla recipe: each value, and whether it is the demo's own."""
        preset, values = flatten(FAST), flatten(self.recipe)
        sources = {key: "preset fast" if value == preset[key] else "demo" for key, value in values.items()}
        return recipe_rows(self.recipe, sources)


def demo_plan(size: Size, seed: int) -> DemoPlan:
    """The plan of a size; tiny shows that everything works and is too short to learn anything."""
    world = WorldConfig(n_people=300, n_places=32, attributes=("birthplace",), seed=seed)
    recipe = replace(
        FAST,
        seed=seed,
        pretrain=replace(FAST.pretrain, epochs=30, batch_size=64, evaluate_every=3),
        finetune=replace(FAST.finetune, epochs=5, patience=2),
        scratch=replace(FAST.scratch, epochs=75, evaluate_every=5),
    )
    if size == "tiny":
        world = replace(world, n_people=100, n_places=8)
        recipe = replace(
            recipe,
            precision="float32",
            model=replace(FAST.model, n_embd=32, n_head=2),
            pretrain=replace(recipe.pretrain, epochs=2),
            finetune=replace(recipe.finetune, epochs=1),
            scratch=replace(recipe.scratch, epochs=2),
        )
    return DemoPlan(world, recipe)
