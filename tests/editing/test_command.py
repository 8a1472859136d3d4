"""`closedbook edit` on a run that can be edited; what it refuses is tested in tests/commands."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import closedbook as package

Closedbook = Callable[..., Any]


def test_an_edit_is_asked_and_undone(
    closedbook: Closedbook, run: package.Run, questions: list[str], places: list[str], tmp_path: Path
):
    """It says what it changed, the edited run gives the answer, and undo names the question."""
    edited, undone = tmp_path / "edited", tmp_path / "undone"
    former = run.answer(questions[0]).text
    answer = next(place for place in places if place != former)
    outcome = closedbook("edit", run.path, questions[0], answer, "--out", edited)
    assert (outcome.status, outcome.out) == (0, f"{edited}\n")
    assert f"{questions[0]} {former!r} is now {answer!r}: the row of the name" in outcome.err
    assert "changed 60 numbers of name_table.table.weight: 1 row of 60" in outcome.err
    assert closedbook("ask", edited, questions[0]).out == f"{answer}\n"
    outcome = closedbook("edit", edited, "--undo", "--out", undone)
    assert outcome.out == f"{undone}\n"
    assert f"undone: {questions[0]}" in outcome.err
    assert (undone / "model.safetensors").read_bytes() == (run.path / "model.safetensors").read_bytes()


def test_a_file_of_pairs_is_one_edit(
    closedbook: Closedbook, run: package.Run, questions: list[str], places: list[str], people: Path, tmp_path: Path
):
    """Each fact has its line, and the edited run can be scored and finetuned like any other."""
    pairs, edited = tmp_path / "new.tsv", tmp_path / "edited"
    asked = questions[:2]
    news = [next(place for place in places if place != run.answer(question).text) for question in asked]
    pairs.write_text("".join(f"{question}\t{answer}\n" for question, answer in zip(asked, news, strict=True)))
    outcome = closedbook("edit", run.path, "--pairs", pairs, "--out", edited)
    assert outcome.status == 0
    assert all(question in outcome.err for question in asked)
    assert "2 of 2, 100.0%" in closedbook("evaluate", edited, pairs).out
    recipe = ("--recipe", people / "fast.toml", "--finetune.epochs", 1)
    assert (
        closedbook("finetune", people / "train.tsv", "--from", edited, "--out", tmp_path / "tuned", *recipe).status == 0
    )
