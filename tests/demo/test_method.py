"""What the demo says about its own experiment."""

from dataclasses import replace

from closedbook.demo.method import method, people
from closedbook.demo.plan import demo_plan


def test_the_method_says_what_the_recipe_does():
    """Who chooses the masks, what else is seen, mixed-in pairs, epochs and the table are those of the recipe."""
    text = " ".join(method(demo_plan("normal", seed=0), 474_752, 241_152))
    for words in (
        "In 85% of the draws an open-book reader chooses that part",
        "In 80% of all draws the model sees nothing else of the line than the person's name",
        "16% of the examples are training pairs",
        "20% are about names made up from those in the book",
        "So the setting is guided",
        "at most 5 epochs",
        "for 75 epochs",
        "474,752 parameters: 241,152 in two tables, ",
        " and 233,600 in the transformer",
    ):
        assert words in text


def test_the_method_follows_the_recipe():
    """Another recipe is described by its own numbers."""
    plan = demo_plan("normal", seed=0)
    corruption = replace(plan.recipe.corruption, guided=0.5, salient=0.5, name_only=0.25)
    pretrain = replace(plan.recipe.pretrain, mix_pairs=0.1)
    text = " ".join(method(replace(plan, recipe=replace(plan.recipe, corruption=corruption, pretrain=pretrain)), 7, 3))
    assert "In 50% of the draws" in text
    assert "In 25% of all draws" in text
    assert "8% of the examples" in text


def test_who_is_asked_about_is_counted():
    """People, places and questions have their numbers."""
    assert people(demo_plan("normal", seed=0), 90, 30).startswith(
        "300 invented people and 32 places. The models are asked about 90 held-out people, "
    )
