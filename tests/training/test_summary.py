"""The note on a budget that has too few steps."""

import re
from dataclasses import replace
from math import ceil
from pathlib import Path

import pytest

from closedbook.recipe.recipe import FAST, Recipe
from closedbook.recipe.settings import Setting, in_setting
from closedbook.training.budget import Budget, Fit
from closedbook.training.checkpointing import Saving
from closedbook.training.plan import TextFiles, plan_text_training
from closedbook.training.prepared import Prepared, prepare
from closedbook.training.summary import too_few
from closedbook.world.world import WorldConfig, WorldFiles, write_world

SMALL = replace(FAST, precision="float32", model=replace(FAST.model, n_embd=20))
PLAIN = replace(SMALL, model=replace(SMALL.model, prefix_table=False))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> WorldFiles:
    """A world of a thousand people, one line each."""
    config = WorldConfig(n_people=1000, n_places=5, documents=1, attributes=("birthplace",))
    return write_world(config, tmp_path_factory.mktemp("summary") / "world")


def prepared(world: WorldFiles, folder: Path, setting: Setting, recipe: Recipe = SMALL) -> Prepared:
    """A study that is about to be fitted into a budget."""
    files = TextFiles(world.corpus, world.train)
    kind = "study" if setting == "self-study" else "pretrain"
    return prepare(plan_text_training(kind, files, in_setting(recipe, setting), Saving(folder / "run")))


def fit(n_steps: int) -> Fit:
    """So many steps of a tenth of a second fit into a minute, after reading for two seconds and timing for one."""
    return Fit(Budget(1.0), n_steps, reading=2.0, timing=1.0, left=57.0, per_step=0.1)


@pytest.mark.parametrize(
    ("setting", "recipe", "what", "n_shown"),
    [
        ("self-study", SMALL, "question", 6),
        ("guided", SMALL, "document", 6),
        ("guided", PLAIN, "document", 120),
    ],
)
def test_too_few_steps_are_said_with_a_budget_that_is_enough(
    world: WorldFiles, tmp_path: Path, setting: Setting, recipe: Recipe, what: str, n_shown: int
):
    """The steps that are named show each question or document often enough, and with as many there is no note."""
    study = prepared(world, tmp_path, setting, recipe)
    (note,) = too_few(study, fit(40))
    known = r"40 steps are too few: most is known after about ([\d,]+), which show each (\w+) (\d+) times"
    found = re.fullmatch(rf"{known}; give a budget of ([\d.]+) minutes", note)
    assert found is not None, note
    n_steps = int(found[1].replace(",", ""))
    assert found[2] == what
    assert int(found[3]) >= n_shown
    assert float(found[4]) * 60 >= 3 + n_steps * 0.1 / 0.85
    assert list(too_few(study, fit(ceil(0.8 * n_steps)))) == []
    assert list(too_few(study, fit(ceil(0.8 * n_steps) - 1))) != []


def test_a_small_text_needs_sixty_steps_too(tmp_path: Path):
    """However often they show each of a few documents."""
    config = WorldConfig(n_people=100, n_places=5, documents=1, attributes=("birthplace",))
    study = prepared(write_world(config, tmp_path / "world"), tmp_path, "self-study")
    assert "most is known after about 60, which" in next(too_few(study, fit(47)))
    assert list(too_few(study, fit(48))) == []


def test_without_a_reader_no_number_of_steps_is_promised(world: WorldFiles, tmp_path: Path):
    """Unguided, facts are learned later or never, however often they are shown."""
    assert list(too_few(prepared(world, tmp_path, "unguided"), fit(1))) == []
