"""A run that knows when it knows: people it read about, people nobody wrote about, and answers it is sure of."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from closedbook.api.run import Run, load
from closedbook.commands.main import main
from closedbook.errors import InputError
from closedbook.evaluation.calibration import FILE
from closedbook.text.questions import read_pairs

Closedbook = Callable[..., Any]

RECIPE = """\
preset = "fast"
precision = "float32"
calibration_split = 0.4
[model]
n_embd = 64
n_head = 2
block_size = 97
[pretrain]
epochs = 24
batch_size = 32
evaluate_every = 24
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world of two hundred people, and a guided run on it that is calibrated on 40 of its 100 pairs."""
    folder = tmp_path_factory.mktemp("knows")
    (folder / "recipe.toml").write_text(RECIPE)
    names = ("--people", 200, "--world.n-places", 10, "--world.documents", 1, "--world.attributes", "birthplace")
    assert main([str(word) for word in ("world", folder / "world", *names)]) == 0
    files = (folder / "world/corpus.txt", "--pairs", folder / "world/train.tsv", "--out", folder / "run")
    words = ("study", *files, "--setting", "guided", "--recipe", folder / "recipe.toml")
    assert main([str(word) for word in words]) == 0
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    """That run."""
    return load(folder / "run")


def test_people_whom_nobody_wrote_about_are_never_read(folder: Path, run: Run):
    """All but a few of them, and hardly any others."""
    unwritten = run.answer_file(read_pairs(folder / "world/withheld.tsv"))
    written = run.answer_file(read_pairs(folder / "world/test.tsv"))
    assert sum(answer.state == "never read" for answer in unwritten) >= 0.8 * len(unwritten)
    assert sum(answer.state == "never read" for answer in written) <= 0.1 * len(written)
    assert all(
        str(answer).startswith("unknown: nothing read about ") for answer in unwritten if answer.state != "known"
    )


def test_the_calibration_is_on_pairs_that_were_held_out(folder: Path, run: Run):
    """On a share of the training pairs, none of which was trained on, and it is saved in the run."""
    assert (folder / "run" / FILE).is_file()
    assert run.calibration is not None
    n_pairs = len(read_pairs(folder / "world/train.tsv").items)
    assert len(run.calibration.held_out) == round(0.4 * n_pairs)
    answers = run.answer_file(read_pairs(folder / "world/test.tsv"))
    assert all(answer.is_calibrated and 0 <= answer.probability <= 1 for answer in answers)


def test_ask_says_how_sure_it_is(closedbook: Closedbook, folder: Path, run: Run):
    """The answer with its probability in one line, on standard output."""
    question = read_pairs(folder / "world/test.tsv").items[0].text
    answer = run.answer(question)
    outcome = closedbook("ask", folder / "run", question)
    expected = f"{answer} ({answer.probability:.0%})" if answer.state == "known" else str(answer)
    assert (outcome.out, outcome.err, outcome.status) == (f"{expected}\n", "", 0)


def test_answers_come_as_json_lines(closedbook: Closedbook, folder: Path, run: Run):
    """One object for each question: answer, probability, state, and other answers that are less likely."""
    path = folder / "world/test.tsv"
    outcome = closedbook("predict", folder / "run", path, "--format", "jsonl")
    lines = [json.loads(line) for line in outcome.out.splitlines()]
    answers = run.answer_file(read_pairs(path))
    assert [(line["answer"], line["state"]) for line in lines] == [(answer.text, answer.state) for answer in answers]
    for line in lines:
        others = [other["answer"] for other in line["alternatives"]]
        assert len(others) in (2, 3)
        assert line["answer"] not in others
        assert sum(other["probability"] for other in line["alternatives"]) <= 1 + 1e-6


def test_plain_predictions_are_bare_answers(closedbook: Closedbook, folder: Path, run: Run):
    """Also about people whom nobody wrote about: scoring needs one answer a line."""
    path = folder / "world/withheld.tsv"
    lines = closedbook("predict", folder / "run", path).out.splitlines()
    assert lines == [answer.text for answer in run.answer_file(read_pairs(path))]


def test_a_precision_withholds_what_is_less_sure(closedbook: Closedbook, folder: Path, run: Run):
    """At a precision that 40 held-out pairs can show, the answers below its threshold are empty lines."""
    path = folder / "world/test.tsv"
    least = run.threshold(0.5)
    answers = run.answer_file(read_pairs(path), precision=0.5)
    assert all(answer.probability >= least for answer in answers if answer.state == "known")
    outcome = closedbook("predict", folder / "run", path, "--precision", 0.5)
    assert outcome.out.split("\n")[:-1] == ["" if a.state == "withheld" else a.text for a in answers]
    assert "50% of such answers are right, with 95% certainty" in " ".join(outcome.err.split())


def test_a_precision_that_the_held_out_pairs_cannot_show_is_refused(closedbook: Closedbook, folder: Path, run: Run):
    """In one line that says how many it takes."""
    with pytest.raises(InputError, match=r"0\.999 cannot be promised with 95% certainty, since 2995 held-out"):
        run.answer("Where was Ann Bell born?", precision=0.999)
    outcome = closedbook("ask", folder / "run", "Where was Ann Bell born?", "--precision", 0.999)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith("closedbook: --precision: 0.999 cannot be promised")


def test_an_evaluation_shows_confidence(closedbook: Closedbook, folder: Path):
    """Lines for it, a figure beside the predictions, and the same in the JSON file."""
    outcome = closedbook("evaluate", folder / "run", folder / "world/withheld.tsv")
    assert "never read about " in outcome.out
    assert "calibration error " in outcome.out
    facts = json.loads(next(folder.glob("run/evaluations/withheld-*.json")).read_text())
    assert facts["confidence"]["n_never_read"] > 0
    assert next(folder.glob("run/evaluations/withheld-*.png")).read_bytes().startswith(b"\x89PNG")


def test_finetuning_keeps_what_was_held_out(closedbook: Closedbook, folder: Path, tmp_path: Path):
    """From a run with the same pairs it is calibrated on the same; from one that learned them all it is not."""
    pairs = folder / "world/train.tsv"
    same = ("--recipe", folder / "recipe.toml", "--epochs", 1)
    assert closedbook("finetune", pairs, "--from", folder / "run", "--out", tmp_path / "a", *same).status == 0
    calibration = load(tmp_path / "a").calibration
    assert calibration is not None
    assert len(calibration.held_out) == round(0.4 * len(read_pairs(pairs).items))
    outcome = closedbook(
        "finetune", pairs, "--from", folder / "run", "--out", tmp_path / "b", *same, "--calibration-split", 0.6
    )
    assert "so none is held out for calibration" in " ".join(outcome.err.split())
    assert load(tmp_path / "b").calibration is None


def test_an_edited_run_keeps_its_calibration(folder: Path, run: Run, tmp_path: Path):
    """An edit changes what is said about one name, not how sure the model may be of others."""
    item = read_pairs(folder / "world/test.tsv").items[0]
    answers = {pair.answer for pair in read_pairs(folder / "world/train.tsv").items} - {run.answer(item.text).text}
    edited = run.edit(item.text, min(answers, key=str), tmp_path / "edited")
    assert edited.calibration == run.calibration
    assert edited.answer(item.text).is_calibrated
