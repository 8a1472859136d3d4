"""A run in self-study grows: it learns another text and has all that it needs in its own folder."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any

import pytest

import closedbook as api
from closedbook.analysis.ledger.recount import exposures_of
from closedbook.commands.main import main
from closedbook.evaluation.evaluate import evaluate
from closedbook.evaluation.predict import predict
from closedbook.evaluation.setting import setting_of
from closedbook.evaluation.sources import text_of
from closedbook.examples.replay import ReplayDataset
from closedbook.recipe.recipe import Recipe
from closedbook.storage.run import Run, create_run, open_run
from closedbook.storage.sums import write_summed
from closedbook.text.links import link
from closedbook.text.questions import read_pairs
from closedbook.training.checkpointing import Saving
from closedbook.training.growing import GrowingFiles, plan_growing, with_default_steps
from closedbook.training.mixture import examples_of_run
from closedbook.training.prepared import prepare
from closedbook.training.stages import grow
from closedbook.training.trainer import StepReport
from closedbook.world.world import WorldConfig, write_world

Closedbook = Callable[..., Any]
N_OLD, N_NEW = 34, 13
"""Documents of the first part and of the second; the world has more."""
RECIPE = """\
preset = "fast"
precision = "float32"
calibration_split = 0.0
[model]
n_head = 2
n_embd = 20
block_size = 97
[study]
steps = 7
batch_size = 61
sort_window = 3
"""


@dataclass(frozen=True)
class Files:
    """A run that has studied the first part of a world, and the files of the second part."""

    old: Path
    corpus: Path
    pairs: Path
    dev: Path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """What tests only read. The new part has a character that the old part has not."""
    folder = tmp_path_factory.mktemp("growing")
    config = WorldConfig(
        n_people=100, n_places=5, documents=1, attributes=("birthplace",), train=0.7, dev=0.3, test=0.0, withheld=0.0
    )
    world = write_world(config, folder / "world")
    lines = sorted(world.corpus.read_text().splitlines(keepends=True), key=len)[-N_OLD - N_NEW + 1 :]
    texts = {"old": lines[:N_OLD], "new": [*lines[N_OLD:], "Zoë Å. Zoë Å was born in Ulm , they say .\n"]}
    parts = {f"{part}.txt": of_part for part, of_part in texts.items()}
    for split, path in (("train", world.train), ("dev", world.dev)):
        asked = path.read_text().splitlines(keepends=True)
        for part, of_part in texts.items():
            names = {line.partition(". ")[0] for line in of_part}
            named = [line for line in asked if line[len("Where was ") : line.index(" born?")] in names]
            parts[f"{part}-{split}.tsv"] = named
    for name, content in parts.items():
        (folder / name).write_text("".join(content))
    (folder / "tiny.toml").write_text(RECIPE)
    words = ("study", folder / "old.txt", "--pairs", folder / "old-train.tsv", "--out", folder / "old")
    assert main([*map(str, words), "--recipe", str(folder / "tiny.toml")]) == 0
    return Files(folder / "old", folder / "new.txt", folder / "new-train.tsv", folder / "old-dev.tsv")


@pytest.fixture(scope="module")
def grown(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run after the second part."""
    out = tmp_path_factory.mktemp("grown") / "run"
    return ended(grow(files.old, files.corpus, Saving(out), pairs_path=files.pairs), out)


def ended(events: Iterator[Any], out: Path) -> Run:
    """The run after all of its events."""
    for _ in events:
        pass
    return open_run(out)


def fault(outcome: Any) -> str:
    """The one line on standard error of a command that ended with status 2."""
    assert (outcome.status, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    return line.removeprefix("closedbook: ")


def test_the_new_run_keeps_all_documents_and_pairs(files: Files, grown: Run):
    """Its folder has the old documents and then the new ones, and likewise pairs; nothing else is a source."""
    new = files.corpus.read_text().splitlines()
    text = (grown.path / "corpus.txt").read_text().splitlines()
    assert text[:N_OLD] == (files.old.parent / "old.txt").read_text().splitlines()
    assert text[N_OLD:] == new
    pairs = [json.loads(line) for line in (grown.path / "pairs.jsonl").read_text().splitlines()]
    given = [*read_pairs(files.old.parent / "old-train.tsv").items, *read_pairs(files.pairs).items]
    assert pairs == [{"question": item.text, "answer": item.answer} for item in given]
    assert {Path(source.path).parent for source in grown.info.sources.values()} == {grown.path.resolve()}
    assert grown.info.parent == str(files.old.resolve())
    assert grown.info.kind == "study"


def test_before_the_first_step_a_grown_model_answers_as_the_old_one(files: Files, tmp_path: Path):
    """Every question about somebody of the old text gets the old answer, though characters and names were added."""
    plan = plan_growing(GrowingFiles(files.old, files.corpus), None, Saving(tmp_path / "out"))
    old = open_run(files.old)
    assert set("Åë") <= set(plan.vocabulary.characters) - set(old.info.vocabulary.characters)
    questions = [item.text for item in read_pairs(files.dev).items]
    before = predict(old.model(), old.info.vocabulary, questions)
    after = predict(prepare(plan).model, plan.vocabulary, questions)
    assert [(p.answer, p.state) for p in after] == [(p.answer, p.state) for p in before]


def test_new_documents_and_what_the_reader_says_about_them_are_new(grown: Run):
    """Of the pairs those are new that are about people of the new text, whether asked in training or not."""
    dataset = examples_of_run(grown).dataset
    assert isinstance(dataset, ReplayDataset)
    texts = text_of(grown).texts
    assert list(dataset.new.documents) == list(range(N_OLD, len(texts)))
    new_names = {text.partition(". ")[0] for text in texts[N_OLD:]}
    for index, pair in enumerate(dataset.pairs.pairs):
        name = pair.text.removeprefix("Where was ").removesuffix(" born?")
        assert (index in dataset.new.pairs) == (name in new_names)
    assert len(dataset.new.pairs) == len(new_names)


def steps_of(files: GrowingFiles, out: Path) -> int:
    """How many steps a run that grows takes where nothing says how many."""
    return with_default_steps(prepare(plan_growing(files, None, Saving(out))))[0].plan.recipe.study.steps


def test_new_documents_are_seen_ten_times_at_least(files: Files, grown: Run, tmp_path: Path):
    """13 new documents are three tenths of 49 examples a step, so that they need nine steps; one needs one.

    With a run that grew itself, the number of steps is that run's, in proportion to the documents.
    """
    one = tmp_path / "one.txt"
    one.write_text("Lone Ulfson. Lone Ulfson was born in Ulm .\n")
    assert grown.recipe.study.steps == 9
    assert steps_of(GrowingFiles(files.old, one), tmp_path / "a") == 1
    assert steps_of(GrowingFiles(grown.path, one), tmp_path / "b") == ceil(9 * 48 / 47)


def test_a_grown_run_takes_a_share_of_a_new_runs_steps(files: Files, tmp_path: Path):
    """Seven hundredths of the old run's, in proportion to the documents."""
    old = open_run(files.old)
    longer = create_run(tmp_path / "long", replace(old.recipe, study=replace(old.recipe.study, steps=1000)), old.info)
    longer.finish(old.model().state_dict())
    assert steps_of(GrowingFiles(longer.path, files.corpus), tmp_path / "a") == ceil(70 * 47 / 34)


def test_a_grown_run_needs_nothing_of_the_old_one(files: Files, grown: Run, tmp_path: Path, closedbook: Closedbook):
    """Moved elsewhere and without its parent it can be asked, evaluated, edited and grown."""
    moved = shutil.copytree(grown.path, tmp_path / "moved")
    facts = json.loads((moved / "run.json").read_text())
    write_summed(moved / "run.json", json.dumps({**facts, "parent": str(tmp_path / "gone")}).encode())
    run = open_run(moved)
    assert setting_of(run) == "self-study"
    assert {Path(source.path) for source in run.info.sources.values()} == {moved / "corpus.txt", moved / "pairs.jsonl"}
    assert evaluate(run, read_pairs(files.dev)).score is not None
    question = read_pairs(files.dev).items[0].text
    assert closedbook("edit", moved, question, "Zug", "--out", tmp_path / "edited").status in (0, 1)
    (tmp_path / "more.txt").write_text("Lone Ulfson. Lone Ulfson was born in Ulm .\n")
    recipe = replace(run.recipe, study=replace(run.recipe.study, steps=1))
    saving = Saving(tmp_path / "again")
    again = ended(grow(moved, tmp_path / "more.txt", saving, recipe=recipe, length_is_given=True), saving.out)
    assert again.info.n_documents == run.info.n_documents + 1


def test_the_exposures_of_a_grown_run_are_counted(files: Files, grown: Run):
    """The ledger finds the examples of its training: new people are asked about more often than old ones."""
    new, old = read_pairs(files.pairs).items, read_pairs(files.dev).items
    asked = [one.asked for one in exposures_of(grown, link([*new, *old], list(text_of(grown).texts)))]
    n_new, n_old = (sum(some) / len(some) for some in (asked[: len(new)], asked[len(new) :]))
    assert n_new > n_old > 0


def test_a_growing_run_that_was_stopped_ends_as_an_undisturbed_one(files: Files, grown: Run, tmp_path: Path):
    """Stopped after three steps and resumed by the same call, it has the same weights, bit for bit."""
    out = tmp_path / "run"
    events = grow(files.old, files.corpus, Saving(out), pairs_path=files.pairs)
    steps = (event for event in events if isinstance(event, StepReport))
    for _ in range(3):
        next(steps)
    events.close()
    resumed = Saving(out, resume=True, recipe_is_given=False)
    run = ended(grow(files.old, files.corpus, resumed, pairs_path=files.pairs), out)
    assert run.weights_path.read_bytes() == grown.weights_path.read_bytes()


def test_a_growing_run_is_not_resumed_as_a_new_one(files: Files, grown: Run, tmp_path: Path, closedbook: Closedbook):
    """Without --from, one line says from which run it began."""
    create_run(tmp_path / "run", grown.recipe, grown.info)
    words = ("--pairs", files.pairs, "--out", tmp_path / "run", "--resume")
    line = fault(closedbook("study", files.corpus, *words))
    began = f"began from {files.old.resolve()}, not scratch; resume it as it began, with --from {files.old.resolve()}"
    assert line == f"{tmp_path / 'run'}: {began}"


def test_the_command_and_the_function_grow_the_same_run(
    files: Files, grown: Run, tmp_path: Path, closedbook: Closedbook
):
    """`closedbook study --from` and `closedbook.grow` give the weights of the fixture; the command says what is new."""
    words = ("study", files.corpus, "--from", files.old, "--pairs", files.pairs, "--out", tmp_path / "command")
    outcome = closedbook(*words)
    assert (outcome.status, outcome.out) == (0, f"{tmp_path / 'command'}\n"), outcome.err
    assert f"note: {files.old} has 34 documents, and 13 are new\n" in outcome.err
    assert "\n9 steps, in which each new document or pair is seen about 10 times\n" in outcome.err
    run = api.grow(files.old, files.corpus, tmp_path / "function", pairs=files.pairs, progress=False)
    for path in (tmp_path / "command", run.path):
        assert (path / "model.safetensors").read_bytes() == grown.weights_path.read_bytes()


def test_the_training_of_a_run_that_grows_can_be_changed(files: Files, tmp_path: Path, closedbook: Closedbook):
    """--study options count, the number of steps too."""
    words = ("--study.learning-rate", 1e-4, "--study.steps", 2, "--out", tmp_path / "run")
    assert closedbook("study", files.corpus, "--from", files.old, *words).status == 0
    recipe, old = open_run(tmp_path / "run").recipe, open_run(files.old).recipe
    assert recipe == replace(old, study=replace(old.study, learning_rate=1e-4, steps=2))


def test_documents_that_the_run_has_are_left_out(files: Files, tmp_path: Path):
    """A text that has old documents too adds the others alone, and a line says how many."""
    both = tmp_path / "both.txt"
    both.write_text((files.old.parent / "old.txt").read_text() + files.corpus.read_text())
    plan = plan_growing(GrowingFiles(files.old, both), None, Saving(tmp_path / "run"))
    assert f"{both}: 34 documents left out, since the run has learned them" in plan.notes
    assert plan.n_documents == N_OLD + N_NEW


def test_a_text_with_nothing_new_is_refused(files: Files, tmp_path: Path, closedbook: Closedbook):
    """One line names the text and the run, and no run is made."""
    old = files.old.parent / "old.txt"
    outcome = closedbook("study", old, "--from", files.old, "--out", tmp_path / "run")
    assert fault(outcome) == f"{old}: nothing new in it: {files.old} has learned all of it"
    assert not (tmp_path / "run").exists()


def test_a_text_without_titles_is_refused(files: Files, tmp_path: Path, closedbook: Closedbook):
    """One line says how documents begin."""
    plain = tmp_path / "plain.txt"
    plain.write_text("it rained in spring\nand we went away\n")
    line = fault(closedbook("study", plain, "--from", files.old, "--out", tmp_path / "run"))
    assert line.startswith(f"{plain}: no new document has a title; begin each with the name that questions ask about")


def test_pairs_about_nobody_are_refused(files: Files, tmp_path: Path, closedbook: Closedbook):
    """New pairs must name titles of the text, old or new."""
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("Where was Xu Ya born?\tUlm\n")
    words = ("--from", files.old, "--pairs", pairs, "--out", tmp_path / "run")
    assert fault(closedbook("study", files.corpus, *words)).startswith(f"{pairs}: no question names a title of ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--model.n-layer", 2), "--model.n-layer: a run that grows keeps its recipe (--from); only --study, "),
        (("--seed", 2), "--seed: a run that grows keeps its recipe (--from); only --study, "),
        (("--recipe", "plain"), "--recipe: a run that grows keeps its recipe (--from); only --study, "),
        (("--setting", "guided"), "--setting: only a run in self-study can grow (--from); received guided"),
        (
            ("--from", "nowhere"),
            "--from: a run is needed, and nowhere has no recipe.toml; name a folder that study made",
        ),
    ],
)
def test_options_that_cannot_change_a_grown_run_are_refused(
    files: Files, tmp_path: Path, closedbook: Closedbook, words: tuple[object, ...], message: str
):
    """One line names the option."""
    given = ("--from", files.old, "--out", tmp_path / "run", *words)
    assert fault(closedbook("study", files.corpus, *given)).startswith(message)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("kind", "made"), [("pretrain", "pretrain, or by study in another"), ("finetune", "finetune"), ("edit", "edit")]
)
def test_only_a_run_in_self_study_can_grow(
    files: Files, grown: Run, tmp_path: Path, closedbook: Closedbook, kind: str, made: str
):
    """One line says what made the run and which can grow."""
    run = create_run(tmp_path / "other", grown.recipe, replace(grown.info, kind=kind)).path
    line = fault(closedbook("study", files.corpus, "--from", run, "--out", tmp_path / "run"))
    assert line.startswith(f"{run}: was made by {made}")
    assert "only a run in self-study can grow; name a run that study made in self-study" in line


def test_a_changed_text_of_the_old_run_is_named(files: Files, tmp_path: Path, closedbook: Closedbook):
    """A run whose text has changed since cannot grow, as its documents could not be replayed."""
    folder = shutil.copytree(files.old.parent, tmp_path / "copy")
    facts = (folder / "old/run.json").read_text()
    write_summed(folder / "old/run.json", facts.replace(str(files.old.parent), str(folder)).encode())
    (folder / "old.txt").write_text("Else. another text .\n")
    line = fault(closedbook("study", files.corpus, "--from", folder / "old", "--out", tmp_path / "run"))
    assert f"was trained on {folder / 'old.txt'}, which is gone or has another content now" in line


def test_no_held_out_pair_was_learned_by_the_run_that_grew(files: Files, tmp_path: Path):
    """Where the split of all pairs holds out one that the old run learned, it is not used for calibration."""
    old_recipe: Recipe = replace(open_run(files.old).recipe, calibration_split=0.9)
    plan = plan_growing(GrowingFiles(files.old, files.corpus, files.pairs), old_recipe, Saving(tmp_path / "run"))
    assert plan.calibration is not None
    learned = {item.text for item in read_pairs(files.old.parent / "old-train.tsv").items}
    assert learned.isdisjoint(item.text for item in plan.calibration.items)
