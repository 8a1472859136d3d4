from dataclasses import replace

import pytest

from closedbook.errors import RecipeError
from closedbook.recipe.recipe import FAST
from closedbook.recipe.recipe_file import with_values


def test_words_change_a_recipe_all_at_once():
    """Values that only fit together may come in any order; text needs no quotes."""
    changed = with_values(FAST, ["model.n_head=7", "model.n_embd=21", "seed=3", "pretrain.optimizer=adamw"])
    model = replace(FAST.model, n_head=7, n_embd=21)
    pretrain = replace(FAST.pretrain, optimizer="adamw")
    assert changed == replace(FAST, seed=3, sizing="fixed", model=model, pretrain=pretrain)
    assert with_values(FAST, []) == FAST


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model.n_layr=2"], "--set model.n_layr=2: unknown key 'model.n_layr'; did you mean 'model.n_layer'?"),
        (["model.n_layer"], "--set model.n_layer: KEY=VALUE is needed, as in model.n_layer=2"),
        (["model.n_layer=two"], '--set model.n_layer=two: model.n_layer: a whole number is needed; received "two"'),
        (["seed=-1"], "--set seed=-1: seed: from 0 to 9223372036854775807 is needed; received -1"),
        (
            ["model=3", "model.n_layer=2"],
            "--set model.n_layer=2: model is set to a value already; leave out one of the two",
        ),
    ],
)
def test_a_word_that_a_recipe_file_could_not_have_is_refused(words: list[str], message: str):
    """The word is named, with the rule that a line of a file would be refused by."""
    with pytest.raises(RecipeError) as caught:
        with_values(FAST, words)
    assert str(caught.value) == message
