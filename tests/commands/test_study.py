"""`closedbook study`: from a text and some pairs to a model that answers, in two settings, with a budget."""

import json
import re
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import torch

from closedbook.analysis.ledger.counts import Exposure, Ledger, example_text
from closedbook.analysis.ledger.recount import dataset_of, exposures_of
from closedbook.commands.main import main
from closedbook.errors import InputError
from closedbook.examples.batches import Batches
from closedbook.examples.datasets import supervised
from closedbook.recipe.recipe_file import load_recipe
from closedbook.storage.checkpoint import load_latest
from closedbook.storage.run import open_run
from closedbook.text.documents import read_corpus
from closedbook.text.links import Fact, link
from closedbook.text.questions import read_pairs
from closedbook.text.validation import validation_split
from closedbook.training.budget import Budget
from closedbook.training.checkpointing import Saving
from closedbook.training.events import Note, Started
from closedbook.training.stages import pretrain, self_study
from closedbook.training.trainer import StepReport
from closedbook.world.world import WorldConfig, WorldFiles, write_world

Closedbook = Callable[..., Any]
STAGES = {"self-study": "study", "guided": "pretrain"}
"""Setting: the part of the recipe that it follows, which is also the kind of its runs."""

RECIPE = """\
preset = "fast"
precision = "float32"
[model]
n_head = 2
n_embd = 20
block_size = 97
[pretrain]
epochs = 2
batch_size = 13
sort_window = 3
[study]
epochs = 1
batch_size = 17
mix_pairs = 0.7
sort_window = 3
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that tests only read: a world of a hundred people, a recipe, and a run in each setting."""
    folder = tmp_path_factory.mktemp("study")
    config = WorldConfig(
        n_people=100, n_places=5, documents=1, attributes=("birthplace",), train=0.4, dev=0.2, test=0.2, withheld=0.2
    )
    files = write_world(config, folder / "world")
    (folder / "tiny.toml").write_text(RECIPE)
    for setting in STAGES:
        words = ("study", files.corpus, "--pairs", files.train, "--out", folder / setting, "--setting", setting)
        assert main([*map(str, words), "--recipe", str(folder / "tiny.toml")]) == 0
    return folder


@pytest.fixture
def study(closedbook: Closedbook, home: Path, tmp_path: Path) -> Closedbook:
    """Run `closedbook study` on the world, with the tiny recipe or another, to RUN in the test's folder."""

    def study(*words: object, corpus: Path | None = None, pairs: Path | None = None, recipe: object = None) -> Any:
        given = (corpus or home / "world/corpus.txt", "--pairs", pairs or home / "world/train.tsv")
        return closedbook("study", *given, "--out", tmp_path / "RUN", "--recipe", recipe or home / "tiny.toml", *words)

    return study


def events_of(setting: str, home: Path, saving: Saving, budget: Budget | None = None, **stage: Any) -> Any:
    """The events of a study with the tiny recipe, in which `stage` changes hyperparameters of its stage."""
    recipe, _ = load_recipe(str(home / "tiny.toml"))
    name = STAGES[setting]
    recipe = replace(recipe, **{name: replace(getattr(recipe, name), **stage)})
    train = self_study if setting == "self-study" else pretrain
    files = WorldFiles.of_folder(home / "world")
    return train(files.corpus, recipe, saving, pairs_path=files.train, budget=budget)


def fault(outcome: Any, *done: str) -> str:
    """The line with which a command ended with status 2, after lines that begin with what was done."""
    assert (outcome.status, outcome.out) == (2, "")
    *before, line = outcome.err.splitlines()
    assert [text.partition(" ")[0] for text in before] == list(done)
    return line.removeprefix("closedbook: ")


def steps(run: Path) -> list[dict[str, Any]]:
    """The steps in metrics.jsonl, without their times."""
    entries = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [
        {key: value for key, value in entry.items() if key != "seconds"} for entry in entries if entry["kind"] == "step"
    ]


def weights(run: Path) -> bytes:
    """The bytes of a run's final weights."""
    return (run / "model.safetensors").read_bytes()


# The settings


def test_self_study_saves_its_silver_pairs_in_the_runs_folder(home: Path):
    """A line of silver.tsv has question, answer and confidence; training pairs are in it with confidence 1."""
    rows = [line.split("\t") for line in (home / "self-study/silver.tsv").read_text().splitlines()]
    assert len(rows) == 81  # eighty people and the line of letters
    given = {(item.text, item.answer) for item in read_pairs(home / "world/train.tsv").items}
    assert {(question, answer) for question, answer, confidence in rows if confidence == "1.000"} >= given
    assert all(0 < float(confidence) <= 1 for _, _, confidence in rows)
    assert not (home / "guided/silver.tsv").exists()


@pytest.mark.parametrize(("setting", "kind"), STAGES.items())
def test_a_run_says_which_kind_it_is(home: Path, setting: str, kind: str):
    """A study run in self-study, a pretraining run in guided; both have corpus and training pairs as sources."""
    run = open_run(home / setting)
    assert run.is_finished
    assert run.info.kind == kind
    assert set(run.info.sources) == {"corpus", "pairs"}
    assert "prefix_table = true" in (home / setting / "recipe.toml").read_text()
    assert set(run.info.vocabulary.words) >= {"Vandmere"}


@pytest.mark.parametrize("setting", STAGES)
def test_a_studied_run_can_be_asked_evaluated_inspected_and_finetuned(
    closedbook: Closedbook, home: Path, tmp_path: Path, setting: str
):
    """Every command that takes a run takes it."""
    run = shutil.copytree(home / setting, tmp_path / "run")
    dev = home / "world/dev.tsv"
    question = read_pairs(dev).items[0].text
    assert closedbook("ask", run, question).status == 0
    predicted = closedbook("predict", run, dev)
    assert len(predicted.out.splitlines()) == 20
    evaluated = closedbook("evaluate", run, dev)
    assert evaluated.status == 0
    assert evaluated.out.startswith("accuracy: ")
    inspected = closedbook("inspect", run)
    assert any(line.split()[:2] == ["prefix", "table"] for line in inspected.out.splitlines())
    words = ("--from", run, "--out", tmp_path / "further", "--recipe", home / "tiny.toml", "--epochs", 1)
    further = closedbook("finetune", home / "world/train.tsv", *words)
    assert further.status == 0, further.err
    assert open_run(tmp_path / "further").info.vocabulary == open_run(run).info.vocabulary


_opened: list[str] = []


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Note which files are opened; there is one hook, because Python cannot remove hooks."""
    if event == "open" and isinstance(arguments[0], str):
        _opened.append(arguments[0])


@pytest.mark.parametrize("setting", STAGES)
def test_no_setting_reads_a_dev_or_test_file(study: Closedbook, home: Path, setting: str):
    """Corpus and training pairs are the only files of the world that are opened."""
    if not _opened:
        sys.addaudithook(_watch)
    _opened.clear()
    assert study("--setting", setting, "--epochs", 1).status == 0
    assert {Path(path).name for path in _opened if path.startswith(str(home / "world"))} == {"corpus.txt", "train.tsv"}


def test_dev_pairs_are_evaluated_and_not_trained_on(study: Closedbook, home: Path, tmp_path: Path):
    """With --dev, accuracy is shown as the recipe says, and the weights are those without it."""
    outcome = study("--dev", home / "world/dev.tsv")
    assert outcome.status == 0
    assert "study: dev accuracy " in outcome.err
    assert weights(tmp_path / "RUN") == weights(home / "self-study")


@pytest.mark.parametrize("setting", STAGES)
def test_the_validation_split_teaches_neither_model_nor_reader(
    study: Closedbook, home: Path, tmp_path: Path, setting: str
):
    """Guided never asks about these people; in self-study the reader asks about them as about everyone else."""
    outcome = study("--setting", setting, "--validation-split", 0.5)
    assert "and 40 pairs, of which 20 are held out\n" in outcome.err
    assert "study: validation accuracy " in outcome.err
    kept, held = validation_split(read_pairs(home / "world/train.tsv"), 0.5, seed=0)
    assert held is not None
    if setting == "self-study":
        silver = [line.split("\t") for line in (tmp_path / "RUN/silver.tsv").read_text().splitlines()]
        sure = {question: float(confidence) for question, _, confidence in silver}
        assert {sure[item.text] for item in kept.items} == {1.0}
        assert any(sure[item.text] < 1 for item in held.items)
    else:
        facts, exposures = counted(tmp_path / "RUN", home)
        asked = {fact.question for fact, exposure in zip(facts, exposures, strict=True) if exposure.asked}
        assert asked == {item.text for item in kept.items}


@pytest.mark.parametrize("setting", STAGES)
def test_hyperparameters_of_the_other_setting_are_refused(study: Closedbook, tmp_path: Path, setting: str):
    """An option of the stage that is not trained would change nothing."""
    (other,) = set(STAGES.values()) - {STAGES[setting]}
    line = fault(study("--setting", setting, f"--{other}.epochs", 7))
    assert line.startswith(f"--{other}.epochs: changes nothing here")
    assert not (tmp_path / "RUN").exists()


def test_guided_refuses_the_confidence_of_silver_pairs(study: Closedbook, tmp_path: Path):
    """It trains on no silver pairs."""
    line = fault(study("--setting", "guided", "--silver-confidence", 0.9))
    assert line.startswith("--silver-confidence: changes nothing here")
    assert not (tmp_path / "RUN").exists()


# The ledger


def counted(run: Path, home: Path) -> tuple[list[Fact], list[Exposure]]:
    """The facts of the dev and training pairs, and their exposures by the ledger."""
    documents = [document.text for document in read_corpus(home / "world/corpus.txt").documents]
    facts = link([*read_pairs(home / "world/dev.tsv").items, *read_pairs(home / "world/train.tsv").items], documents)
    return facts, exposures_of(open_run(run), facts)


def recounted(run: Path, facts: list[Fact], stage: str) -> list[Exposure]:
    """The exposures counted in the batches of a run, step by step."""
    opened = open_run(run)
    dataset, config = dataset_of(opened), getattr(opened.recipe, stage)
    batches = Batches(
        dataset, config.batch_size, shuffle=config.shuffle, seed=opened.recipe.seed, window=config.sort_window
    )
    ledger = Ledger(facts)
    done = steps(run)
    for epoch in range(done[-1]["epoch"] + 1):
        n_steps = sum(entry["epoch"] == epoch for entry in done)
        n_supervised = 0
        for row in batches.rows(epoch, n_steps):
            n_supervised += supervised(dataset[row][1])
            if row >= 81:
                ledger.count_pair(example_text(dataset, row))
            else:
                masked = dataset.documents.drawn(row)
                ledger.count_document(row, masked.text, masked.n_context)
        assert n_supervised == sum(entry["n_supervised"] for entry in done if entry["epoch"] == epoch)
    return ledger.exposures


@pytest.mark.parametrize(("setting", "stage"), STAGES.items())
def test_the_ledger_replays_a_study(home: Path, setting: str, stage: str):
    """Its counts are those of the steps; only self-study asks about dev people."""
    facts, exposures = counted(home / setting, home)
    assert exposures == recounted(home / setting, facts, stage)
    of_dev, of_train = exposures[:20], exposures[20:]
    assert min(e.asked for e in of_train) > 0 or setting == "guided"
    assert sum(e.asked for e in of_train) > 0
    assert (sum(e.asked for e in of_dev) > 0) == (setting == "self-study")
    # With supervised = content, exactly the masked characters are predicted.
    assert all(e.predicted == e.masked for e in exposures)
    if setting == "guided":
        # Objective guided masks the answer in nearly every draw, by the reader's tags.
        assert sum(e.in_answer_form for e in exposures) > 0.6 * 2 * len(facts)


def test_the_ledger_replays_a_study_that_ended_within_an_epoch(study: Closedbook, home: Path, tmp_path: Path):
    """A budget may end a run within its first epoch; then its steps are counted, without an error."""
    assert study("--study.steps", 5).status == 0
    assert len(steps(tmp_path / "RUN")) == 5
    facts, exposures = counted(tmp_path / "RUN", home)
    assert exposures == recounted(tmp_path / "RUN", facts, "study")
    assert sum(e.asked for e in exposures) < sum(e.asked for e in counted(home / "self-study", home)[1])


# The budget


def started_with(events: Any, n_steps: int = 0) -> Started:
    """The Started event of a run, which is stopped after `n_steps` steps."""
    started = next(event for event in events if isinstance(event, Started))
    for event in events if n_steps else ():
        if isinstance(event, StepReport) and event.step == started.step + n_steps:
            break
    events.close()
    return started


@pytest.mark.parametrize("setting", STAGES)
def test_long_reading_is_said_first(home: Path, tmp_path: Path, setting: str, monkeypatch: pytest.MonkeyPatch):
    """Before the reader begins, where there are many documents."""
    monkeypatch.setattr("closedbook.training.stages._MANY_DOCUMENTS", 1)
    n_documents = len(read_corpus(WorldFiles.of_folder(home / "world").corpus).documents)
    events = events_of(setting, home, Saving(tmp_path / "run"))
    first = next(event for event in events if isinstance(event, Note))
    assert first == Note(f"the open-book reader reads {n_documents} documents first")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("setting", STAGES)
def test_a_budget_becomes_a_number_of_steps_of_the_recipe(home: Path, tmp_path: Path, setting: str):
    """The saved recipe and the steps' reports have the number of steps that fit, and a note explains it."""
    events = events_of(setting, home, Saving(tmp_path / "RUN"), Budget(2.0))
    before = takewhile(lambda event: not isinstance(event, Started), events)
    notes = [event.text for event in before if isinstance(event, Note)]
    (note,) = [note for note in notes if note.startswith("budget: of 120 s reading took ")]
    report = next(event for event in events if isinstance(event, StepReport))
    events.close()
    assert f"; {report.n_steps:,} steps fit into the " in note
    recipe, _ = load_recipe(str(tmp_path / "RUN/recipe.toml"))
    (other,) = set(STAGES.values()) - {STAGES[setting]}
    assert getattr(recipe, STAGES[setting]).steps == report.n_steps >= 50
    assert getattr(recipe, other).steps == 0


@pytest.mark.parametrize("setting", STAGES)
def test_more_minutes_are_more_steps(home: Path, tmp_path: Path, setting: str):
    """A hundred times the minutes give a hundred times the steps, or a few as many where the machine becomes busy."""
    more, fewer = (
        started_with(events_of(setting, home, Saving(tmp_path / str(minutes)), Budget(minutes))).n_steps
        for minutes in (200.0, 2.0)
    )
    assert more > 3 * fewer > 3 * 100


@pytest.mark.parametrize("setting", STAGES)
def test_fitting_leaves_no_trace_in_the_weights(home: Path, tmp_path: Path, setting: str):
    """A run with a budget is, bit for bit, a run with the same number of steps in its recipe."""
    started = started_with(events_of(setting, home, Saving(tmp_path / "fitted"), Budget(2.0)), n_steps=3)
    started_with(events_of(setting, home, Saving(tmp_path / "asked"), steps=started.n_steps), n_steps=3)
    fitted, asked = load_latest(tmp_path / "fitted"), load_latest(tmp_path / "asked")
    assert fitted is not None
    assert asked is not None
    assert fitted.step == asked.step == 3
    assert fitted.weights.keys() == asked.weights.keys()
    assert all(torch.equal(fitted.weights[name], asked.weights[name]) for name in fitted.weights)
    assert steps(tmp_path / "fitted") == steps(tmp_path / "asked")
    assert (tmp_path / "fitted/recipe.toml").read_bytes() == (tmp_path / "asked/recipe.toml").read_bytes()


def test_a_budget_is_fitted_however_short_the_recipe(home: Path, tmp_path: Path):
    """Timing takes as many steps as it needs, even where the recipe has one."""
    assert started_with(events_of("guided", home, Saving(tmp_path / "run"), Budget(2.0), steps=1)).n_steps > 100


def test_a_budget_that_reading_uses_up_is_refused(study: Closedbook, tmp_path: Path):
    """One line says what reading took and which budget is enough, and no folder is made."""
    line = fault(study("--budget", 0.0001), "reading", "teaching", "writing")
    assert re.fullmatch(
        r"budget of 0\.0001 minutes: 50 steps and a quarter of it must be left after reading; reading took \d+ s and "
        r"timing \d+ s, so that 0 steps fit; give (1 minute|\d+\.?\d* minutes) or more",
        line,
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("setting", STAGES)
def test_a_quarter_of_the_budget_must_be_left_after_reading(home: Path, tmp_path: Path, setting: str):
    """After 20 of 26 minutes with hundreds of steps to come, at least 29.4 minutes are asked for."""
    budget = Budget(26.0, begin=time.monotonic() - 20 * 60)
    with pytest.raises(
        InputError, match=r"reading took 120\d s .* so that [0-9]{3,} steps fit; give 29\.[4-9] minutes"
    ):
        list(events_of(setting, home, Saving(tmp_path / "RUN"), budget))
    assert list(tmp_path.iterdir()) == []
    enough = Budget(30.0, begin=time.monotonic() - 20 * 60)
    assert started_with(events_of(setting, home, Saving(tmp_path / "RUN"), enough)).n_steps > 100


@pytest.mark.parametrize("is_recipe_given", [True, False])
def test_resuming_keeps_to_the_steps_that_were_fitted(
    study: Closedbook, closedbook: Closedbook, home: Path, tmp_path: Path, is_recipe_given: bool
):
    """A run with a budget is resumed by the same command and keeps its number of steps, whatever budget is left."""
    recipe, _ = load_recipe(str(home / "tiny.toml"))
    files = WorldFiles.of_folder(home / "world")
    began = self_study(
        files.corpus,
        replace(recipe, study=replace(recipe.study, steps=7)),
        Saving(tmp_path / "RUN"),
        pairs_path=files.train,
    )
    started_with(began, n_steps=1)
    if is_recipe_given:
        outcome = study("--budget", 0.0001, "--resume")
    else:
        words = (files.corpus, "--pairs", files.train, "--out", tmp_path / "RUN")
        outcome = closedbook("study", *words, "--budget", 0.0001, "--resume")
    assert outcome.status == 0, outcome.err
    assert "steps 2 to 7\n" in outcome.err
    assert len(steps(tmp_path / "RUN")) == 7
    for _ in events_of("self-study", home, Saving(tmp_path / "whole"), steps=7):
        pass
    assert weights(tmp_path / "RUN") == weights(tmp_path / "whole")


# Faults


@pytest.mark.parametrize("minutes", [0, -1, "nan", "inf"])
def test_a_budget_is_finite_and_more_than_0_minutes(study: Closedbook, tmp_path: Path, minutes: object):
    """The line says so."""
    line = fault(study("--budget", minutes))
    assert line.startswith("--budget: a finite number above 0 is needed; received ")
    assert line.endswith("; write it as in --budget 2")
    assert not (tmp_path / "RUN").exists()


@pytest.mark.parametrize("setting", STAGES)
def test_a_budget_and_epochs_exclude_each_other(study: Closedbook, tmp_path: Path, setting: str):
    """Both decide the number of steps; the line says so."""
    line = fault(study("--setting", setting, "--budget", 3, "--epochs", 3))
    assert line == "--budget: sets the number of steps, so --epochs cannot be given with it; leave out one of the two"
    assert not (tmp_path / "RUN").exists()


@pytest.mark.parametrize("setting", ["self-study", "guided"])
def test_pairs_that_name_no_document_teach_no_reader(study: Closedbook, home: Path, tmp_path: Path, setting: str):
    """One line gives examples and says what questions must name."""
    strangers = tmp_path / "strangers.tsv"
    items = read_pairs(home / "world/train.tsv").items
    strangers.write_text("".join(f"Where was Xu Ya {n} born?\t{item.answer}\n" for n, item in enumerate(items)))
    line = fault(study("--setting", setting, pairs=strangers))
    assert line.startswith(
        f"{strangers}: no question names a title of {home / 'world/corpus.txt'}: line 1 'Where was Xu "
    )
    assert line.endswith("; ask about the names that its documents begin with")
    assert not (tmp_path / "RUN").exists()


def test_documents_without_titles_teach_no_reader(study: Closedbook, home: Path, tmp_path: Path):
    """A text whose documents have no title ends in a line that says how they must begin."""
    plain = tmp_path / "plain.txt"
    names = [line.partition(". ")[0] for line in (home / "world/corpus.txt").read_text().splitlines()]
    plain.write_text("".join(f"it was in spring that we met {name} and went away\n" for name in names))
    assert fault(study(corpus=plain)).startswith(f"{plain}: no document has a title; begin each with the name ")
    assert not (tmp_path / "RUN").exists()


def test_too_few_pairs_are_learned_as_they_are(study: Closedbook, home: Path, tmp_path: Path):
    """A line says that the answers about three titles are needed for a reader; training goes on with the pairs."""
    few = tmp_path / "few.tsv"
    few.write_text("".join((home / "world/train.tsv").read_text().splitlines(keepends=True)[:2]))
    outcome = study(pairs=few)
    assert outcome.status == 0, outcome.err
    assert f"note: {few}: the documents state answers for fewer than 3 titles, so pairs are learned" in outcome.err
    assert len((tmp_path / "RUN/silver.tsv").read_text().splitlines()) == 2


@pytest.mark.parametrize("setting", STAGES)
@pytest.mark.parametrize("missing", ["corpus", "pairs", "dev"])
def test_a_missing_file_is_named(study: Closedbook, tmp_path: Path, setting: str, missing: str):
    """One line names the missing file, and no run is created."""
    gone = tmp_path / "gone"
    words = ("--setting", setting, *(("--dev", gone) if missing == "dev" else ()))
    line = fault(study(*words, **({} if missing == "dev" else {missing: gone})))
    assert line.startswith(f"{gone}: ")
    assert "no such file" in line.lower()
    assert not (tmp_path / "RUN").exists()


def test_study_without_arguments_says_which_it_needs(closedbook: Closedbook):
    """It names --pairs and --help, with status 2."""
    outcome = closedbook("study")
    assert (outcome.status, outcome.out) == (2, "")
    assert "--pairs" in outcome.err
    assert "closedbook study --help" in outcome.err


def test_an_unknown_setting_is_refused(study: Closedbook, tmp_path: Path):
    """The message names the settings."""
    outcome = study("--setting", "both")
    assert outcome.status == 2
    assert "self-study" in outcome.err
    assert "guided" in outcome.err
    assert not (tmp_path / "RUN").exists()


@pytest.mark.parametrize("confidence", [-0.1, 1.5, "nan"])
def test_a_confidence_out_of_its_range_is_refused(study: Closedbook, tmp_path: Path, confidence: object):
    """A probability is from 0 to 1; above it no pair would be left to study."""
    line = fault(study("--silver-confidence", confidence))
    assert line == f"--silver-confidence: from 0 to 1 is needed; received {confidence}"
    assert not (tmp_path / "RUN").exists()


def test_a_run_in_another_setting_is_not_resumed(home: Path, study: Closedbook, tmp_path: Path):
    """A stopped self-study cannot be resumed as guided, because their accuracies are not comparable."""
    events = events_of("self-study", home, Saving(tmp_path / "RUN"))
    next(event for event in events if isinstance(event, StepReport))
    events.close()
    line = fault(study("--setting", "guided", "--resume"))
    assert line == (
        f"{tmp_path / 'RUN'}: began in self-study (kind study), and cannot be resumed as kind pretrain; resume it by "
        "study, and leave --setting out or write --setting self-study"
    )
