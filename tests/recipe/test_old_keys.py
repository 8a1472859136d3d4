"""Recipe files of older versions: renamed keys are read, removed ones are passed over or refused in one line."""

from pathlib import Path
from typing import Any

import pytest

from closedbook.errors import RecipeError
from closedbook.recipe.keys import flatten, toml_value
from closedbook.recipe.old_keys import ADDED, NEW_NAMES, NEW_VALUES, REMOVED
from closedbook.recipe.recipe import COURSE, FAST, STAGES, Recipe
from closedbook.recipe.recipe_file import load_recipe, with_values
from closedbook.recipe.sizing import chosen_by_hand

VALUES = {
    "validation_split": 0.25,
    "model.latent_mask": "triangular",
    "model.segment_length": 5,
    "model.random_segment_offset": False,
    "model.prefix_table": False,
    "corruption.span": 0.5,
    "corruption.salient": 0.5,
    "corruption.guided": 0.5,
    "corruption.name_only": 0.5,
    "corruption.short_context": 0.5,
    **{f"{stage}.table_ratio": 3.0 for stage in ("pretrain", "study", "finetune", "scratch")},
}
"""A value for each renamed key that differs from the one in fast."""


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes a fresh folder the working folder, so that a message names the file as my.toml."""
    monkeypatch.chdir(tmp_path)


ADDED_LATER = {key: value for keys in ADDED.values() for key, value in keys.items()}


def loaded(text: str) -> tuple[Recipe, dict[str, str]]:
    """The recipe of a file with this text, and the source of each value."""
    Path("my.toml").write_text(text, encoding="utf-8")
    return load_recipe("my.toml")


@pytest.mark.parametrize(("name", "recipe"), [("fast", FAST), ("course", COURSE)])
def test_a_recipe_saved_before_the_renames_opens(name: str, recipe: Recipe):
    """The whole file, as a run of the version before saved it, is the preset that it was saved from."""
    path = Path(__file__).parent / f"saved_before_renames_{name}.toml"
    opened, sources = load_recipe(str(path))
    # Which had an evaluation each epoch.
    assert flatten(opened) == flatten(recipe) | ADDED_LATER | {f"{stage}.evaluate_every": 1 for stage in STAGES}
    added = {key for key, source in sources.items() if source == f"{path}, which is older than this key"}
    assert added == set(ADDED_LATER)
    assert all(source.startswith(f"{path}, line ") for key, source in sources.items() if key not in added)
    by_old_name = {key for key, source in sources.items() if "old name" in source}
    assert by_old_name == set(NEW_NAMES.values())


@pytest.mark.parametrize(("old", "new"), NEW_NAMES.items())
@pytest.mark.parametrize("form", ["dotted", "section", "inline"])
def test_an_old_key_is_read_under_its_new_name(old: str, new: str, form: str):
    """However it is written, its value counts, and its source names the line and the old name."""
    value = VALUES[new]
    assert flatten(FAST)[new] != value
    section, _, key = old.rpartition(".")
    line = f"{key} = {toml_value(value)}"
    text = {"dotted": f"\n{section}.{line}", "section": f"[{section}]\n{line}", "inline": f"\n{section} = {{{line}}}"}
    recipe, sources = loaded(text[form] if section else f"\n{line}")
    assert flatten(chosen_by_hand(recipe, {new})) == flatten(chosen_by_hand(FAST, {new})) | {new: value}
    assert sources[new] == f"my.toml, line 2, by its old name {old}"


@pytest.mark.parametrize("key", NEW_VALUES)
def test_an_old_value_is_read_as_its_new_one(key: str):
    """A value that was renamed counts as the new one, and its source names the old one."""
    ((old, new),) = NEW_VALUES[key].items()
    recipe, sources = loaded(f"{key} = '{old}'")
    assert flatten(recipe) == flatten(FAST) | {key: new}
    assert sources[key] == f"my.toml, line 1, by its old value {old}"


def test_an_old_value_of_an_old_key_is_read():
    """`coverage = "course"` is latent_mask triangular."""
    recipe, sources = loaded("[model]\ncoverage = 'course'")
    assert recipe.model.latent_mask == "triangular"
    assert sources["model.latent_mask"] == "my.toml, line 2, by its old name model.coverage"


@pytest.mark.parametrize(
    "lines", [("hold_out = 0.5", "validation_split = 0.25"), ("validation_split = 0.25", "hold_out = 0.5")]
)
def test_a_new_name_wins_over_its_old_one(lines: tuple[str, str]):
    """Where a file has both, the order of the lines does not matter, and the source is the new one's line."""
    recipe, sources = loaded("\n".join(lines))
    assert recipe.validation_split == 0.25
    assert sources["validation_split"] == f"my.toml, line {lines.index('validation_split = 0.25') + 1}"


@pytest.mark.parametrize(("key", "value"), REMOVED.items())
def test_a_removed_key_with_its_accepted_value_is_passed_over(key: str, value: Any):
    """The value that the code of today always uses changes nothing and is no fault."""
    recipe, sources = loaded(f"{key} = {toml_value(value)}")
    assert recipe == FAST
    assert set(sources.values()) == {"preset fast"}


@pytest.mark.parametrize(
    ("line", "received"),
    [
        ("model.qk_norm = true", "only false is accepted; received true"),
        ("model.qk_norm = 0", "only false is accepted; received 0"),
        ("model.initialization = 'zero'", 'only "course" is accepted; received "zero"'),
        ("model.activation = 'relu2'", 'only "gelu" is accepted; received "relu2"'),
        ("model.reach = 'stretch'", 'only "past" is accepted; received "stretch"'),
        ("corruption.entity = 0.4", "only 0.0 is accepted; received 0.4"),
        ("corruption.repeat_name = 1", "only 0.0 is accepted; received 1"),
        ("corruption.reorder = false", "only 0.0 is accepted; received false"),
    ],
)
def test_a_removed_key_with_another_value_is_refused(line: str, received: str):
    """One line names file, line, key, the accepted value, the one received, and what to do."""
    with pytest.raises(RecipeError) as caught:
        loaded(f"\n{line}")
    key = line.partition(" ")[0]
    assert str(caught.value) == f"my.toml, line 2: {key}: was removed, and {received}; delete the line"


def test_a_fault_under_an_old_name_is_found_on_its_line():
    """A value out of its range is refused with the line of the old key."""
    with pytest.raises(
        RecipeError, match=r"^my\.toml, line 3: corruption\.name_only: from 0 to 1 is needed; received 2"
    ):
        loaded("\n[corruption]\nalone = 2.0")


def test_words_may_have_old_names():
    """KEY=VALUE words are read as the lines of a file are."""
    assert with_values(FAST, ["corruption.learned=0.5", "model.word_memory=false"]) == with_values(
        FAST, ["corruption.guided=0.5", "model.prefix_table=false"]
    )
