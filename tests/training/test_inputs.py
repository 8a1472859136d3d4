from dataclasses import replace
from pathlib import Path

import pytest

from closedbook.errors import TextError
from closedbook.recipe.recipe import COURSE, FAST
from closedbook.text.documents import read_corpus
from closedbook.text.questions import Questions, parse_questions
from closedbook.text.vocabulary import UNKNOWN_CHARACTER
from closedbook.training.inputs import calibrated_if_many, sized_to, split_and_checked, vocabulary_of


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


def test_a_pair_that_is_too_long_is_left_out(tmp_path: Path):
    """One line names the first; the block follows the longest that fits. Where none fits, the first is refused."""
    (tmp_path / "book.txt").write_text("Ada Bell. lives in Osk .\nBo Cole. lives in Rom .\n")
    corpus = read_corpus(tmp_path / "book.txt")
    long = f"Where, {'o' * 600}, is Bo Cole?"
    given = parse_questions([f"{long}\tRom", "Where is Ada Bell?\tOsk"], tmp_path / "pairs.tsv")
    recipe, _ = sized_to(corpus, given, FAST)
    assert recipe.model.block_size == FAST.model.block_size
    vocabulary = vocabulary_of(corpus, recipe, given)
    split, notes = split_and_checked(given, recipe, vocabulary)
    assert [item.line for item in split.training.items] == [2]
    assert notes == [
        f"{tmp_path}/pairs.tsv: line 1 left out: the longest needs 625 characters with its masks, and the model reads "
        f"{recipe.model.block_size} (model.block_size)"
    ]
    with pytest.raises(TextError, match=r"pairs\.tsv, line 1: question and answer need 625 characters"):
        split_and_checked(replace(given, items=given.items[:1]), recipe, vocabulary)
