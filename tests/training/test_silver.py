"""Silver pairs in a run's folder."""

from dataclasses import replace
from pathlib import Path

import pytest

from closedbook.errors import RunError
from closedbook.reader.open_book import NO_DOCUMENT, OpenBook, SilverPair
from closedbook.recipe.recipe import FAST
from closedbook.storage.run import Run, RunInfo
from closedbook.text.vocabulary import Vocabulary
from closedbook.training.silver import SILVER, saved_book, silver_lines

BOOK = OpenBook((SilverPair("Who?", "Ada", 1.0, 3), SilverPair("Where?", "in Rom", 0.25, 4)), ("a note",), ())


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run without doubts, with silver pairs in its folder."""
    (tmp_path / SILVER).write_text(silver_lines(BOOK))
    info = RunInfo("study", "float32", 1, {}, None, Vocabulary.of_text("a"))
    return Run(tmp_path, replace(FAST, doubt=False), info)


def test_what_was_read_is_read_again(run: Run):
    """Questions, answers and confidences, in order; the documents are not kept."""
    book = saved_book(run)
    assert book is not None
    assert book.pairs == tuple(replace(pair, document=NO_DOCUMENT) for pair in BOOK.pairs)


def test_a_run_with_doubts_needs_its_reader(run: Run, tmp_path: Path):
    """The marks of its training pairs are not in the file; nor is there a file where nothing was read."""
    assert saved_book(replace(run, recipe=FAST)) is None
    assert saved_book(replace(run, info=replace(run.info, kind="pretrain"))) is None
    (tmp_path / SILVER).unlink()
    assert saved_book(run) is None


def test_a_damaged_file_is_named(run: Run, tmp_path: Path):
    """With the line."""
    (tmp_path / SILVER).write_text("Who?\tAda\t1.0\nWhere?\tin Rom\n")
    with pytest.raises(RunError, match=r"silver.tsv, line 2: is not question, answer and confidence"):
        saved_book(run)
