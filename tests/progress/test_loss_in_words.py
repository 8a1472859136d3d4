"""Sentences about losses."""

import json
from pathlib import Path

import pytest

from closedbook.progress.loss_in_words import meaning

MEASURED = Path(__file__).parents[2] / "benchmarks" / "results" / "loss_meaning.json"


def test_every_loss_has_a_sentence_and_a_falling_loss_never_returns_to_one() -> None:
    """From the first step to a loss of zero each sentence has one stretch of losses."""
    said = [meaning(loss / 100) for loss in range(600, -1, -1)]
    assert len(dict.fromkeys(said)) == 8
    assert said == sorted(said, key=said.index)


@pytest.mark.parametrize(
    ("words", "key", "least", "most"),
    [
        ("guesses 1 in 3 next characters", "next_character", 0.30, 0.45),
        ("guesses half of the next characters", "next_character", 0.45, 0.6),
        ("1 in 5 to 1 in 3 of the words it writes exist", "known_words", 0.18, 0.38),
        ("about half of its words right", "known_words", 0.4, 0.65),
        ("1 masked name in 3", "spans_filled", 0.25, 0.45),
        ("7 masked names in 10", "spans_filled", 0.65, 0.75),
        ("more than 8 masked names in 10", "spans_filled", 0.8, 1.0),
    ],
)
def test_a_sentence_says_what_was_measured(words: str, key: str, least: float, most: float) -> None:
    """Each sentence's share is within what the benchmark measured at the losses for which it is said."""
    rows = [row for row in json.loads(MEASURED.read_text())["rows"] if words in meaning(row["loss"])]
    assert rows
    assert all(least <= row[key] <= most for row in rows)
