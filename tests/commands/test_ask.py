"""`closedbook ask` in a dialogue."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree
from types import SimpleNamespace
from typing import Any

import pytest

QUESTION = b"Where was Gus Hall born?\n"


def test_a_dialogue_reads_the_weights_once(
    closedbook: Callable[..., Any], runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The second question is answered although the weights are gone by then."""
    run = copytree(runs / "finetuned", tmp_path / "run")

    def lines() -> Iterator[bytes]:
        yield QUESTION
        (run / "model.safetensors").unlink()
        yield QUESTION

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False, buffer=lines()))
    outcome = closedbook("ask", run)
    assert outcome.status == 0
    first, second = outcome.out.splitlines()
    assert first == second
