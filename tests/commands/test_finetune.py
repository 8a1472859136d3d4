"""Finetuning that forgets less: it may replay the text that its parent learnt, and stop by people held out."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from closedbook.analysis.ledger.counts import Exposure, example_text
from closedbook.analysis.ledger.recount import dataset_of, exposures_of
from closedbook.examples.corruption import CorruptionConfig, pair_string
from closedbook.examples.datasets import CharCorruptionDataset
from closedbook.recipe.recipe_file import load_recipe
from closedbook.storage.run import open_run
from closedbook.text.documents import read_corpus
from closedbook.text.links import link
from closedbook.text.questions import read_pairs
from closedbook.text.validation import validation_split
from closedbook.training.checkpointing import Saving
from closedbook.training.stages import finetune

Closedbook = Callable[..., Any]
REPLAY = ("--finetune.replay", 0.5)
HOLD_OUT = ("--validation-split", 0.4)
"""Of five people two."""
LONG = ("--epochs", 90, "--finetune.patience", 30, "--finetune.learning-rate", 5e-3)
"""Long enough to learn that everybody is from Ulm."""


@pytest.fixture
def tune(closedbook: Closedbook, files: Path, runs: Path, tmp_path: Path) -> Closedbook:
    """Finetune by the tiny recipe, from the pretrained run or another, into RUN of the test's folder or another."""

    def tune(*words: object, parent: Path | None = None, pairs: Path | None = None, out: str = "RUN") -> Any:
        given = (pairs or files / "pairs.tsv", "--from", parent or runs / "pretrained", "--out", tmp_path / out)
        recipe = () if "--recipe" in words else ("--recipe", files / "tiny.toml")
        return closedbook("finetune", *given, *recipe, *words)

    return tune


@pytest.fixture
def ulm(files: Path, tmp_path: Path) -> Path:
    """Pairs that say that everybody is from Ulm, which is learnt for people held out as well."""
    path = tmp_path / "ulm.tsv"
    path.write_text("".join(f"{item.text}\tUlm\n" for item in read_pairs(files / "pairs.tsv").items))
    return path


def fault(outcome: Any) -> str:
    """The one line of a command that ended with status 2 and gave no result."""
    assert (outcome.status, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    return line.removeprefix("closedbook: ")


def weights(run: Path) -> bytes:
    """Those that a run ended with, to the bit."""
    return (run / "model.safetensors").read_bytes()


def entries(run: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl, without their times."""
    lines = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    return [{key: value for key, value in entry.items() if key != "seconds"} for entry in lines]


def exposures(run: Path, files: Path) -> list[Exposure]:
    """Of the five training people by one run."""
    documents = [document.text for document in read_corpus(files / "corpus.txt").documents]
    return exposures_of(open_run(run), link(read_pairs(files / "pairs.tsv").items, documents))


def stop_after(n_steps: int, events: Any) -> None:
    """Close a run behind a step, as an interruption does."""
    while getattr(next(events), "step", 0) < n_steps:
        pass
    events.close()


def pretrained_elsewhere(closedbook: Closedbook, files: Path, tmp_path: Path, *words: object) -> tuple[Path, Path]:
    """A run of its own on a copy of the corpus, which a test may move or change."""
    corpus, parent = tmp_path / "book.txt", tmp_path / "parent"
    shutil.copy(files / "corpus.txt", corpus)
    recipe = ("--recipe", files / "tiny.toml", "--epochs", 1)
    assert closedbook("pretrain", corpus, "--out", parent, *recipe, *words).status == 0
    return corpus, parent


# Replay


def test_replay_mixes_the_parents_documents_in_as_the_parent_masked_them(
    closedbook: Closedbook, tune: Closedbook, files: Path, tmp_path: Path
):
    """Each pair once an epoch, half of the examples documents in turn, masked by the parent's corruption and no other.

    The run says what it learnt: corpus and corruption stand in its folder as if they had been given.
    """
    corpus, parent = pretrained_elsewhere(closedbook, files, tmp_path, "--corruption.span", 1)
    assert tune(*REPLAY, "--seed", 5, "--epochs", 2, parent=parent).status == 0
    run = open_run(tmp_path / "RUN")
    assert run.recipe.corruption == open_run(parent).recipe.corruption != CorruptionConfig()
    assert run.info.sources["corpus"] == open_run(parent).info.sources["corpus"]

    texts = [document.text for document in read_corpus(corpus).documents]
    masked = CharCorruptionDataset(texts, run.info.vocabulary, 61, run.recipe.corruption, seed=5)
    in_turn = []
    for masked.epoch in range(2):
        in_turn += [masked.masked(index) for index in range(len(texts))]
    pairs = [pair_string(item.text, item.answer or "") for item in read_pairs(files / "pairs.tsv").items]
    dataset = dataset_of(run)
    for dataset.epoch in range(2):
        learnt = [example_text(dataset, row) for row in range(len(dataset))]
        assert learnt == [*in_turn[5 * dataset.epoch : 5 * dataset.epoch + 5], *pairs]


def test_replay_masks_by_what_answers_to_these_pairs_look_like(tune: Closedbook):
    """Objective learned is taught by the pairs that are finetuned on; where these are too few, that is told."""
    outcome = tune(*REPLAY)
    assert "; so objective guided masks names and numbers, as salient does" in outcome.err
    assert "objective guided" not in tune(out="without").err


def test_the_ledger_counts_what_was_replayed(
    closedbook: Closedbook, tune: Closedbook, files: Path, runs: Path, tmp_path: Path
):
    """Of eight documents five an epoch: seen as often as masks show them, on top of what the parent saw."""
    assert tune(*REPLAY, "--epochs", 8, "--seed", 5).status == 0
    counted = exposures(tmp_path / "RUN", files)
    assert [e.asked for e in counted] == [8] * 5
    # Eight epochs of five are five rounds of eight documents.
    assert all(0 < e.predicted <= e.seen <= 5 for e in counted)
    assert closedbook("ledger", tmp_path / "RUN", files / "pairs.tsv").status == 0
    told = json.loads((tmp_path / "RUN/ledger/pairs.json").read_text())["facts"]
    of_parent = exposures(runs / "pretrained", files)
    both = [e.seen + more.seen for e, more in zip(counted, of_parent, strict=True)]
    assert [fact["seen"] for fact in told] == both


def test_a_corpus_that_lies_elsewhere_now_is_named_by_corpus(
    closedbook: Closedbook, tune: Closedbook, files: Path, tmp_path: Path
):
    """The bytes count, not the place: the weights are those of a run that found the text where it lay."""
    corpus, parent = pretrained_elsewhere(closedbook, files, tmp_path)
    assert tune(*REPLAY, parent=parent, out="before").status == 0
    moved = corpus.rename(tmp_path / "moved.txt")
    line = fault(tune(*REPLAY, parent=parent))
    assert line.startswith(
        f"{corpus}: is not there, and finetune.replay needs the text that {parent} learned (SHA-256 "
    )
    assert line.endswith("...); name by --corpus where it is now, or leave finetune.replay at 0")
    assert not (tmp_path / "RUN").exists()
    assert tune(*REPLAY, "--corpus", moved, parent=parent).status == 0
    assert weights(tmp_path / "RUN") == weights(tmp_path / "before")
    assert open_run(tmp_path / "RUN").info.sources["corpus"].path == str(moved)
    # Without replay nothing is read but the run.
    assert tune(parent=parent, out="without").status == 0
    assert "corpus" not in open_run(tmp_path / "without").info.sources


def test_another_text_than_the_parents_is_not_replayed(
    closedbook: Closedbook, tune: Closedbook, files: Path, tmp_path: Path
):
    """Where the file has other bytes now, or --corpus names another: one line with rule and cure, and nothing made."""
    corpus, parent = pretrained_elsewhere(closedbook, files, tmp_path)
    line = fault(tune(*REPLAY, "--corpus", files / "dev.tsv", parent=parent))
    assert line.startswith(f"{files / 'dev.tsv'}: is another text, and finetune.replay needs the text that {parent} ")
    corpus.write_text(corpus.read_text().replace("Ulm", "Rom"))
    assert fault(tune(*REPLAY, parent=parent)).startswith(f"{corpus}: is another text, and finetune.replay needs ")
    assert not (tmp_path / "RUN").exists()


def test_replay_finds_the_text_that_the_first_of_several_runs_learnt(
    tune: Closedbook, files: Path, runs: Path, tmp_path: Path
):
    """A finetuned parent has learnt no text of its own, but the run that it began from has."""
    assert tune(*REPLAY, parent=runs / "finetuned").status == 0
    run = open_run(tmp_path / "RUN")
    assert run.info.sources["corpus"].path == str(files / "corpus.txt")
    assert run.recipe.corruption == open_run(runs / "pretrained").recipe.corruption


def test_where_no_text_was_learnt_none_is_replayed(
    closedbook: Closedbook, tune: Closedbook, files: Path, runs: Path, tmp_path: Path
):
    """A run from scratch took a vocabulary from its corpus and learnt none of it; from scratch itself there is none."""
    line = fault(tune(*REPLAY, parent=runs / "scratch"))
    assert line == (
        f"{runs / 'scratch'}: has learned no text that finetune.replay could replay; name a run that pretrain or study "
        "made by --from, or leave finetune.replay at 0"
    )
    words = (files / "pairs.tsv", "--corpus", files / "corpus.txt", "--out", tmp_path / "RUN")
    assert fault(closedbook("finetune", *words, "--scratch.replay", 0.5)).startswith("--scratch.replay: ")
    assert not (tmp_path / "RUN").exists()


# People held out


def test_pairs_held_out_are_not_learnt(tune: Closedbook, files: Path, tmp_path: Path):
    """The weights are, to the bit, those of a run whose file has not these people; it tells accuracy on them."""
    pairs = read_pairs(files / "pairs.tsv")
    kept, _ = validation_split(pairs, 0.4, seed=0)
    (tmp_path / "kept.tsv").write_text("".join(f"{item.text}\t{item.answer}\n" for item in kept.items))
    assert tune(pairs=tmp_path / "kept.tsv", out="kept").status == 0
    outcome = tune(*HOLD_OUT, "--finetune.patience", 0)
    assert outcome.status == 0
    assert f"note: {files / 'pairs.tsv'}: 2 of 5 pairs are the validation split, which is not trained on" in outcome.err
    assert "finetune: validation accuracy 0 of 2, 0.0% (95% interval 0.0% to 65.8%) after epoch 1" in outcome.err
    assert weights(tmp_path / "RUN") == weights(tmp_path / "kept")
    asked = [exposure.asked for exposure in exposures(tmp_path / "RUN", files)]
    assert asked == [int(item in kept.items) for item in pairs.items]


def test_patience_needs_no_dev_file(tune: Closedbook, tmp_path: Path):
    """Accuracy on the people held out ends the run and says which weights are kept."""
    words = ("--epochs", 9, "--finetune.patience", 2)
    outcome = tune(*HOLD_OUT, *words)
    assert "accuracy has not risen for 2 evaluations, so the weights that training started from are kept" in outcome.err
    looks = [entry["accuracy"] for entry in entries(tmp_path / "RUN") if entry["kind"] == "evaluation"]
    assert looks == [0.0, 0.0, 0.0]


def test_the_best_weights_are_kept_and_the_ledger_counts_up_to_them(
    closedbook: Closedbook, tune: Closedbook, ulm: Path, tmp_path: Path
):
    """Once the person held out is answered nothing gets better: later epochs are neither kept nor counted."""
    assert tune("--validation-split", 0.2, *LONG, pairs=ulm).status == 0
    looks = [entry["accuracy"] for entry in entries(tmp_path / "RUN") if entry["kind"] == "evaluation"]
    best = looks.index(1.0)
    assert 0 < best == len(looks) - 31
    assert closedbook("ledger", tmp_path / "RUN", ulm).status == 0
    facts = json.loads((tmp_path / "RUN/ledger/ulm.json").read_text())["facts"]
    assert sorted(fact["asked"] for fact in facts) == [0, best, best, best, best]
    assert all(fact["right"] for fact in facts if fact["asked"] == 0)


def test_a_note_names_the_epoch_whose_weights_are_kept(tune: Closedbook, ulm: Path, tmp_path: Path):
    """Also where evaluations are twenty epochs apart, and three without a rise are sixty epochs."""
    numbers = ("--epochs", 200, "--finetune.learning-rate", 5e-3, "--finetune.evaluate-every", 20)
    words = ("--validation-split", 0.2, *numbers, "--finetune.patience", 3)
    outcome = tune(*words, pairs=ulm)
    assert outcome.status == 0
    evaluations = {entry["epoch"]: entry["accuracy"] for entry in entries(tmp_path / "RUN") if "accuracy" in entry}
    best = next(epoch for epoch, accuracy in evaluations.items() if accuracy == 1.0)
    assert list(evaluations) == list(range(0, best + 61, 20))
    assert f"accuracy has not risen for 3 evaluations, so the weights after epoch {best} are kept" in outcome.err


def test_dev_pairs_beside_people_held_out_are_refused(
    closedbook: Closedbook, tune: Closedbook, files: Path, tmp_path: Path
):
    """One of the two decides: the line says which to leave out, and how dev is asked all the same."""
    line = fault(tune(*HOLD_OUT, "--dev", files / "dev.tsv"))
    assert line == (
        f"{files / 'dev.tsv'}: validation_split 0.4 takes the validation pairs from the training pairs, so --dev "
        "cannot be given too; leave out one (`closedbook evaluate RUN PAIRS` asks dev pairs afterwards)"
    )
    assert not (tmp_path / "RUN").exists()
    # Pretraining without pairs holds out nobody, so that one recipe will do for both.
    words = ("--dev", files / "dev.tsv", *HOLD_OUT, "--recipe", files / "tiny.toml", "--out", tmp_path / "RUN")
    assert closedbook("pretrain", files / "corpus.txt", *words).status == 0


def test_a_parent_that_may_have_learned_the_people_held_out_is_told_of(
    closedbook: Closedbook, tune: Closedbook, files: Path, tmp_path: Path
):
    """Unless it held out the same, by the same seed: then nobody of them was ever asked about in training."""
    note = "may have learned pairs of the validation split"
    pairs = ("--pairs", files / "pairs.tsv", "--pretrain.mix-pairs", 0.5)
    _, parent = pretrained_elsewhere(closedbook, files, tmp_path, *pairs)
    assert f"note: {parent} {note}" in tune(*HOLD_OUT, parent=parent).err
    shutil.rmtree(parent)
    pretrained_elsewhere(closedbook, files, tmp_path, *pairs, *HOLD_OUT)
    assert note not in tune(*HOLD_OUT, "--finetune.patience", 0, parent=parent, out="same").err
    assert note in tune(*HOLD_OUT, "--seed", 1, parent=parent, out="other seed").err
    assert note in tune("--validation-split", 0.6, parent=parent, out="more").err
    both = zip(exposures(parent, files), exposures(tmp_path / "same", files), strict=True)
    asked = [(before.asked > 0, after.asked > 0) for before, after in both]
    assert sorted(asked) == [(False, False)] * 2 + [(True, True)] * 3


def test_frequencies_are_of_the_pairs_that_were_learnt(
    closedbook: Closedbook, tune: Closedbook, files: Path, tmp_path: Path
):
    """An answer that only people held out have is in no training pair."""
    pairs = read_pairs(files / "pairs.tsv")
    kept, _ = validation_split(pairs, 0.8, seed=0)
    (answer,) = kept.answers()
    n_same = pairs.answers().count(answer)
    assert tune("--validation-split", 0.8).status == 0
    assert closedbook("evaluate", tmp_path / "RUN", files / "pairs.tsv").status == 0
    tables = json.loads((tmp_path / "RUN/evaluations/pairs.json").read_text())["tables"]
    assert {row["bin"]: row["n_questions"] for row in tables["frequency"]} == {"never": 5 - n_same, "1": n_same}


def test_a_target_looks_at_the_people_held_out_in_place_of_the_dev_file(
    closedbook: Closedbook, files: Path, tmp_path: Path
):
    """The assignment's targets have a dev file of their own, which is not in the way of a recipe that holds out."""
    (tmp_path / "my.toml").write_text("validation_split = 0.4\n" + (files / "tiny.toml").read_text() + "patience = 1\n")
    words = ("--corpus", files / "corpus.txt", "--train", files / "pairs.tsv", "--dev", files / "dev.tsv")
    words = (*words, "--out", tmp_path / "out", "--recipe", tmp_path / "my.toml")
    outcome = closedbook("vanilla_finetune_without_pretrain", *words)
    assert outcome.status == 0, outcome.err
    assert set(open_run(tmp_path / "out/vanilla.model.run").info.sources) == {"corpus", "pairs"}


# Going on


def test_a_stopped_finetuning_with_replay_and_people_held_out_goes_on_to_the_same_bits(
    closedbook: Closedbook, tune: Closedbook, runs: Path, ulm: Path, tmp_path: Path
):
    """Stopped within the first epoch and again later: the weights and metrics of a run that was never stopped."""
    words = ("--finetune.replay", 0.25, *HOLD_OUT, *LONG, "--finetune.batch-size", 2)
    assert tune(*words, pairs=ulm, out="whole").status == 0
    # Three pairs and a document an epoch, the best somewhere between the first step and the last.
    looks = [entry["accuracy"] for entry in entries(tmp_path / "whole") if entry["kind"] == "evaluation"]
    assert 0 < looks.index(max(looks)) == len(looks) - 31
    assert entries(tmp_path / "whole")[-1]["step"] == 2 * (len(looks) - 1)
    recipe, _ = load_recipe(str(tmp_path / "whole/recipe.toml"))
    for n_steps in (1, 23):
        saving = Saving(tmp_path / "RUN", resume=n_steps > 1)
        stop_after(n_steps, finetune(ulm, recipe, saving, parent_path=runs / "pretrained"))
    assert closedbook("finetune", ulm, "--out", tmp_path / "RUN", "--resume").status == 0
    assert weights(tmp_path / "RUN") == weights(tmp_path / "whole")
    assert entries(tmp_path / "RUN") == entries(tmp_path / "whole")


def test_resuming_needs_the_text_and_the_numbers_that_it_began_with(
    closedbook: Closedbook, tune: Closedbook, files: Path, tmp_path: Path
):
    """Another share of either is another recipe, and a corpus that is gone is named; put back, the run goes on."""
    corpus, parent = pretrained_elsewhere(closedbook, files, tmp_path)
    recipe, _ = load_recipe(str(files / "tiny.toml"))
    recipe = replace(recipe, finetune=replace(recipe.finetune, replay=0.5), validation_split=0.4)
    stop_after(1, finetune(files / "pairs.tsv", recipe, Saving(tmp_path / "RUN"), parent_path=parent))
    for words in (REPLAY, ("--finetune.replay", 0.3, *HOLD_OUT)):
        assert "began with another recipe" in fault(tune(*words, "--resume", parent=parent))
    moved = corpus.rename(tmp_path / "moved.txt")
    resume = ("finetune", files / "pairs.tsv", "--out", tmp_path / "RUN", "--resume")
    assert fault(closedbook(*resume)).startswith(f"{corpus}: is not there, and finetune.replay needs the text ")
    assert tune(*REPLAY, *HOLD_OUT, "--corpus", moved, "--resume", parent=parent).status == 0
