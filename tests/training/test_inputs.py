from dataclasses import replace
from pathlib import Path

import pytest

from closedbook.recipe.recipe import COURSE, FAST
from closedbook.text.documents import read_corpus
from closedbook.text.questions import Questions, parse_questions
from closedbook.text.vocabulary import UNKNOWN_CHARACTER
from closedbook.training.inputs import calibrated_if_many, vocabulary_of


def pairs(n_names: int, *templates: str) -> Questions:
    """A question in each wording about each name."""
    lines = [f"{template.format(f'Ann {n}')}\tUlm" for n in range(n_names) for template in templates]
    return parse_questions(lines, Path("pairs.tsv"))


@pytest.mark.parametrize(
    ("n_names", "templates", "split"),
    [
        (100, ("Where was {} born?",), 0.2),
        (100, ("Where was {} born?", "Who is {}?"), 0.2),
        (29, tuple(f"What is number {k} of {{}}?" for k in range(4)), 0.0),
        (31, tuple(f"What is number {k} of {{}}?" for k in range(4)), 0.2),
        (15, ("Where was {} born?", "Who is {}?"), 0.2),  # fewer than are ever held out
    ],
)
def test_few_pairs_for_each_wording_are_all_trained_on(
    tmp_path: Path, n_names: int, templates: tuple[str, ...], split: float
):
    """With fewer than thirty pairs for each wording the reader needs all of them, and one line says so."""
    path = tmp_path / "corpus.txt"
    path.write_text("".join(f"Ann {n}. She is from Ulm .\n" for n in range(n_names)))
    recipe, notes = calibrated_if_many(pairs(n_names, *templates), read_corpus(path), FAST)
    assert recipe == replace(FAST, calibration_split=split)
    assert [note.partition(" for ")[0] for note in notes] == ["pairs.tsv: 116 pairs"] * (split == 0)


def test_an_open_vocabulary_has_the_pairs_characters(tmp_path: Path):
    """A question mark that the text lacks is known; with the assignment's vocabulary it is not."""
    path = tmp_path / "corpus.txt"
    path.write_text("Ann. She is from Ulm .\n")
    asked = parse_questions(["Where is Ann?\tUlm"], None)
    opened, closed = (vocabulary_of(read_corpus(path), recipe, asked) for recipe in (FAST, COURSE))
    assert {"?", "W", UNKNOWN_CHARACTER} <= set(opened.characters)
    assert not {"?", "W", UNKNOWN_CHARACTER} & set(closed.characters)
