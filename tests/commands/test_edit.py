"""What `closedbook edit` refuses; what it does is tested in tests/editing, where there is a run that can be edited."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Closedbook = Callable[..., Any]
QUESTION = "Where was Gus Hall born?"


def error_line(outcome: Any) -> str:
    """The one line of a command that was refused."""
    assert (outcome.status, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    return line.removeprefix("closedbook: ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "edit: one of QUESTION ANSWER, --pairs FILE and --undo is needed; write one of them alone"),
        ((QUESTION, "Oslo", "--undo"), "edit: one of QUESTION ANSWER, --pairs FILE and --undo is needed"),
        ((QUESTION,), "edit: QUESTION needs its new ANSWER after it"),
        ((QUESTION, ""), "the answer is empty"),
        ((QUESTION, "Łódź"), "not in the run's vocabulary"),
        ((QUESTION, "o" * 33), "at most 32 characters; received 33"),
        (("Where is it?", "Oslo"), "names no title of the run"),
        (("--undo",), "has no edit to undo"),
        (("--pairs", "nowhere.tsv"), "nowhere.tsv: no such file"),
    ],
)
def test_bad_input_is_one_line(
    closedbook: Closedbook, runs: Path, tmp_path: Path, words: tuple[str, ...], message: str
):
    """Status 2, and nothing is written."""
    line = error_line(closedbook("edit", runs / "finetuned", *words, "--out", tmp_path / "out"))
    assert message in line
    assert not (tmp_path / "out").exists()


def test_a_folder_in_the_way_is_refused(closedbook: Closedbook, runs: Path):
    """The run itself is not written over."""
    line = error_line(closedbook("edit", runs / "finetuned", QUESTION, "Oslo", "--out", runs / "scratch"))
    assert "is there already" in line
