"""What is shown of a run that trains."""

import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from closedbook.progress.follow import follow
from closedbook.progress.stop import Interrupted, Stopped
from closedbook.storage.run import open_run
from closedbook.training.events import Doing, Event, Finished, Saved, Started
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


def test_a_study_says_what_it_does_in_a_line_each_and_its_result_last(
    closedbook: Callable[..., Any], world: WorldFiles, tmp_path: Path
):
    """What was read, how the reader did, what it wrote, the recipe; last, what is right and what to type next."""
    run = tmp_path / "run"
    words = ("--pairs", world.train, "--dev", world.dev, "--out", run, "--epochs", 1, *SMALL)
    lines = closedbook("study", world.corpus, *words).err.splitlines()
    for line, pattern in zip(
        (*lines[:5], lines[-1]),
        (
            r"reading \d+ documents and \d+ pairs",
            r"teaching the reader: right on \d+% of \d+ held-out questions",
            r"writing \d+ questions with answers",
            r"recipe: fast with --[^,]*, [\d,]+ parameters, \d+% of them in tables, float32; closedbook inspect .*",
            r"study: steps 1 to \d+",
            rf"study: \d+ of \d+ dev questions right \([\d.]+%\), \d+ s; now: closedbook ask {run}",
        ),
        strict=True,
    ):
        assert re.fullmatch(pattern, line), line
    assert not any(line.startswith("note: ") for line in lines)


def test_verbose_shows_every_note_and_the_whole_recipe(
    closedbook: Callable[..., Any], world: WorldFiles, tmp_path: Path
):
    """With -v there is a row for each value of the recipe, and what the notes count."""
    words = ("--pairs", world.train, "--out", tmp_path / "run", "--epochs", 1, *SMALL, "-v")
    err = closedbook("study", world.corpus, *words).err
    assert re.search(r"^study\.epochs +1 +flag --epochs$", err, re.MULTILINE)
    assert re.search(r"^model\.n_embd +20 +flag --model\.n-embd$", err, re.MULTILINE)
    assert "model.bottleneck_dim" not in err  # a vanilla model has none
    assert "note: 'Where was {} born?': right on " in err
    assert "note: prefix table: " in err


def test_without_dev_pairs_the_result_is_of_those_held_out_to_calibrate(closedbook: Callable[..., Any], tmp_path: Path):
    """A model that is calibrated was asked questions that no pair asks; a run without such questions says its time."""
    config = WorldConfig(n_people=250, n_places=5, documents=1, attributes=("birthplace",))
    files = write_world(config, tmp_path / "world")
    words = ("study", files.corpus, "--pairs", files.train, "--study.steps", 2, *SMALL)
    held_out = closedbook(*words, "--out", tmp_path / "one").err.splitlines()
    assert re.match(r"reading \d+ documents and \d+ pairs, of which \d+ are held out$", held_out[0])
    assert re.match(r"study: \d+ of \d+ held-out questions right \(", held_out[-1])
    without = closedbook(*words, "--calibration-split", 0, "--out", tmp_path / "two").err.splitlines()
    assert re.match(r"study: done in \d+ s; now: closedbook ask ", without[-1])


def test_an_interruption_before_training_stops_at_once(capsys: pytest.CaptureFixture[str]):
    """There is nothing to save; the same command begins again."""

    def events() -> Iterator[Event]:
        yield Doing("reading")
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("the reader was not stopped")

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(Stopped) as caught:
        follow("study", events())
    assert caught.value.number == signal.SIGINT
    assert signal.getsignal(signal.SIGINT) is before
    assert capsys.readouterr().err == ""


def test_a_second_interruption_a_second_later_stops_at_once(runs: Path, capsys: pytest.CaptureFixture[str]):
    """The first waits for the step in progress, those right after it are the same one, and the next ends the step."""

    def events() -> Iterator[Event]:
        yield Started(open_run(runs / "pretrained"), 7, 5, 0, 3)
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        time.sleep(1.05)
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted) as caught:
        follow("study", events())
    assert caught.value.at_once
    assert caught.value.number == signal.SIGINT
    assert capsys.readouterr().err.splitlines()[-1] == "stopping after this step; once more to stop at once"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_between_two_steps_lets_the_run_save_itself(runs: Path, number: signal.Signals):
    """The events are closed, which saves the run."""
    ended = []

    def events() -> Iterator[Event]:
        try:
            yield Started(open_run(runs / "pretrained"), 7, 5, 0, 3)
            signal.raise_signal(number)
            yield Saved(1)
            raise AssertionError("went on after the step")
        except GeneratorExit:
            ended.append("saved")
            raise

    with pytest.raises(Interrupted) as caught:
        follow("study", events())
    assert ended == ["saved"]
    assert caught.value.number == number
    assert not caught.value.at_once


def test_what_changes_nothing_of_the_run_is_stopped_at_once(runs: Path):
    """An evaluation, for instance, may take long; what comes after it waits again."""
    stopped = []

    def events() -> Iterator[Event]:
        yield Started(open_run(runs / "pretrained"), 7, 5, 0, 3)
        yield Doing("evaluating")
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            stopped.append("evaluation")
            raise

    with pytest.raises(Interrupted) as caught:
        follow("study", events())
    assert stopped == ["evaluation"]
    assert not caught.value.at_once


def test_a_signal_that_comes_out_as_another_error_is_an_interruption(runs: Path):
    """The code that it interrupts, or another process that was stopped too, may raise anything."""

    def events() -> Iterator[Event]:
        yield Started(open_run(runs / "pretrained"), 7, 5, 0, 3)
        signal.raise_signal(signal.SIGTERM)
        raise RuntimeError("connection closed by peer")

    with pytest.raises(Interrupted):
        follow("study", events())


def test_a_run_that_ends_as_the_signal_comes_has_ended(runs: Path):
    """Its caller learns of the signal only where it would go on with something else."""
    run = open_run(runs / "pretrained")

    def events() -> Iterator[Event]:
        yield Started(run, 7, 5, 0, 3)
        signal.raise_signal(signal.SIGTERM)
        yield Finished(run, 1.0)

    assert follow("study", events()).run == run
    with pytest.raises(Stopped):
        follow("study", events(), goes_on=True)
