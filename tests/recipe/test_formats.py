"""Saved recipes have a format and every key: a missing one is an error, never a preset's value of today."""

from pathlib import Path

import pytest

from closedbook.errors import RecipeError
from closedbook.recipe.keys import flatten
from closedbook.recipe.old_keys import ADDED, FORMAT
from closedbook.recipe.recipe import FAST, PRESETS, Recipe
from closedbook.recipe.recipe_file import load_recipe, load_saved_recipe
from closedbook.recipe.saved import recipe_toml

SAVED = Path(__file__).with_name("saved_format_1.toml")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes a fresh folder the working folder, so that a message names the file as my.toml."""
    monkeypatch.chdir(tmp_path)


def without(text: str, key: str) -> str:
    """The TOML of a recipe without the line of a dotted key."""
    section, _, name = key.rpartition(".")
    before, header, after = text.partition(f"[{section}]\n") if section else ("", "", text)
    lines = after.splitlines(keepends=True)
    lines.remove(next(line for line in lines if line.startswith(f"{name} = ")))
    return before + header + "".join(lines)


def saved(text: str) -> Path:
    """The file my.toml with this text."""
    path = Path("my.toml")
    path.write_text(text, encoding="utf-8")
    return path


def test_a_recipe_of_format_1_opens() -> None:
    """Every value is the file's own: who adds a key raises the format, and says what older recipes have there."""
    recipe, sources = load_saved_recipe(SAVED)
    assert recipe == FAST
    added = {key for number, keys in ADDED.items() if number > 1 for key in keys}
    assert {key for key, source in sources.items() if not source.startswith(f"{SAVED}, line ")} == added


@pytest.mark.parametrize("key", flatten(Recipe()))
def test_a_missing_key_of_a_saved_recipe_is_named(key: str) -> None:
    """Neither a run nor --recipe takes the value of a preset for it."""
    path = saved(without(recipe_toml(PRESETS["course"]), key))
    with pytest.raises(RecipeError) as caught:
        load_saved_recipe(path)
    assert str(caught.value) == f"my.toml: {key} is missing, and a run's recipe has every key; put it back from a copy"
    with pytest.raises(RecipeError) as caught:
        load_recipe("my.toml")
    cure = "add it, or write a preset in place of the format"
    assert str(caught.value) == f"my.toml, line 4: a file with a format has every key, and {key} is missing; {cure}"


def test_a_missing_key_is_an_error_in_a_run_without_a_format_too() -> None:
    """Recipes of format 0 may lack the keys that are newer, and no others."""
    text = recipe_toml(FAST).replace(f"format = {FORMAT}\n", "")
    assert load_saved_recipe(saved(without(text, "model.name_table")))[0].model.name_table is False
    with pytest.raises(RecipeError, match=r"^my\.toml: study\.patience is missing"):
        load_saved_recipe(saved(without(text, "study.patience")))


def test_a_preset_stands_for_what_a_file_lacks() -> None:
    """A saved recipe that was given a preset is a file like any other."""
    text = without(recipe_toml(FAST), "study.batch_size")
    recipe, sources = load_recipe(str(saved(f'preset = "course"\n{text}')))
    assert recipe.study.batch_size == PRESETS["course"].study.batch_size
    assert sources["study.batch_size"] == "preset course"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (str(FORMAT + 1), f"format {FORMAT + 1} is of a newer closedbook, and this one reads {FORMAT}; update it"),
        ("-1", "format: a whole number is needed; received -1"),
        ("true", "format: a whole number is needed; received true"),
        ('"1"', 'format: a whole number is needed; received "1"'),
    ],
)
def test_another_format_is_refused(value: str, message: str) -> None:
    """With the line, and what can be done."""
    path = saved(recipe_toml(FAST).replace(f"format = {FORMAT}", f"format = {value}"))
    for load in (load_saved_recipe, lambda path: load_recipe(str(path))):
        with pytest.raises(RecipeError) as caught:
            load(path)
        assert str(caught.value) == f"my.toml, line 4: {message}"
