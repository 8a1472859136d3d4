"""A run that knows where a hundred invented people were born, and one of a transformer without tables."""

from collections.abc import Callable
from pathlib import Path

import pytest

import closedbook

SMALL = """\
preset = "{preset}"
precision = "float32"
[model]
n_layer = 1
n_head = 2
n_embd = 60
block_size = 97
[study]
epochs = {epochs}
batch_size = 32
"""


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with corpus.txt, train.tsv, dev.tsv and test.tsv."""
    from closedbook.world.world import WorldConfig, write_world

    folder = tmp_path_factory.mktemp("editing") / "people"
    write_world(WorldConfig(n_people=100, n_places=5, documents=1, attributes=("birthplace",)), folder)
    return folder


@pytest.fixture(scope="session")
def study(people: Path) -> Callable[[str, int], closedbook.Run]:
    """Train on the people by a preset, for a number of epochs."""

    def study(preset: str, epochs: int) -> closedbook.Run:
        recipe = people / f"{preset}.toml"
        recipe.write_text(SMALL.format(preset=preset, epochs=epochs))
        out = people.parent / preset
        return closedbook.study(people / "corpus.txt", people / "train.tsv", out, recipe=recipe, progress=False)

    return study


@pytest.fixture(scope="session")
def run(study: Callable[[str, int], closedbook.Run]) -> closedbook.Run:
    """A run with tables, which tests only ask and edit into other folders."""
    return study("fast", 12)


@pytest.fixture(scope="session")
def plain(study: Callable[[str, int], closedbook.Run]) -> closedbook.Run:
    """A run without tables."""
    return study("plain", 6)


@pytest.fixture(scope="session")
def questions(people: Path) -> list[str]:
    """The test people's questions."""
    return [line.partition("\t")[0] for line in (people / "test.tsv").read_text().splitlines()]


@pytest.fixture(scope="session")
def places(people: Path) -> list[str]:
    """The answers to training questions, each once."""
    answers = [line.partition("\t")[2] for line in (people / "train.tsv").read_text().splitlines()]
    return sorted(set(answers))
