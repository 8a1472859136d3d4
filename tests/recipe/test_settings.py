from dataclasses import replace

import pytest

from closedbook.recipe.recipe import COURSE, FAST, PRESETS
from closedbook.recipe.settings import DECIDED_BY, SETTINGS, in_setting


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_changes_the_masks_alone(preset: str, setting: str):
    """All else is the recipe's but the share of pairs in asking, and strangers without a reader; twice is as once."""
    recipe = PRESETS[preset]
    masked = in_setting(recipe, setting)
    shares = masked.pretrain.mix_pairs, recipe.pretrain.mix_pairs
    assert shares[0] == (0.5 if setting == "asking" else shares[1])
    has_reader = setting in ("self-study", "guided")
    assert masked.pretrain.mix_strangers == (recipe.pretrain.mix_strangers if has_reader else 0)
    pretrain = replace(masked.pretrain, mix_pairs=shares[1], mix_strangers=recipe.pretrain.mix_strangers)
    assert replace(masked, corruption=recipe.corruption, pretrain=pretrain) == recipe
    assert in_setting(masked, setting) == masked


@pytest.mark.parametrize("setting", ["self-study", "guided"])
def test_a_setting_with_a_reader_has_the_recipes_masks(setting: str):
    """Self-study and guided leave the recipe as it is."""
    assert in_setting(FAST, setting) == FAST
    assert DECIDED_BY[setting] == ()


def test_unguided_masks_names_and_numbers_and_nothing_knows_the_answer():
    """Only the salient objective has a weight, whatever the recipe's were."""
    for recipe in (FAST, COURSE):
        masks = in_setting(recipe, "unguided").corruption
        assert (masks.span, masks.salient, masks.guided) == (0.0, 1.0, 0.0)


def test_asking_has_unguided_masks_and_nameless_ones():
    """Nothing but the nameless draws, by which the model asks itself, tells it from unguided."""
    asking, unguided = in_setting(FAST, "asking").corruption, in_setting(FAST, "unguided").corruption
    assert asking.nameless > 0
    assert replace(asking, nameless=0.0) == unguided


def test_assignment_is_the_courses_objective():
    """Only span corruption has a weight, and every character is supervised."""
    masks = in_setting(FAST, "assignment").corruption
    assert (masks.span, masks.salient, masks.guided, masks.supervised) == (1.0, 0.0, 0.0, "all")
    assert in_setting(COURSE, "assignment") == COURSE


@pytest.mark.parametrize("setting", SETTINGS)
def test_what_a_setting_decides_it_sets(setting: str):
    """The fields that a setting decides have the same values whatever the recipe's were."""
    first, second = (in_setting(recipe, setting).corruption for recipe in (FAST, COURSE))
    for name in DECIDED_BY[setting]:
        assert getattr(first, name) == getattr(second, name)
