"""`closedbook evaluate`: what it keeps, and what it prints next to the score."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from closedbook.evaluation.evaluate import majority_baseline
from closedbook.evaluation.match import Counted
from closedbook.evaluation.score import Score
from closedbook.evaluation.setting import IN_WORDS, RunSetting, setting_of
from closedbook.examples.corruption import CorruptionConfig
from closedbook.storage.run import Kind, Run, Source, open_run
from closedbook.text.questions import Question

Closedbook = Callable[..., Any]


@pytest.fixture
def run(runs: Path, tmp_path: Path) -> Path:
    """A finetuned run that a test may change, without what other tests evaluated on it."""
    without = shutil.ignore_patterns("evaluations")
    return Path(shutil.copytree(runs / "finetuned", tmp_path / "run", ignore=without))


def pairs_in(folder: Path, *names: str, answer: str = "Ulm") -> Path:
    """A file dev.tsv in a folder of its own."""
    folder.mkdir()
    (folder / "dev.tsv").write_text("".join(f"Where was {name} born?\t{answer}\n" for name in names))
    return folder / "dev.tsv"


def one_each(*answers: str) -> list[Question]:
    """Different questions with these answers."""
    return [Question(f"Where was {i} born?", answer, i) for i, answer in enumerate(answers, 1)]


def test_two_files_of_one_name_are_both_kept(closedbook: Closedbook, run: Path, tmp_path: Path):
    """Their results have digits of their SHA-256, and each replaces its own only."""
    a, b = pairs_in(tmp_path / "a", "Flo Gray"), pairs_in(tmp_path / "b", "Gus Hall", "Flo Gray")
    names = [f"dev-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}" for path in (a, b)]
    for _ in range(2):
        for pairs, name in zip((a, b), names, strict=True):
            outcome = closedbook("evaluate", run, pairs)
            assert outcome.err == f"predictions in {run / f'evaluations/{name}.predictions'}\n"
    folder = run / "evaluations"
    assert {path.stem for path in folder.iterdir()} == set(names)
    assert [json.loads((folder / f"{name}.json").read_text())["n_questions"] for name in names] == [1, 2]
    assert len((folder / f"{names[1]}.predictions").read_text().splitlines()) == 2


def test_questions_without_answers_are_kept_by_the_same_rule(closedbook: Closedbook, run: Path, tmp_path: Path):
    """Their predictions have no score, and are not overwritten by those for other questions either."""
    for folder, name in (("a", "Flo Gray"), ("b", "Gus Hall")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "test.txt").write_text(f"Where was {name} born?\n")
        assert closedbook("evaluate", run, tmp_path / folder / "test.txt").status == 0
    assert len(list((run / "evaluations").glob("test*.predictions"))) == 2


def test_a_file_with_some_answers_is_refused(closedbook: Closedbook, run: Path, tmp_path: Path):
    """The first line without an answer is named, and nothing is kept."""
    (tmp_path / "mixed.tsv").write_text("Where was Flo Gray born?\tUlm\nWhere was Gus Hall born?\nWhere was Ann?\n")
    outcome = closedbook("evaluate", run, tmp_path / "mixed.tsv")
    assert (outcome.status, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    rule = "line 2: a pair is question<TAB>answer, and this line has no tab; write the question, one tab and the answer"
    assert line == f"closedbook: {tmp_path / 'mixed.tsv'}, {rule}"
    assert not (run / "evaluations").exists()


def test_predictions_of_an_older_version_are_kept(closedbook: Closedbook, run: Path, tmp_path: Path):
    """A result without a SHA-256 may be about any file, so it is not overwritten."""
    (run / "evaluations").mkdir()
    (run / "evaluations/dev.predictions").write_text("Rom\n")
    assert closedbook("evaluate", run, pairs_in(tmp_path / "a", "Flo Gray")).status == 0
    assert (run / "evaluations/dev.predictions").read_text() == "Rom\n"
    assert len(list((run / "evaluations").glob("dev-*.predictions"))) == 1


def test_the_majority_baseline_and_the_setting_stand_next_to_the_score(
    closedbook: Closedbook, files: Path, runs: Path, run: Path
):
    """They are printed and kept; without training pairs the baseline is the best constant answer."""
    lines = closedbook("evaluate", run, files / "dev.tsv").out.splitlines()
    assert [line.partition(" ")[0] for line in lines[:3]] == ["accuracy:", "majority", "setting:"]
    assert lines[1].startswith("majority baseline (always 'Ulm'): 1 of 2, 50.0% (95% interval ")
    assert lines[2] == f"setting: {IN_WORDS['unguided']}"
    facts = json.loads(next(run.glob("evaluations/dev-*.json")).read_text())
    assert (facts["setting"], facts["baseline_from"]) == ("unguided", "training pairs")
    assert facts["sha256"] == hashlib.sha256((files / "dev.tsv").read_bytes()).hexdigest()

    pretrained = Path(shutil.copytree(runs / "pretrained", run.parent / "pretrained"))
    lines = closedbook("evaluate", pretrained, files / "pairs.tsv").out.splitlines()
    assert lines[1].startswith(
        "majority baseline (always 'Ulm', the commonest answer here, since the training pairs are unknown): 2 of 5, "
    )
    facts = json.loads(next(pretrained.glob("evaluations/pairs-*.json")).read_text())
    assert (facts["baseline_answer"], facts["baseline_from"]) == ("Ulm", "these questions")


def test_the_majority_baseline_gives_the_training_pairs_commonest_answer():
    """Rom is the commonest in training and right once; where training is unknown, Ulm is the best constant answer."""
    asked = Counted.of(one_each("Ulm", "Rom", "Ulm", "Oslo"), "exact")
    baseline = majority_baseline(asked, ["Rom", "Rom", "Bern"])
    assert (baseline.answer, baseline.score, baseline.is_from_training) == ("Rom", Score(1, 4), True)
    baseline = majority_baseline(asked, None)
    assert (baseline.answer, baseline.score, baseline.is_from_training) == ("Ulm", Score(2, 4), False)


def test_the_best_constant_answer_is_over_questions_counted_once():
    """Three lines of one question say Rom, and two questions Ulm; normalized, ULM is Ulm, and is shown as written."""
    lines = [Question("Where was Ann born?", "Rom", i) for i in (1, 2, 3)]
    others = [Question(f"Where was {name} born?", "Ulm", 4) for name in ("Bo", "Cy")]
    assert majority_baseline(Counted.of([*lines, *others], None), None).score == Score(3, 5)
    assert majority_baseline(Counted.of([*lines, *others], "exact"), None).score == Score(2, 3)
    baseline = majority_baseline(Counted.of([*lines, *others], "normalized"), ["Rom", "ULM", "Ulm."])
    assert (baseline.answer, baseline.score) == ("ULM", Score(2, 3))


def test_a_question_on_several_lines_counts_once(closedbook: Closedbook, run: Path, tmp_path: Path):
    """All that is counted is over two questions of four lines; a line has its prediction, in any order of the lines."""
    said = closedbook("predict", run, pairs_in(tmp_path / "a", "Flo Gray")).out.strip()
    lines = [f"Where was Flo Gray born?\t{answer}\n" for answer in ("Nowhere", f" {said.upper()}", said)]
    found = []
    for number, written in enumerate([lines, lines[::-1]]):
        pairs = tmp_path / f"{number}.tsv"
        pairs.write_text("".join([*written, "Where was Gus Hall born?\tNowhere\n"]))
        shown = closedbook("evaluate", run, pairs).out.splitlines()
        assert shown[0].startswith("accuracy: 1 of 2, 50.0%")
        assert shown[-1] == (
            f"{pairs}: 3 lines joined, since their questions stand on several: each question counts once, right if any "
            "of its answers fits"
        )
        facts = json.loads(next(run.glob(f"evaluations/{number}-*.json")).read_text())
        assert (facts["match"], facts["n_questions"], facts["confidence"]["n_known"]) == ("exact", 2, 2)
        assert {sum(row["n_questions"] for row in rows) for rows in facts["tables"].values()} == {2}
        predictions = next(run.glob(f"evaluations/{number}-*.predictions")).read_text().splitlines()
        assert (len(predictions), predictions[:3]) == (4, [said] * 3)
        found.append({**facts, "pairs": "", "sha256": ""})
    assert found[0] == found[1]


def test_normalized_answers_are_kept_beside_the_exact_ones(closedbook: Closedbook, run: Path, tmp_path: Path):
    """'The ROM!' is right only if case, punctuation and articles do not count, and the result says so."""
    said = closedbook("predict", run, pairs_in(tmp_path / "a", "Flo Gray")).out.strip()
    pairs = pairs_in(tmp_path / "b", "Flo Gray", answer=f"The {said.upper()}!")
    assert closedbook("evaluate", run, pairs).out.startswith("accuracy: 0 of 1")
    shown = closedbook("evaluate", run, pairs, "--match", "normalized").out.splitlines()
    assert shown[0].startswith("accuracy: 1 of 1")
    assert shown[2].startswith("match: normalized: ")
    folder = run / "evaluations"
    digits = hashlib.sha256(pairs.read_bytes()).hexdigest()[:8]
    of = [json.loads((folder / f"{name}-{digits}.json").read_text()) for name in ("dev", "dev-normalized")]
    assert [(facts["match"], facts["n_correct"]) for facts in of] == [("exact", 0), ("normalized", 1)]


@pytest.mark.parametrize(
    ("kind", "corruption", "has_pairs", "setting"),
    [
        ("study", CorruptionConfig(), True, "self-study"),
        ("pretrain", CorruptionConfig(span=0.0, salient=0.1, guided=0.9), True, "guided"),
        ("pretrain", CorruptionConfig(span=0.0, salient=0.1, guided=0.9), False, "unguided"),
        ("pretrain", CorruptionConfig(span=0.5, salient=0.5), True, "unguided"),
        ("pretrain", CorruptionConfig(span=0.0, salient=1.0, nameless=0.3), True, "asking"),
        ("pretrain", CorruptionConfig(span=0.0, salient=1.0, nameless=0.3), False, "unguided"),
        ("pretrain", CorruptionConfig(), True, "assignment"),
        ("finetune", CorruptionConfig(), True, "no text"),
    ],
)
def test_the_setting_is_what_the_run_knew(
    runs: Path, kind: Kind, corruption: CorruptionConfig, has_pairs: bool, setting: RunSetting
):
    """By its kind, its masks, and whether it had pairs to teach a reader."""
    run = open_run(runs / "pretrained")
    sources = {**run.info.sources, **({"pairs": Source("pairs.tsv", "0" * 64)} if has_pairs else {})}
    run = replace(run, recipe=replace(run.recipe, corruption=corruption))
    run = replace(run, info=replace(run.info, kind=kind, sources=sources))
    assert setting_of(run) == setting


def test_a_finetuned_run_has_the_setting_of_the_run_it_began_from(runs: Path, tmp_path: Path):
    """With replay of guided masks it knew more than its parent; without the parent's folder the setting is unknown."""
    run = open_run(runs / "finetuned")
    assert run.recipe.corruption.guided
    assert setting_of(run) == "unguided"
    assert setting_of(open_run(runs / "scratch")) == "no text"
    replayed = replace(run, recipe=replace(run.recipe, finetune=replace(run.recipe.finetune, replay=0.5)))
    assert setting_of(replayed) == "guided"
    orphan: Run = replace(run, info=replace(run.info, parent=str(tmp_path / "gone")))
    assert setting_of(orphan) == "unknown"
