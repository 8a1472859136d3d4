"""What is shown of a run that trains."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from closedbook.world.world import WorldConfig, WorldFiles, write_world

CAVEAT = "(the reader answered these questions, and its answers are trained on)"
SMALL = ("--model.n-embd", 20, "--precision", "float32")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> WorldFiles:
    """A world of a hundred people, one line each."""
    config = WorldConfig(n_people=100, n_places=5, documents=1, attributes=("birthplace",))
    return write_world(config, tmp_path_factory.mktemp("progress") / "world")


@pytest.fixture
def accuracies(closedbook: Callable[..., Any], world: WorldFiles, tmp_path: Path) -> Callable[..., list[str]]:
    """Train a new run and give the lines about accuracy."""

    def accuracies(command: str, *words: object) -> list[str]:
        run = tmp_path / command
        given = {"study": (world.corpus, "--pairs", world.train), "finetune": (world.train,)}[command]
        outcome = closedbook(command, *given, "--dev", world.dev, "--out", run, "--epochs", 1, *words)
        assert outcome.status == 0, outcome.err
        return [line for line in outcome.err.splitlines() if "accuracy" in line and not line.startswith("note")]

    return accuracies


def test_after_self_study_dev_accuracy_is_said_once_to_be_none_of_unseen_questions(
    accuracies: Callable[..., list[str]], tmp_path: Path
):
    """The reader's answers to the dev questions are trained on, also where a run is finetuned from a self-study."""
    first, last = accuracies("study", *SMALL)
    assert re.match(r"study: dev accuracy \d+ of \d+, .* after epoch 0; loss ", first)
    assert first.endswith(f" {CAVEAT}")
    assert re.match(r"study: dev accuracy \d+ of \d+, .* after epoch 1; loss ", last)
    assert CAVEAT not in last
    first, *_ = accuracies("finetune", "--from", tmp_path / "study")
    assert CAVEAT in first


def test_elsewhere_dev_accuracy_needs_no_caveat(accuracies: Callable[..., list[str]], world: WorldFiles):
    """A model that is taught by the training pairs alone has never seen the dev questions."""
    assert not any(CAVEAT in line for line in accuracies("finetune", "--corpus", world.corpus, *SMALL))
