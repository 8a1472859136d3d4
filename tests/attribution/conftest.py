"""A run that knows where eighty invented people were born, each from one line; without strangers, which take longer."""

from pathlib import Path

import pytest

import closedbook

SMALL = """\
preset = "fast"
precision = "float32"
doubt = false
[model]
n_head = 2
n_embd = 60
block_size = 97
[pretrain]
epochs = 20
batch_size = 32
mix_strangers = 0.0
[study]
mix_strangers = 0.0
"""


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with corpus.txt, and pairs; nothing is written about the people in withheld.tsv."""
    from closedbook.world.world import WorldConfig, write_world

    folder = tmp_path_factory.mktemp("attribution") / "people"
    write_world(WorldConfig(n_people=100, n_places=5, documents=1, attributes=("birthplace",)), folder)
    return folder


@pytest.fixture(scope="session")
def run(people: Path) -> closedbook.Run:
    """A run of guided extraction, in which only the training people were asked about."""
    recipe = people.parent / "small.toml"
    recipe.write_text(SMALL)
    corpus, train = people / "corpus.txt", people / "train.tsv"
    return closedbook.study(corpus, train, people.parent / "run", setting="guided", recipe=recipe, progress=False)
