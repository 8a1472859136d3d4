"""`closedbook finetune`: replay of the parent's text, and validation by a split of the pairs."""

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
SPLIT = ("--validation-split", 0.4)
"""Two of five people."""
LONG = ("--epochs", 90, "--finetune.patience", 30, "--finetune.learning-rate", 5e-3)
"""Enough epochs to learn that everybody is from Ulm."""


@pytest.fixture
def tune(closedbook: Closedbook, files: Path, runs: Path, tmp_path: Path) -> Closedbook:
    """Run `closedbook finetune` with the tiny recipe, from the run `pretrained` or `parent`, to RUN or `out`."""

    def tune(*words: object, parent: Path | None = None, pairs: Path | None = None, out: str = "RUN") -> Any:
        given = (pairs or files / "pairs.tsv", "--from", parent or runs / "pretrained", "--out", tmp_path / out)
        recipe = () if "--recipe" in words else ("--recipe", files / "tiny.toml")
        return closedbook("finetune", *given, *recipe, *words)

    return tune


@pytest.fixture
def ulm(files: Path, tmp_path: Path) -> Path:
    """Pairs in which everybody is from Ulm, which a model learns for people outside the pairs as well."""
    path = tmp_path / "ulm.tsv"
    path.write_text("".join(f"{item.text}\tUlm\n" for item in read_pairs(files / "pairs.tsv").items))
    return path


def fault(outcome: Any) -> str:
    """The one line on standard error of a command that ended with status 2 and printed no result."""
    assert (outcome.status, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    return line.removeprefix("closedbook: ")


def weights(run: Path) -> bytes:
    """The bytes of a run's final weights."""
    return (run / "model.safetensors").read_bytes()


def entries(run: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl without the times of steps."""
    lines = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    return [{key: value for key, value in entry.items() if key != "seconds"} for entry in lines]


def exposures(run: Path, files: Path) -> list[Exposure]:
    """The exposures of the five training pairs by one run."""
    documents = [document.text for document in read_corpus(files / "corpus.txt").documents]
    return exposures_of(open_run(run), link(read_pairs(files / "pairs.tsv").items, documents))


def stop_after(n_steps: int, events: Any) -> None:
    """Close a run after a step, as an interruption does."""
    while getattr(next(events), "step", 0) < n_steps:
        pass
    events.close()


def pretrained_elsewhere(closedbook: Closedbook, files: Path, tmp_path: Path, *words: object) -> tuple[Path, Path]:
    """A copy of the corpus, which a test may move or change, and a run pretrained on it."""
    corpus, parent = tmp_path / "book.txt", tmp_path / "parent"
    shutil.copy(files / "corpus.txt", corpus)
    recipe = ("--recipe", files / "tiny.toml", "--epochs", 1)
    assert closedbook("pretrain", corpus, "--out", parent, *recipe, *words).status == 0
    return corpus, parent


# Replay


def test_replay_mixes_in_the_parents_documents_with_the_parents_masks(
    closedbook: Closedbook, tune: Closedbook, files: Path, tmp_path: Path
):
    """An epoch has each pair once, and as many documents, in turn, masked by the parent's corruption.

    The run's folder has this corpus and corruption, as if they had been given.
    """
    masks = ("--corruption.span", 1, "--corruption.guided", 0)
    corpus, parent = pretrained_elsewhere(closedbook, files, tmp_path, *masks)
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
        strings = [example_text(dataset, row) for row in range(len(dataset))]
        assert strings == [*in_turn[5 * dataset.epoch : 5 * dataset.epoch + 5], *pairs]


def test_the_reader_of_replay_learns_from_the_pairs_of_finetuning(tune: Closedbook):
    """A note says in how many documents it found answers."""
    outcome = tune(*REPLAY, "-v")
    assert "the reader found spans that look like answers in " in outcome.err
    assert "objective guided" not in tune(out="without").err


def test_the_ledger_counts_what_was_replayed(
    closedbook: Closedbook, tune: Closedbook, files: Path, runs: Path, tmp_path: Path
):
    """Five of eight documents per epoch, in addition to the exposures of the parent."""
    assert tune(*REPLAY, "--epochs", 8, "--seed", 5).status == 0
    counted = exposures(tmp_path / "RUN", files)
    assert [e.asked for e in counted] == [8] * 5
    # Eight epochs of five documents are five passes over eight documents.
    assert all(0 < e.predicted <= e.seen <= 5 for e in counted)
    assert closedbook("ledger", tmp_path / "RUN", files / "pairs.tsv").status == 0
    counts = json.loads(next(tmp_path.glob("RUN/ledger/pairs-*.json")).read_text())["facts"]
    of_parent = exposures(runs / "pretrained", files)
    both = [e.seen + more.seen for e, more in zip(counted, of_parent, strict=True)]
    assert [fact["seen"] for fact in counts] == both


def test_a_corpus_that_was_moved_is_named_by_corpus(
    closedbook: Closedbook, tune: Closedbook, files: Path, tmp_path: Path
):
    """Only its content counts: the weights are those of a run that found the text at its old path."""
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
    # Without replay the corpus is not read.
    assert tune(parent=parent, out="without").status == 0
    assert "corpus" not in open_run(tmp_path / "without").info.sources


def test_another_text_than_the_parents_is_not_replayed(
    closedbook: Closedbook, tune: Closedbook, files: Path, tmp_path: Path
):
    """A corpus with another content ends in one line with the rule and what to do, and no run is created."""
    corpus, parent = pretrained_elsewhere(closedbook, files, tmp_path)
    line = fault(tune(*REPLAY, "--corpus", files / "dev.tsv", parent=parent))
    assert line.startswith(f"{files / 'dev.tsv'}: is another text, and finetune.replay needs the text that {parent} ")
    corpus.write_text(corpus.read_text().replace("Ulm", "Rom"))
    assert fault(tune(*REPLAY, parent=parent)).startswith(f"{corpus}: is another text, and finetune.replay needs ")
    assert not (tmp_path / "RUN").exists()


def test_replay_finds_the_text_of_the_first_run_of_a_lineage(tune: Closedbook, files: Path, runs: Path, tmp_path: Path):
    """A finetuned parent learned no text, but the run that it started from did."""
    assert tune(*REPLAY, parent=runs / "finetuned").status == 0
    run = open_run(tmp_path / "RUN")
    assert run.info.sources["corpus"].path == str(files / "corpus.txt")
    assert run.recipe.corruption == open_run(runs / "pretrained").recipe.corruption


def test_replay_needs_a_run_that_learned_a_text(
    closedbook: Closedbook, tune: Closedbook, files: Path, runs: Path, tmp_path: Path
):
    """A run from scratch has only the vocabulary of a corpus, and finetuning from scratch has no parent."""
    line = fault(tune(*REPLAY, parent=runs / "scratch"))
    assert line == (
        f"{runs / 'scratch'}: has learned no text that finetune.replay could replay; name a run that pretrain or study "
        "made by --from, or leave finetune.replay at 0"
    )
    words = (files / "pairs.tsv", "--corpus", files / "corpus.txt", "--out", tmp_path / "RUN")
    assert fault(closedbook("finetune", *words, "--scratch.replay", 0.5)).startswith("--scratch.replay: ")
    assert not (tmp_path / "RUN").exists()


# The validation split


def test_the_validation_split_is_not_trained_on(tune: Closedbook, files: Path, tmp_path: Path):
    """The weights are those of a run without these pairs, and accuracy on them is shown."""
    pairs = read_pairs(files / "pairs.tsv")
    kept, _ = validation_split(pairs, 0.4, seed=0)
    (tmp_path / "kept.tsv").write_text("".join(f"{item.text}\t{item.answer}\n" for item in kept.items))
    assert tune(pairs=tmp_path / "kept.tsv", out="kept").status == 0
    outcome = tune(*SPLIT, "--finetune.patience", 0)
    assert outcome.status == 0
    assert "reading 5 pairs, of which 2 are held out\n" in outcome.err
    assert "finetune: validation accuracy 0 of 2, 0.0% (95% interval 0.0% to 65.8%) after epoch 1" in outcome.err
    assert weights(tmp_path / "RUN") == weights(tmp_path / "kept")
    asked = [exposure.asked for exposure in exposures(tmp_path / "RUN", files)]
    assert asked == [int(item in kept.items) for item in pairs.items]


def test_patience_needs_no_dev_file(tune: Closedbook, tmp_path: Path):
    """Accuracy on the validation split ends the run, and a note says which weights are kept."""
    words = ("--epochs", 9, "--finetune.patience", 2)
    outcome = tune(*SPLIT, *words)
    assert "accuracy has not risen for 2 evaluations, so the weights that training started from are kept" in outcome.err
    accuracies = [entry["accuracy"] for entry in entries(tmp_path / "RUN") if entry["kind"] == "evaluation"]
    assert accuracies == [0.0, 0.0, 0.0]


def test_the_best_weights_are_kept_and_the_ledger_counts_up_to_them(
    closedbook: Closedbook, tune: Closedbook, ulm: Path, tmp_path: Path
):
    """Epochs after the best evaluation are neither kept nor counted."""
    assert tune("--validation-split", 0.2, *LONG, pairs=ulm).status == 0
    accuracies = [entry["accuracy"] for entry in entries(tmp_path / "RUN") if entry["kind"] == "evaluation"]
    best = accuracies.index(1.0)
    assert 0 < best == len(accuracies) - 31
    assert closedbook("ledger", tmp_path / "RUN", ulm).status == 0
    facts = json.loads(next(tmp_path.glob("RUN/ledger/ulm-*.json")).read_text())["facts"]
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


def test_dev_pairs_and_a_validation_split_exclude_each_other(
    closedbook: Closedbook, tune: Closedbook, files: Path, tmp_path: Path
):
    """The line says to leave one out, and how to ask the dev pairs afterwards."""
    line = fault(tune(*SPLIT, "--dev", files / "dev.tsv"))
    assert line == (
        f"{files / 'dev.tsv'}: validation_split 0.4 takes the validation pairs from the training pairs, so --dev "
        "cannot be given too; leave out one (`closedbook evaluate RUN PAIRS` asks dev pairs afterwards)"
    )
    assert not (tmp_path / "RUN").exists()
    # Pretraining without pairs splits nothing, so that one recipe can serve both.
    words = ("--dev", files / "dev.tsv", *SPLIT, "--recipe", files / "tiny.toml", "--out", tmp_path / "RUN")
    assert closedbook("pretrain", files / "corpus.txt", *words).status == 0


def test_a_note_says_that_the_parent_may_have_learned_pairs_of_the_validation_split(
    closedbook: Closedbook, tune: Closedbook, files: Path, tmp_path: Path
):
    """Unless it had the same split by the same seed, so that it never trained on these questions."""
    note = "may have learned pairs of the validation split"
    pairs = ("--pairs", files / "pairs.tsv", "--pretrain.mix-pairs", 0.5)
    _, parent = pretrained_elsewhere(closedbook, files, tmp_path, *pairs)
    assert f"note: {parent} {note}" in tune(*SPLIT, parent=parent).err
    shutil.rmtree(parent)
    pretrained_elsewhere(closedbook, files, tmp_path, *pairs, *SPLIT)
    assert note not in tune(*SPLIT, "--finetune.patience", 0, parent=parent, out="same").err
    assert note in tune(*SPLIT, "--seed", 1, parent=parent, out="other seed").err
    assert note in tune("--validation-split", 0.6, parent=parent, out="more").err
    both = zip(exposures(parent, files), exposures(tmp_path / "same", files), strict=True)
    asked = [(before.asked > 0, after.asked > 0) for before, after in both]
    assert sorted(asked) == [(False, False)] * 2 + [(True, True)] * 3


def test_frequencies_are_counted_in_the_pairs_that_were_trained_on(
    closedbook: Closedbook, tune: Closedbook, files: Path, tmp_path: Path
):
    """An answer that only the validation split has is in no training pair."""
    pairs = read_pairs(files / "pairs.tsv")
    kept, _ = validation_split(pairs, 0.8, seed=0)
    (answer,) = kept.answers()
    n_same = pairs.answers().count(answer)
    assert tune("--validation-split", 0.8).status == 0
    assert closedbook("evaluate", tmp_path / "RUN", files / "pairs.tsv").status == 0
    tables = json.loads(next(tmp_path.glob("RUN/evaluations/pairs-*.json")).read_text())["tables"]
    assert {row["bin"]: row["n_questions"] for row in tables["frequency"]} == {"never": 5 - n_same, "1": n_same}


def test_a_target_with_a_validation_split_needs_no_dev_file(closedbook: Closedbook, files: Path, tmp_path: Path):
    """The assignment's targets always name a dev file, which a recipe with a split leaves unused."""
    (tmp_path / "my.toml").write_text("validation_split = 0.4\n" + (files / "tiny.toml").read_text() + "patience = 1\n")
    words = ("--corpus", files / "corpus.txt", "--train", files / "pairs.tsv", "--dev", files / "dev.tsv")
    words = (*words, "--out", tmp_path / "out", "--recipe", tmp_path / "my.toml")
    outcome = closedbook("vanilla_finetune_without_pretrain", *words)
    assert outcome.status == 0, outcome.err
    assert set(open_run(tmp_path / "out/vanilla.model.run").info.sources) == {"corpus", "pairs"}


# Resuming


def test_a_stopped_finetuning_with_replay_and_a_split_is_resumed_to_the_same_bits(
    closedbook: Closedbook, tune: Closedbook, runs: Path, ulm: Path, tmp_path: Path
):
    """Stopped within the first epoch and again later, it ends with the weights and metrics of an undisturbed run."""
    words = ("--finetune.replay", 0.25, *SPLIT, *LONG, "--finetune.batch-size", 2)
    assert tune(*words, pairs=ulm, out="whole").status == 0
    # An epoch has three pairs and a document; the best evaluation is between the first and the last.
    accuracies = [entry["accuracy"] for entry in entries(tmp_path / "whole") if entry["kind"] == "evaluation"]
    assert 0 < accuracies.index(max(accuracies)) == len(accuracies) - 31
    assert entries(tmp_path / "whole")[-1]["step"] == 2 * (len(accuracies) - 1)
    recipe, _ = load_recipe(str(tmp_path / "whole/recipe.toml"))
    for n_steps in (1, 23):
        saving = Saving(tmp_path / "RUN", resume=n_steps > 1)
        stop_after(n_steps, finetune(ulm, recipe, saving, parent_path=runs / "pretrained"))
    assert closedbook("finetune", ulm, "--out", tmp_path / "RUN", "--resume").status == 0
    assert weights(tmp_path / "RUN") == weights(tmp_path / "whole")
    assert entries(tmp_path / "RUN") == entries(tmp_path / "whole")


def test_resuming_needs_the_same_text_and_recipe(closedbook: Closedbook, tune: Closedbook, files: Path, tmp_path: Path):
    """Another share is another recipe. A missing corpus is named; with --corpus at its new path, the run is resumed."""
    corpus, parent = pretrained_elsewhere(closedbook, files, tmp_path)
    recipe, _ = load_recipe(str(files / "tiny.toml"))
    recipe = replace(recipe, finetune=replace(recipe.finetune, replay=0.5), validation_split=0.4)
    stop_after(1, finetune(files / "pairs.tsv", recipe, Saving(tmp_path / "RUN"), parent_path=parent))
    for words, began in (
        (REPLAY, "validation_split 0.4"),
        (("--finetune.replay", 0.3, *SPLIT), "finetune.replay 0.5"),
    ):
        line = fault(tune(*words, "--resume", parent=parent))
        assert f"began with {began}, and --resume changes no hyperparameter" in line
    moved = corpus.rename(tmp_path / "moved.txt")
    resume = ("finetune", files / "pairs.tsv", "--out", tmp_path / "RUN", "--resume")
    assert fault(closedbook(*resume)).startswith(f"{corpus}: is not there, and finetune.replay needs the text ")
    assert tune(*REPLAY, *SPLIT, "--corpus", moved, "--resume", parent=parent).status == 0
