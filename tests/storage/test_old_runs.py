"""Runs written by an older version, before recipe keys, weights and optimizer states were renamed.

Commit 1da3d7d made them from corpus.txt, train.tsv and dev.tsv, which are about people of the built-in world:
`finished`, and `interrupted` after 11 of 16 steps, from which that version ended with the weights resumed.safetensors.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from closedbook.errors import RunError
from closedbook.evaluation.predict import predict
from closedbook.recipe.recipe import Recipe
from closedbook.storage.checkpoint import load_latest
from closedbook.storage.resume import check_same_inputs
from closedbook.storage.run import open_run
from closedbook.training.checkpointing import Saving
from closedbook.training.metrics import read_metrics
from closedbook.training.stages import self_study

OLD = Path(__file__).with_name("old_runs")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A copy of the folder, with the paths of the runs' files as they are now."""
    folder = shutil.copytree(OLD, tmp_path / "old")
    for path in folder.glob("*/run.json"):
        path.write_text(path.read_text().replace("/home/ada/", f"{folder}/"))
    return folder


def test_a_finished_run_answers_as_it_did(home: Path) -> None:
    """Answers and confidences are those of that version."""
    run = open_run(home / "finished")
    then = json.loads((home / "predictions.json").read_text())
    now = predict(run.model(), run.info.vocabulary, [one["question"] for one in then])
    assert [prediction.answer for prediction in now] == [one["answer"] for one in then]
    assert [prediction.confidence for prediction in now] == pytest.approx([one["confidence"] for one in then], rel=1e-3)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("evaluate", "finished", "dev.tsv"), "accuracy: 3 of 6, "),
        (("ask", "finished", "Where was Storo Lavesh born?"), "Jarmvale"),
        (("inspect", "finished"), "  accuracy  "),
        (("ledger", "finished", "dev.tsv", "--train", "train.tsv"), ""),
    ],
)
def test_every_command_takes_a_finished_run(
    closedbook: Callable[..., Any], home: Path, words: tuple[str, ...], line: str
) -> None:
    """It can be evaluated, asked, inspected and counted."""
    outcome = closedbook(*(home / word if (home / word).exists() else word for word in words))
    assert outcome.status == 0, outcome.err
    assert any(one.startswith(line) for one in outcome.out.splitlines())


def test_an_interrupted_run_is_resumed_to_the_same_weights(home: Path) -> None:
    """The state of all optimizers, sparse Adam's too, and the position in the data are read."""
    checkpoint = load_latest(home / "interrupted")
    assert checkpoint is not None
    events = self_study(
        home / "corpus.txt",
        Recipe(),
        Saving(home / "interrupted", resume=True, recipe_is_given=False),
        pairs_path=home / "train.tsv",
        dev_path=home / "dev.tsv",
    )
    list(events)
    run = open_run(home / "interrupted")
    weights, then = run.model().state_dict(), load_file(home / "resumed.safetensors")
    then["prefix_table.table.weight"] = then.pop("memory.table.weight")
    assert weights.keys() == then.keys()
    moved = {name: (then[name] - checkpoint.weights[name]).abs().max().item() for name in then}
    # The bias of keys has no gradient, since it does not change the softmax.
    assert min(value for name, value in moved.items() if not name.endswith("key.bias")) > 1e-3
    # Processors round differently, by less than a hundredth of the change in these steps.
    for name, value in weights.items():
        torch.testing.assert_close(value, then[name], rtol=1e-4, atol=1e-5, msg=name)


def test_metrics_continue_in_a_resumed_run(home: Path) -> None:
    """Its old lines of evaluations have no losses, and the new ones have them."""
    saving = Saving(home / "interrupted", resume=True, recipe_is_given=False)
    pairs, dev = home / "train.tsv", home / "dev.tsv"
    list(self_study(home / "corpus.txt", Recipe(), saving, pairs_path=pairs, dev_path=dev))
    entries = list(read_metrics(home / "interrupted"))
    assert [entry["step"] for entry in entries if entry["kind"] == "step"] == list(range(1, 17))
    evaluations = [entry for entry in entries if entry["kind"] == "evaluation"]
    assert [entry["epoch"] for entry in evaluations] == [0, 2, 4, 6, 8]
    assert ["seen_text_loss" in entry for entry in evaluations] == [False] * 3 + [True] * 2


def test_a_recipe_that_leaves_evaluations_to_the_run_is_no_other_recipe() -> None:
    """Presets of that version said how often: their runs are resumed with today's presets too."""
    run = open_run(OLD / "interrupted")
    chosen = replace(run.recipe, study=replace(run.recipe.study, evaluate_every=0))
    check_same_inputs(run, chosen, run.info)
    with pytest.raises(RunError, match=r"began with study\.evaluate_every 2, .*; received 3;"):
        check_same_inputs(run, replace(chosen, study=replace(chosen.study, evaluate_every=3)), run.info)
