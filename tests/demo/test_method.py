"""What the demo says about its own experiment."""

from dataclasses import replace

from closedbook.demo.method import method, people
from closedbook.demo.plan import demo_plan
from closedbook.demo.results import Arm, Scores
from closedbook.evaluation.score import Score
from closedbook.examples.corruption import CorruptionConfig


def arm(variant: str, n_table_parameters: int) -> Arm:
    """A pretrained model."""
    nothing = Score(0, 1)
    scores = Scores(nothing, nothing, nothing)
    return Arm(variant, True, 233_600 + n_table_parameters, n_table_parameters, 1.0, scores, ())


ARMS = (arm("vanilla", 241_152), replace(arm("vanilla", 0), pretrained=False), arm("perceiver", 241_152))


def test_the_method_says_what_the_recipe_does():
    """Who chooses the masks, what else is seen, mixed-in pairs, epochs and the tables are those of the recipe."""
    text = " ".join(method(demo_plan("normal", seed=0), ARMS, "guided: by the reader"))
    for words in (
        "Pretraining, 30 epochs (the Perceiver: 45)",
        "learns to write the masked part and nothing else",
        "In 85% of the draws an open-book reader, which has learned from the training pairs what an answer looks like, "
        "chooses that part; in 15% of the draws it is a random name or number.",
        "In 80% of all draws the model sees nothing else of the line than the person's name",
        "16% of the examples are training pairs",
        "20% are about names made up from those in the book",
        "The setting is guided: by the reader.",
        "at most 5 epochs",
        "for 75 epochs",
        "Vanilla: 474,752 parameters, of these 241,152 in tables. Perceiver: 474,752 parameters, of these 241,152 in "
        "tables. The tables have one vector for each distinct word prefix in the book and one for each name",
    ):
        assert words in text


def test_the_method_follows_the_recipe():
    """Another recipe is described by its own numbers, and what it does not do is not said."""
    plan = demo_plan("normal", seed=0)
    corruption = replace(plan.recipe.corruption, guided=0.5, salient=0.5, name_only=0.25)
    pretrain = replace(plan.recipe.pretrain, mix_pairs=0.1)
    other = replace(plan, recipe=replace(plan.recipe, corruption=corruption, pretrain=pretrain))
    text = " ".join(method(other, ARMS, ""))
    assert "In 50% of the draws" in text
    assert "In 25% of all draws" in text
    assert "8% of the examples" in text


def test_a_recipe_without_reader_strangers_tables_and_calibration_is_not_said_to_have_them():
    """The assignment's own masks are random spans, and every character is learned."""
    plan = demo_plan("normal", seed=0)
    recipe = replace(
        plan.recipe,
        calibration_split=0.0,
        corruption=CorruptionConfig(),
        pretrain=replace(plan.recipe.pretrain, mix_strangers=0.0),
        model=replace(plan.recipe.model, prefix_table=False),
    )
    text = " ".join(method(replace(plan, recipe=recipe), (arm("vanilla", 0),), "assignment"))
    assert "learns to write every character. In 100% of the draws it is a random span. 20% of the examples" in text
    assert text.endswith("Vanilla: 233,600 parameters.")
    for word in ("reader", "made up", "held out", "table"):
        assert word not in text


def test_who_is_asked_about_is_counted():
    """People, places and questions have their numbers."""
    assert people(demo_plan("normal", seed=0), 90, 30).startswith(
        "300 invented people and 32 places. The models are asked about 90 held-out people, "
    )
