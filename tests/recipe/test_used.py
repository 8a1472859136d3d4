"""Which values of a recipe change nothing, because of what its other values are."""

from dataclasses import replace
from typing import Any

import pytest

from closedbook.recipe.recipe import COURSE, FAST, PERCEIVER, Recipe
from closedbook.recipe.used import unused

WHEN: list[tuple[dict[str, Any], dict[str, Any], set[str]]] = [
    ({"steps": 7}, {"steps": 0}, {"epochs"}),
    ({"optimizer": "adamw"}, {"optimizer": "muon"}, {"muon_ratio"}),
    ({"decay": False}, {"decay": True, "schedule": "linear"}, {"schedule", "warmup"}),
    ({"schedule": "cosine_by_tokens"}, {"decay": True, "schedule": "linear"}, {"warmup"}),
    ({"weight_decay": 0.0}, {"weight_decay": 0.1}, {"decay_norms"}),
]
"""Values of a stage, others, and the keys that only the others use."""


def with_pretraining(recipe: Recipe, **values: Any) -> Recipe:
    """A recipe with other values of pretraining."""
    return replace(recipe, pretrain=replace(recipe.pretrain, **values))


@pytest.mark.parametrize(("without", "with_them", "keys"), WHEN)
def test_a_stages_values_that_others_switch_off_are_unused(
    without: dict[str, Any], with_them: dict[str, Any], keys: set[str]
) -> None:
    """They are named by stage and key, and no other stage's are."""
    base = with_pretraining(FAST, **with_them)
    assert unused(with_pretraining(base, **without)) - unused(base) == {f"pretrain.{key}" for key in keys}


def test_a_models_values_depend_on_its_variant_and_tables() -> None:
    """The Perceiver's are unused by vanilla models, the tables' without tables, and doubt leaves no silver pair out."""
    assert {"model.bottleneck_dim", "model.latent_mask", "model.segment_length"} <= unused(FAST)
    assert not {"model.bottleneck_dim", "model.latent_mask", "model.segment_length"} & unused(PERCEIVER)
    tables = {"model.name_table", "pretrain.table_optimizer", "pretrain.table_ratio"}
    assert tables <= unused(COURSE)
    assert not tables & unused(FAST)
    assert "silver_confidence" in unused(replace(FAST, doubt=True))
    assert "silver_confidence" not in unused(replace(FAST, doubt=False))
    assert {"pretrain.replay", "finetune.mix_pairs", "scratch.mix_strangers"} <= unused(FAST)
    assert "finetune.replay" not in unused(FAST)
