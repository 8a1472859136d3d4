"""`closedbook ledger`, and the breakdowns that `closedbook evaluate` prints."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from closedbook.analysis.ledger.counts import Exposure
from closedbook.analysis.ledger.recount import exposures_of
from closedbook.recipe.recipe_file import load_recipe
from closedbook.storage.run import Run, open_run
from closedbook.storage.sums import write_summed
from closedbook.text.documents import read_corpus
from closedbook.text.links import link
from closedbook.text.questions import read_pairs
from closedbook.training.checkpointing import Saving
from closedbook.training.stages import pretrain
from closedbook.training.trainer import StepReport

Closedbook = Callable[..., Any]


def exposures(run: Run, files: Path) -> list[Exposure]:
    """The exposures of the five training people's facts by one run."""
    corpus = read_corpus(files / "corpus.txt")
    facts = link(read_pairs(files / "pairs.tsv").items, [document.text for document in corpus.documents])
    return exposures_of(run, facts)


def copied(runs: Path, name: str, folder: Path) -> Path:
    """A run that a test may change."""
    return Path(shutil.copytree(runs / name, folder / "run"))


def test_the_ledger_of_a_finetuned_run_counts_the_run_it_began_from(
    closedbook: Closedbook, files: Path, runs: Path, tmp_path: Path
):
    """Masks come from the parent's two epochs, questions from its own epoch; tables, counts and figures are kept."""
    run = copied(runs, "finetuned", tmp_path)
    outcome = closedbook("ledger", run, files / "pairs.tsv")
    assert outcome.status == 0, outcome.err
    lines = outcome.out.splitlines()
    assert [line.partition(" ")[0] for line in lines[:3]] == ["accuracy:", "majority", "setting:"]
    assert lines[3] == "stated in the text: 5 of 5"
    assert lines[4].startswith("mean exposures of each in training: seen ")
    assert lines[4].endswith("; asked 1.0")
    headings = [line for line in lines if line.startswith("right by ")]
    assert [heading.split()[2] for heading in headings] == ["exposures", "where", "training", "how"]
    content = json.loads(next(run.glob("ledger/pairs-*.json")).read_text())
    assert [fact["line"] for fact in content["facts"]] == [1, 2, 3, 4, 5]
    assert [fact["asked"] for fact in content["facts"]] == [1] * 5
    of_parent = exposures(open_run(runs / "pretrained"), files)
    assert [fact["seen"] for fact in content["facts"]] == [exposure.seen for exposure in of_parent]
    assert 0 < sum(exposure.seen for exposure in of_parent) <= 2 * 5
    assert {row["bin"]: row["n_questions"] for row in content["tables"]["frequency"]} == {"1": 3, "2-5": 2}
    assert sum(row["n_questions"] for row in content["tables"]["in_answer_form"]) == 5
    assert next(run.glob("ledger/pairs-*.svg")).read_bytes().startswith(b"<?xml")
    assert next(run.glob("ledger/pairs-*.png")).read_bytes().startswith(b"\x89PNG")
    assert "Bell" not in next(run.glob("ledger/pairs-*.json")).read_text()


def test_ledgers_of_two_files_of_one_name_are_both_kept(
    closedbook: Closedbook, files: Path, runs: Path, tmp_path: Path
):
    """Their counts and figures have digits of their SHA-256, and the same file replaces its own."""
    run = copied(runs, "finetuned", tmp_path)
    (tmp_path / "pairs.tsv").write_text("Where was Flo Gray born?\tUlm\n")
    given = (files / "pairs.tsv", tmp_path / "pairs.tsv")
    names = [f"pairs-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}" for path in given]
    for pairs, name in [*zip(given, names, strict=True)] * 2:
        outcome = closedbook("ledger", run, pairs)
        assert outcome.err == f"counts and figure in {run / f'ledger/{name}.json'}, .svg and .png\n"
    assert len(list((run / "ledger").iterdir())) == 2 * 3
    content = {path.stem: json.loads(path.read_text()) for path in (run / "ledger").glob("*.json")}
    assert {name: len(one["facts"]) for name, one in content.items()} == {names[0]: 5, names[1]: 1}


def test_pairs_mixed_into_pretraining_count_as_asked(closedbook: Closedbook, files: Path, tmp_path: Path):
    """With eight documents and a share of 0.3, an epoch has three pairs, in turn: six in two epochs."""
    words = ("--recipe", files / "tiny.toml", "--pairs", files / "pairs.tsv", "--pretrain.mix-pairs", 0.3)
    assert closedbook("pretrain", files / "corpus.txt", "--out", tmp_path / "run", *words).status == 0
    assert [e.asked for e in exposures(open_run(tmp_path / "run"), files)] == [2, 1, 1, 1, 1]


def test_frequencies_may_be_counted_in_another_file(closedbook: Closedbook, files: Path, runs: Path, tmp_path: Path):
    """A run without training pairs prints frequencies only with --train."""
    run = copied(runs, "pretrained", tmp_path)
    assert "right by training pairs" not in closedbook("ledger", run, files / "dev.tsv").out
    outcome = closedbook("ledger", run, files / "dev.tsv", "--train", files / "pairs.tsv")
    assert outcome.status == 0
    tables = json.loads(next(run.glob("ledger/dev-*.json")).read_text())["tables"]
    assert [row["bin"] for row in tables["frequency"]] == ["1", "2-5"]


def test_an_interrupted_run_has_the_ledger_of_an_undisturbed_one(files: Path, runs: Path, tmp_path: Path):
    """A run that was stopped within an epoch and resumed has the same exposures in the end."""
    recipe, _ = load_recipe(str(files / "tiny.toml"))
    out = tmp_path / "run"
    events = pretrain(files / "corpus.txt", recipe, Saving(out))
    while not isinstance(next(events), StepReport):
        pass
    events.close()
    assert len((out / "metrics.jsonl").read_text().splitlines()) == 1, "one of the first epoch's two steps is done"
    partly = exposures(open_run(out), files)
    for _ in pretrain(files / "corpus.txt", recipe, Saving(out, resume=True)):
        pass
    whole = exposures(open_run(out), files)
    assert whole == exposures(open_run(runs / "pretrained"), files)
    assert sum(e.seen for e in partly) < sum(e.seen for e in whole)


def test_a_changed_corpus_is_refused(closedbook: Closedbook, files: Path, runs: Path, tmp_path: Path):
    """One line and exit status 2, and nothing is written."""
    run = copied(runs, "pretrained", tmp_path)
    other = tmp_path / "corpus.txt"
    other.write_text("Ann Bell. Another text .\n")
    facts = json.loads((run / "run.json").read_text())
    facts["sources"]["corpus"]["path"] = [str(other)]
    write_summed(run / "run.json", json.dumps(facts).encode())
    outcome = closedbook("ledger", run, files / "dev.tsv")
    assert outcome.status == 2
    (line,) = outcome.err.splitlines()
    assert line.startswith(f"closedbook: {run}: was trained on {other}, which is gone or has another content now; ")
    assert not (run / "ledger").exists()


def test_masks_that_differ_from_those_of_training_are_detected(
    closedbook: Closedbook, files: Path, runs: Path, tmp_path: Path
):
    """A replay must have as many supervised characters in the first epoch as the metrics recorded."""
    run = copied(runs, "pretrained", tmp_path)
    lines = (run / "metrics.jsonl").read_text().splitlines()
    first = json.loads(lines[0])
    first["n_supervised"] += 1
    (run / "metrics.jsonl").write_text("\n".join([json.dumps(first), *lines[1:], ""]))
    outcome = closedbook("ledger", run, files / "dev.tsv")
    assert outcome.status == 2
    (line,) = outcome.err.splitlines()
    assert "use the version of closedbook that trained the run" in line


def test_a_missing_parent_is_named(closedbook: Closedbook, files: Path, runs: Path, tmp_path: Path):
    """The ledger needs it; evaluate prints what it can without it."""
    run = copied(runs, "finetuned", tmp_path)
    facts = json.loads((run / "run.json").read_text())
    write_summed(run / "run.json", json.dumps(facts | {"parent": [str(tmp_path / "gone")]}).encode())
    outcome = closedbook("ledger", run, files / "dev.tsv")
    assert outcome.status == 2
    assert outcome.err.startswith(f"closedbook: {run}: began from the run {tmp_path / 'gone'}, which is not there")
    evaluated = closedbook("evaluate", run, files / "dev.tsv")
    assert evaluated.status == 0
    assert evaluated.out.splitlines()[-1].startswith("by where the text states the answer: unknown, ")


@pytest.mark.parametrize("name", ["finetuned", "scratch"])
def test_evaluate_breaks_the_score_down(closedbook: Closedbook, runs: Path, tmp_path: Path, name: str):
    """With corpus and training pairs unchanged it prints three more lines, and keeps their numbers with the score."""
    run = copied(runs, name, tmp_path)
    (tmp_path / "dev.tsv").write_text("Where was Flo Gray born?\tUlm\nWhere was Gus Hall born?\tRio\n")
    outcome = closedbook("evaluate", run, tmp_path / "dev.tsv")
    assert outcome.status == 0, outcome.err
    _, _, _, unseen, frequency, end = outcome.out.splitlines()
    assert unseen.startswith("answer in no training pair: 0 of 1, 0.0% (95% interval ")
    assert re.fullmatch(
        r"by training pairs with the same answer \(pairs\): never: 0% of 1; 2-5: (0|100)% of 1", frequency
    )
    assert re.search(r"\(characters from its start\): 33-48: (0|100)% of 1; not in the text: 0% of 1$", end)
    tables = json.loads(next(run.glob("evaluations/dev-*.json")).read_text())["tables"]
    assert set(tables) == {"frequency", "end"}
