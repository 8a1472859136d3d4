from dataclasses import replace
from pathlib import Path

import pytest

from closedbook.recipe.recipe import COURSE, FAST, PERCEIVER, PLAIN, STAGES
from closedbook.recipe.recipe_file import load_recipe, with_values
from closedbook.recipe.sizing import MANY_TITLES, SIZED, chosen_by_hand, sized


def test_few_titles_leave_the_recipe_as_it_is():
    """Its sizes are fixed from then on, so that the saved recipe is what was trained."""
    assert sized(FAST, MANY_TITLES - 1) == (replace(FAST, sizing="fixed"), [])


@pytest.mark.parametrize("recipe", [FAST, PERCEIVER])
def test_many_titles_make_the_model_and_its_rows_narrow(recipe):
    """Nothing but the sizes changes, and the note says which and why."""
    fitted, (note,) = sized(recipe, MANY_TITLES)
    assert (fitted.model.n_embd, fitted.model.name_width) == (64, 24)
    assert {getattr(fitted, stage).table_ratio for stage in STAGES} == {40.0}
    assert "30,000 titles" in note
    assert "n_embd 64, name_width 24, table_ratio 40, batch_size 256" in note
    assert (fitted.pretrain.batch_size, fitted.study.batch_size) == (256, 256)
    given = {stage: getattr(recipe, stage) for stage in STAGES}
    back = {
        stage: replace(getattr(fitted, stage), table_ratio=one.table_ratio, batch_size=one.batch_size)
        for stage, one in given.items()
    }
    model = replace(fitted.model, n_embd=recipe.model.n_embd, name_width=recipe.model.name_width)
    assert replace(fitted, sizing="corpus", model=model, **back) == recipe


@pytest.mark.parametrize("recipe", [COURSE, PLAIN])
def test_fixed_sizes_stay(recipe):
    """Whatever the number of titles."""
    assert sized(recipe, 10**6) == (recipe, [])


def test_long_pairs_make_the_block_longer():
    """By what the longest needs and a quarter more, up to a limit; where sizes are fixed they stay."""
    for longest, block in ((60, 128), (102, 128), (104, 144), (200, 256), (10_000, 512)):
        fitted, notes = sized(FAST, 10, longest)
        assert fitted == replace(FAST, sizing="fixed", model=replace(FAST.model, block_size=block))
        assert len(notes) == (block > 128)
    assert sized(PLAIN, 10, 200) == (PLAIN, [])


@pytest.mark.parametrize("key", SIZED)
def test_who_gives_a_size_gets_it(key: str, tmp_path: Path):
    """In a word, or in a file; unless sizing is given too."""
    path = tmp_path / "my.toml"
    path.write_text(f"{key} = 128\n")
    recipe, sources = load_recipe(str(path))
    assert with_values(FAST, [f"{key}=128"]).sizing == recipe.sizing == "fixed"
    assert sources["sizing"] == "a size is given"
    assert with_values(FAST, [f"{key}=128", "sizing=corpus"]).sizing == "corpus"
    assert chosen_by_hand(FAST, {key}).sizing == "fixed"


def test_other_values_leave_the_sizing():
    """A seed says nothing about sizes."""
    assert with_values(FAST, ["seed=3", "model.n_layer=2"]).sizing == "corpus"
