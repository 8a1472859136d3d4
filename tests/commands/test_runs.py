"""Resuming a run (--resume) and starting from another (--from); each mistake in using them ends in one clear line."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from closedbook.recipe.recipe_file import load_recipe
from closedbook.storage.run import open_run
from closedbook.training.checkpointing import Saving
from closedbook.training.events import Event
from closedbook.training.stages import finetune, pretrain
from closedbook.training.trainer import StepReport

Closedbook = Callable[..., Any]


def fault(outcome: Any, *done: str) -> str:
    """The line with which a command ended with status 2, after lines that say what was done."""
    assert (outcome.status, outcome.out) == (2, "")
    *before, line = outcome.err.splitlines()
    assert before == list(done)
    return line.removeprefix("closedbook: ")


def stop_after(n_steps: int, events: Any) -> None:
    """Close a run after a step, as an interruption does."""
    for event in events:
        if isinstance(event, StepReport) and event.step == n_steps:
            events.close()
            return
    pytest.fail("the run ended before")


@pytest.fixture
def stopped(files: Path, tmp_path: Path) -> Path:
    """A pretraining run of four steps that was stopped after the third."""
    recipe, _ = load_recipe(str(files / "tiny.toml"))
    stop_after(3, pretrain(files / "corpus.txt", recipe, Saving(tmp_path / "stopped")))
    return tmp_path / "stopped"


@pytest.fixture
def stopped_finetuning(files: Path, runs: Path, tmp_path: Path) -> Path:
    """A finetuning run, from `pretrained`, that was stopped after its only step."""
    recipe, _ = load_recipe(str(files / "tiny.toml"))
    events = finetune(files / "pairs.tsv", recipe, Saving(tmp_path / "stopped"), parent_path=runs / "pretrained")
    stop_after(1, events)
    return tmp_path / "stopped"


# Resuming


def test_a_stopped_run_is_resumed_to_the_same_bits(closedbook: Closedbook, files: Path, runs: Path, stopped: Path):
    """A resumed run ends with the weights and metrics of an undisturbed run."""
    words = ("--out", stopped, "--recipe", files / "tiny.toml", "--resume")
    outcome = closedbook("pretrain", files / "corpus.txt", *words)
    assert (outcome.status, outcome.out) == (0, f"{stopped}\n")
    assert "steps 4 to 4" in outcome.err
    assert "not bit for bit" not in outcome.err
    assert (stopped / "model.safetensors").read_bytes() == (runs / "pretrained/model.safetensors").read_bytes()
    losses = [
        [(entry["step"], entry["loss"]) for entry in map(json.loads, (run / "metrics.jsonl").read_text().splitlines())]
        for run in (stopped, runs / "pretrained")
    ]
    assert losses[0] == losses[1]


def test_resuming_needs_no_hyperparameter(closedbook: Closedbook, files: Path, runs: Path, stopped: Path):
    """Without --recipe the run's own recipe is used, and the table that -v prints names its file."""
    outcome = closedbook("pretrain", files / "corpus.txt", "--out", stopped, "--resume", "-v")
    assert outcome.status == 0
    rows = {line.split()[0]: line.split()[1:] for line in outcome.err.splitlines() if "recipe.toml" in line}
    assert rows["model.n_embd"][0] == "16"
    assert rows["pretrain.batch_size"][0] == "5"
    assert " ".join(rows["pretrain.batch_size"][1:]).startswith(f"{stopped / 'recipe.toml'}, line ")
    assert (stopped / "model.safetensors").read_bytes() == (runs / "pretrained/model.safetensors").read_bytes()


def test_resuming_finetuning_needs_no_parent(closedbook: Closedbook, files: Path, runs: Path, stopped_finetuning: Path):
    """The run's folder says which run it started from."""
    outcome = closedbook("finetune", files / "pairs.tsv", "--out", stopped_finetuning, "--resume")
    assert outcome.status == 0
    assert open_run(stopped_finetuning).info.parent == str((runs / "pretrained").resolve())
    assert open_run(stopped_finetuning).is_finished


def test_a_run_that_was_stopped_after_its_last_step_only_finishes(
    closedbook: Closedbook, files: Path, runs: Path, stopped_finetuning: Path
):
    """Nothing is left to train, and the final weights are those of an undisturbed run."""
    words = ("--from", runs / "pretrained", "--out", stopped_finetuning, "--resume")
    assert closedbook("finetune", files / "pairs.tsv", *words).status == 0
    weights = (stopped_finetuning / "model.safetensors").read_bytes()
    assert weights == (runs / "finetuned/model.safetensors").read_bytes()


def test_a_note_says_that_weights_may_differ_on_this_machine(closedbook: Closedbook, files: Path, stopped: Path):
    """Where threads or torch differ from the checkpoint's, the run is resumed with the note 'not bit for bit'."""
    name = (stopped / "checkpoints/latest").read_text().split()[0]
    path = stopped / "checkpoints" / name / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["fingerprint"] |= {"threads": "17"}
    path.write_text(json.dumps(manifest))
    (stopped / "checkpoints/latest").write_text(name)  # without the manifest's SHA-256, as older versions wrote it
    outcome = closedbook("pretrain", files / "corpus.txt", "--out", stopped, "--resume")
    assert outcome.status == 0
    assert "note: not bit for bit what an undisturbed run would be: threads 17 then, 1 now" in outcome.err


def test_a_run_killed_while_its_folder_is_made_is_no_loss(closedbook: Closedbook, files: Path, tmp_path: Path):
    """Such a kill leaves a hidden folder next to the run's, which does no harm, and the next start removes it."""
    partial = tmp_path / ".tmp-1-run"
    partial.mkdir()
    (partial / "recipe.toml").write_text("n_embd")
    words = ("pretrain", files / "corpus.txt", "--out", tmp_path / "run", "--recipe", files / "tiny.toml")
    assert "no such run to resume" in fault(closedbook(*words, "--resume"))
    assert closedbook(*words).status == 0
    assert not partial.exists()


def test_patience_is_resumed(closedbook: Closedbook, files: Path, runs: Path, tmp_path: Path):
    """Stopped after the evaluation before the first step, a run ends after the same epochs as an undisturbed one."""
    recipe, _ = load_recipe(str(files / "tiny.toml"))
    flags = ("--recipe", files / "tiny.toml", "--epochs", 9, "--finetune.patience", 2)
    words = ("finetune", files / "pairs.tsv", "--from", runs / "pretrained", "--dev", files / "dev.tsv", *flags)
    outcome = closedbook(*words, "--out", tmp_path / "whole")
    assert outcome.status == 0
    assert "accuracy has not risen for 2 evaluations, so the weights that training started from are kept" in outcome.err
    whole = (tmp_path / "whole/metrics.jsonl").read_text().splitlines()
    # No right answer before the first epoch, nor after two: patience ran out.
    assert [json.loads(line)["accuracy"] for line in whole if "accuracy" in line] == [0.0, 0.0, 0.0]
    recipe, _ = load_recipe(str(tmp_path / "whole/recipe.toml"))
    events: Any = finetune(
        files / "pairs.tsv",
        recipe,
        Saving(tmp_path / "stopped"),
        parent_path=runs / "pretrained",
        dev_path=files / "dev.tsv",
    )
    kinds: list[type[Event]] = []
    while (tmp_path / "stopped/checkpoints/latest").exists() is False:
        kinds.append(type(next(events)))
    assert StepReport not in kinds
    events.close()
    assert closedbook(*words, "--out", tmp_path / "stopped", "--resume").status == 0
    stopped = (tmp_path / "stopped/metrics.jsonl").read_text().splitlines()
    steps = [[(entry["kind"], entry["step"]) for entry in map(json.loads, lines)] for lines in (whole, stopped)]
    assert steps[0] == steps[1]


# --out comes first


@pytest.mark.parametrize(
    "words",
    [
        ("pretrain", "GONE"),
        ("study", "GONE", "--pairs", "GONE"),
        ("study", "GONE", "--pairs", "GONE", "--setting", "guided"),
        ("study", "GONE", "--pairs", "GONE", "--budget", 0.0001),
        ("finetune", "GONE", "--corpus", "GONE"),
        ("finetune", "GONE", "--from", "GONE"),
    ],
)
def test_an_out_that_cannot_be_used_is_found_before_any_file_is_read(
    closedbook: Closedbook, runs: Path, tmp_path: Path, words: tuple[object, ...]
):
    """Another run, another folder, a path through a file, a name too long, and nothing to resume."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine").touch()
    words = tuple(tmp_path / "gone" if word == "GONE" else word for word in words)
    ended = runs / "pretrained"
    in_the_way = f"is there already; it has ended: train on from its weights by finetune --from {ended}, or choose "
    for out, rule in (
        (ended, in_the_way),
        (tmp_path / "full", "is there already and is no run; choose another --out"),
        (tmp_path / "full/mine/run", f"{tmp_path / 'full/mine'} is a file, and no folder can be made in a file; name "),
        (tmp_path / ("a" * 300), "a run cannot be written there: File name too long; free some space, or name another"),
    ):
        assert fault(closedbook(*words, "--out", out)).startswith(f"{out}: {rule}")
    assert "no such run to resume" in fault(closedbook(*words, "--out", tmp_path / "new", "--resume"))
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere /proc is no file system that refuses new folders")
def test_an_out_where_no_folder_can_be_made_is_found_before_any_file_is_read(closedbook: Closedbook, tmp_path: Path):
    """Here /proc, in which not even root can make a folder."""
    line = fault(closedbook("pretrain", tmp_path / "gone", "--out", "/proc/run"))
    assert line.startswith("/proc/run: a run cannot be written there: ")


# Mistakes


@pytest.mark.parametrize("name", ["pretrain", "finetune"])
def test_resuming_nothing_says_how_to_begin_a_run(
    closedbook: Closedbook, files: Path, runs: Path, tmp_path: Path, name: str
):
    """--resume with a folder that does not exist says how to begin, and creates nothing."""
    words = (files / "corpus.txt",) if name == "pretrain" else (files / "pairs.tsv", "--from", runs / "pretrained")
    line = fault(closedbook(name, *words, "--out", tmp_path / "run", "--resume"))
    assert line == (
        f"{tmp_path / 'run'}: no such run to resume; leave --resume off to begin it "
        "(--from starts a new run from another run's weights)"
    )
    assert list(tmp_path.iterdir()) == []


def test_resuming_what_has_ended_says_how_to_train_on(closedbook: Closedbook, files: Path, runs: Path):
    """A run that came to its end has nothing to resume, and its weights can be a new run's start."""
    before = {path: path.read_bytes() for path in (runs / "pretrained").iterdir() if path.is_file()}
    line = fault(closedbook("pretrain", files / "corpus.txt", "--out", runs / "pretrained", "--resume"))
    path = runs / "pretrained"
    assert line == f"{path}: has ended, nothing to resume; to train on from its weights: finetune --from {path}"
    assert {path: path.read_bytes() for path in before} == before


def test_resuming_by_the_other_command_is_refused(closedbook: Closedbook, files: Path, runs: Path, stopped: Path):
    """A pretraining run cannot be resumed by finetune."""
    words = ("--from", runs / "pretrained", "--out", stopped, "--resume")
    line = fault(closedbook("finetune", files / "pairs.tsv", *words))
    assert line == (
        f"{stopped}: began by pretrain, or by study outside self-study (kind pretrain), and cannot be resumed as kind "
        "finetune; resume it by that command, with its --setting"
    )


def test_resuming_with_other_files_or_another_recipe_is_refused(
    closedbook: Closedbook, files: Path, tmp_path: Path, stopped: Path
):
    """Another corpus, another recipe, and pairs or dev where there were none; afterwards the run can be resumed."""
    other = tmp_path / "other.txt"
    other.write_text((files / "corpus.txt").read_text().replace("Ulm", "Rom"))
    resume = ("--out", stopped, "--resume")
    recipe = ("--recipe", files / "tiny.toml")

    line = fault(closedbook("pretrain", other, *resume, *recipe))
    assert line.startswith(f"{stopped}: began with corpus {files / 'corpus.txt'}, and {other} has another content; ")
    for name in ("pairs", "dev"):
        path = files / f"{name}.tsv"
        line = fault(closedbook("pretrain", files / "corpus.txt", f"--{name}", path, *resume, *recipe))
        assert line.startswith(f"{stopped}: began with {name} not given, and {path} is given now; resume with the ")
    for flags in ((*recipe, "--epochs", 3), (*recipe, "--seed", 1), ("--recipe", "course"), ("--epochs", 3)):
        line = fault(closedbook("pretrain", files / "corpus.txt", *resume, *flags))
        assert line.startswith(f"{stopped}: began with ")
        assert ", and --resume changes no hyperparameter; received " in line
        assert line.endswith(", or begin a new run with another --out")
    assert closedbook("pretrain", files / "corpus.txt", *resume, *recipe).status == 0


def test_resuming_finetuning_with_other_pairs_or_another_parent_is_refused(
    closedbook: Closedbook, files: Path, runs: Path, tmp_path: Path, stopped_finetuning: Path
):
    """A finetuning run needs the pairs and the parent that it began with."""
    other = tmp_path / "other.tsv"
    other.write_text("Where was Ann Bell born?\tRom\n")
    resume = ("--out", stopped_finetuning, "--resume")
    line = fault(closedbook("finetune", other, "--from", runs / "pretrained", *resume))
    assert line.startswith(f"{stopped_finetuning}: began with pairs {files / 'pairs.tsv'}, and {other} has another ")
    line = fault(closedbook("finetune", files / "pairs.tsv", "--from", runs / "scratch", *resume))
    assert line == (
        f"{stopped_finetuning}: began from {runs / 'pretrained'}, not {runs / 'scratch'}; --resume goes on with a run "
        "as it began, --from begins a new one: leave out one of the two"
    )
    line = fault(closedbook("finetune", files / "pairs.tsv", "--corpus", files / "corpus.txt", *resume))
    assert line.startswith(f"{stopped_finetuning}: began with corpus not given, and {files / 'corpus.txt'} is given ")


def test_starting_from_a_run_that_has_not_ended_is_refused(
    closedbook: Closedbook, files: Path, tmp_path: Path, stopped: Path
):
    """--from needs the weights of a finished run; a stopped one must be resumed first."""
    outcome = closedbook("finetune", files / "pairs.tsv", "--from", stopped, "--out", tmp_path / "run")
    assert fault(outcome, "reading 5 pairs") == (
        f"{stopped}: has not ended and has no weights yet; go on with it: the command that began it, with --resume"
    )
    assert not (tmp_path / "run").exists()


def test_starting_from_what_is_no_run_is_refused(closedbook: Closedbook, files: Path, tmp_path: Path):
    """--from with a folder that is missing or no run names the command that makes a run."""
    for parent, what in ((tmp_path / "nothing", "no such run"), (files, "is no run (it has no run.json)")):
        line = fault(closedbook("finetune", files / "pairs.tsv", "--from", parent, "--out", tmp_path / "run"))
        assert line == f"{parent}: {what}; `closedbook pretrain CORPUS --out {parent}` makes one"
    assert list(tmp_path.iterdir()) == []


def test_from_and_corpus_exclude_each_other_and_one_is_needed(
    closedbook: Closedbook, files: Path, runs: Path, tmp_path: Path
):
    """Both, or neither, end in a line that says what each is for."""
    words = ("finetune", files / "pairs.tsv", "--out", tmp_path / "run")
    both = fault(closedbook(*words, "--from", runs / "pretrained", "--corpus", files / "corpus.txt"))
    assert both == (
        "finetune: --from RUN has its own vocabulary, so --corpus is of use only with --finetune.replay; leave out "
        "--corpus"
    )
    neither = fault(closedbook(*words))
    assert neither == (
        "finetune: --from RUN gives the weights to start from; without it, from scratch, --corpus gives the "
        "vocabulary: name one of the two"
    )
    assert list(tmp_path.iterdir()) == []


def test_the_message_about_a_run_in_the_way_says_what_to_do(
    closedbook: Closedbook, files: Path, runs: Path, stopped: Path
):
    """Each message says what works: --resume where the run has not ended, else finetune --from."""
    words = ("pretrain", files / "corpus.txt", "--out")
    assert fault(closedbook(*words, stopped)) == (
        f"{stopped}: is there already; it has not ended: go on with it by --resume, or choose another --out"
    )
    ended = runs / "pretrained"
    assert f"train on from its weights by finetune --from {ended}" in fault(closedbook(*words, ended))


def test_out_with_the_same_path_as_from_is_refused(closedbook: Closedbook, files: Path, runs: Path):
    """A run is not overwritten by one that starts from it, with or without --resume."""
    path = runs / "pretrained"
    before = {path: path.read_bytes() for path in path.iterdir() if path.is_file()}
    words = ("finetune", files / "pairs.tsv", "--from", path, "--out", path)
    assert fault(closedbook(*words)).startswith(f"{path}: is there already; ")
    assert "cannot be resumed as kind finetune" in fault(closedbook(*words, "--resume"))
    assert {path: path.read_bytes() for path in before} == before


def test_asking_a_run_that_has_not_ended_says_how_to_finish_it(closedbook: Closedbook, files: Path, stopped: Path):
    """predict, ask and evaluate need the weights of a finished run."""
    for words in (("predict", stopped, files / "questions.txt"), ("ask", stopped, "Who?")):
        assert "has not ended and has no weights yet" in fault(closedbook(*words))
    assert "has not ended" in fault(closedbook("evaluate", stopped, files / "dev.tsv"))


def test_damage_in_a_run_is_named_and_no_pickle_is_loaded(
    closedbook: Closedbook, files: Path, runs: Path, tmp_path: Path
):
    """Weights that are a pickle or cut short, and a run.json that is not JSON, end in one line with the file."""
    run = tmp_path / "run"
    run.mkdir()
    for path in (runs / "pretrained").iterdir():
        if path.is_file():
            (run / path.name).write_bytes(path.read_bytes())
    words = ("predict", run, files / "questions.txt")
    weights = (run / "model.safetensors").read_bytes()
    for content, reason in ((b"\x80\x04" + weights, "looks like a pickle, "), (weights[:-9], "damaged: ")):
        (run / "model.safetensors").write_bytes(content)
        assert fault(closedbook(*words)).startswith(f"{run / 'model.safetensors'}: {reason}")
    (run / "run.json").write_text('{"kind": ')
    assert fault(closedbook(*words)).startswith(f"{run / 'run.json'}: damaged: ")
    assert open_run(runs / "pretrained").is_finished
