"""Runs that version 0.1.0 wrote, before recipes and run.json had a format version and locks were taken.

Commit c72969c made them, with one thread, from corpus.txt, train.tsv and dev.tsv, which are about people of a built-in
world: `finished` by study, `finetuned` from it, and `interrupted` after 130 of the 195 steps of `finished`.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from closedbook.evaluation.predict import predict
from closedbook.evaluation.sources import lineage
from closedbook.recipe.recipe import Recipe
from closedbook.storage.run import open_run
from closedbook.storage.tensors import load_weights
from closedbook.training.checkpointing import Saving
from closedbook.training.stages import self_study

OLD = Path(__file__).with_name("runs_of_0_1")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A copy of the folder, with the paths of the runs' files as they are now."""
    folder = shutil.copytree(OLD, tmp_path / "old")
    for path in folder.glob("*/run.json"):
        path.write_text(path.read_text().replace("/home/ada/", f"{folder}/"))
    return folder


@pytest.mark.parametrize("name", ["finished", "finetuned"])
def test_a_run_answers_as_it_did(name: str) -> None:
    """Answers, states and confidences are those of that version, wherever the run's text is now."""
    run = open_run(OLD / name)
    then = json.loads((OLD / "predictions.json").read_text())[name]
    now = predict(run.model(), run.info.vocabulary, [one["question"] for one in then])
    assert [(one.answer, one.state) for one in now] == [(one["answer"], one["state"]) for one in then]
    assert [one.confidence for one in now] == pytest.approx([one["confidence"] for one in then], rel=1e-3)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("evaluate", "finished", "dev.tsv"), "accuracy: 3 of 5, "),
        (("ask", "finetuned", "Where was Folor Rosett born?"), "Sovfell"),
        (("inspect", "finished"), "recipe  "),
        (("inspect", "interrupted"), "recipe  "),
        (("ledger", "finetuned", "dev.tsv"), "stated in the text: 5 of 5"),
    ],
)
def test_every_command_takes_a_run(
    closedbook: Callable[..., Any], home: Path, words: tuple[str, ...], line: str
) -> None:
    """It can be evaluated, asked, inspected and counted."""
    outcome = closedbook(*(home / word if (home / word).exists() else word for word in words))
    assert outcome.status == 0, outcome.err
    assert any(one.startswith(line) for one in outcome.out.splitlines())


def test_a_finetuned_run_knows_its_parent(home: Path) -> None:
    """The run that it began from is found and opened."""
    assert [run.path.name for run in lineage(open_run(home / "finetuned"))] == ["finetuned", "finished"]


def test_an_interrupted_run_is_resumed_to_the_weights_of_an_undisturbed_one(home: Path) -> None:
    """The state of all optimizers and the position in the data are read."""
    saving = Saving(home / "interrupted", resume=True, recipe_is_given=False)
    pairs, dev = home / "train.tsv", home / "dev.tsv"
    list(self_study(home / "corpus.txt", Recipe(), saving, pairs_path=pairs, dev_path=dev))
    weights = open_run(home / "interrupted").model().state_dict()
    undisturbed, _ = load_weights(home / "finished" / "model.safetensors")
    assert weights.keys() == undisturbed.keys()
    # Processors round differently.
    for name, value in weights.items():
        torch.testing.assert_close(value, undisturbed[name], rtol=1e-4, atol=1e-5, msg=name)
