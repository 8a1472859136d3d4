"""What the commands do with input that is in order; faults are in test_faults.py and test_words.py."""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass, replace
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from closedbook.assignment.targets import TARGETS, TargetOptions
from closedbook.commands.main import COMMANDS
from closedbook.recipe.docstrings import field_docstrings
from closedbook.recipe.recipe import FAST
from closedbook.recipe.recipe_file import load_recipe
from closedbook.storage.paths import found_path
from closedbook.storage.run import open_run
from closedbook.storage.sums import SUMS, write_summed

Closedbook = Callable[..., Any]

QUESTION = "Where was Gus Hall born?"


def metrics(run: Path) -> list[dict[str, Any]]:
    """The lines of a run's metrics.jsonl."""
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def table(err: str) -> dict[str, tuple[str, str]]:
    """Value and source of each row of the recipe's table."""
    rows = err[err.index("recipe ") :].splitlines()[1:]
    return {key: (value, " ".join(source)) for key, value, *source in map(str.split, rows) if not key.endswith(":")}


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Give bytes as standard input, as a pipe would."""

    def stdin(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))

    return stdin


# Help


def test_help_of_every_command_and_target_imports_no_torch():
    """The list of commands and the help of each come without torch, which takes seconds to import."""
    script = """
import sys
from closedbook.commands.main import COMMANDS, TARGETS, main
for words in [[], ["--version"], *([name, "--help"] for name in (*COMMANDS, *TARGETS))]:
    try:
        status = main(words)
    except SystemExit as end:
        status = end.code
    assert status == 0, (words, status)
    assert "torch" not in sys.modules, words
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",), ("help",)])
def test_without_words_all_commands_and_targets_are_listed(closedbook: Closedbook, words: tuple[str, ...]):
    """No word, or a word for help, lists each command with a sentence and each target with the file that it writes."""
    outcome = closedbook(*words)
    assert (outcome.status, outcome.err) == (0, "")
    listed = " ".join(outcome.out.split())
    for name, (options, _) in COMMANDS.items():
        assert f" {name} {options.__doc__.splitlines()[0]}" in listed
    for name, target in TARGETS.items():
        assert f" {name} -> {target.output}" in listed


def test_the_commands_and_the_assignments_targets_are_there():
    """Nineteen commands, and the assignment's eleven targets with the assignment's file names."""
    assert set(COMMANDS) == {
        "demo",
        "book",
        "data",
        "pretrain",
        "study",
        "finetune",
        "evaluate",
        "ledger",
        "predict",
        "ask",
        "generate",
        "edit",
        "forget",
        "world",
        "inspect",
        "trace",
        "explore",
        "export",
        "lab",
    }
    assert {name: target.output for name, target in TARGETS.items()} == {
        "vanilla_finetune_without_pretrain": "vanilla.model.params",
        "vanilla_eval_dev_without_pretrain": "vanilla.nopretrain.dev.predictions",
        "vanilla_eval_test_without_pretrain": "vanilla.nopretrain.test.predictions",
        "vanilla_pretrain": "vanilla.pretrain.params",
        "vanilla_finetune_with_pretrain": "vanilla.finetune.params",
        "vanilla_eval_dev_with_pretrain": "vanilla.pretrain.dev.predictions",
        "vanilla_eval_test_with_pretrain": "vanilla.pretrain.test.predictions",
        "perceiver_pretrain": "perceiver.pretrain.params",
        "perceiver_finetune_with_pretrain": "perceiver.finetune.params",
        "perceiver_eval_dev_with_pretrain": "perceiver.pretrain.dev.predictions",
        "perceiver_eval_test_with_pretrain": "perceiver.pretrain.test.predictions",
    }


def test_the_version_is_printed(closedbook: Closedbook):
    """--version prints the program's name and version."""
    assert closedbook("--version").out.split()[0] == "closedbook"


def test_help_shows_the_defaults_of_the_recipe_that_is_named(closedbook: Closedbook, files: Path):
    """With --recipe, a command's help shows the values of that recipe as defaults."""
    outcome = closedbook("pretrain", "--recipe", files / "tiny.toml", "--help-all")
    assert outcome.status == 0
    help_text = " ".join(outcome.out.split())
    assert "--pretrain.batch-size INT Examples per step. (default: 5)" in help_text
    assert "--model.n-embd INT Width: channels per position. (default: 16)" in help_text


def dataclasses_of(kind: Any) -> Iterator[Any]:
    """A dataclass and those of its fields, at any depth."""
    yield kind
    for hint in get_type_hints(kind).values():
        if is_dataclass(hint):
            yield from dataclasses_of(hint)


@pytest.mark.parametrize("options", [*(options for options, _ in COMMANDS.values()), TargetOptions])
def test_no_line_of_the_help_is_broken_within_a_sentence(options: type):
    """Each field's docstring is one line, since help shows a second one as a new paragraph."""
    for kind in dataclasses_of(options):
        for name, text in field_docstrings(kind).items():
            assert len(text.splitlines()) == 1, (kind, name)


# Training


def test_a_run_is_its_folder_and_holds_no_pickle(runs: Path):
    """Training writes recipe, facts, metrics and weights, as TOML, JSON and safetensors."""
    for name in ("pretrained", "finetuned", "scratch"):
        assert {"recipe.toml", "run.json", "metrics.jsonl", "model.safetensors"} <= {
            path.name for path in (runs / name).iterdir()
        }
        for path in (runs / name).rglob("*"):
            is_text = path.name == SUMS or path.suffix in {".toml", ".json", ".jsonl"}
            assert path.is_dir() or is_text or path.suffix == ".safetensors", path


def test_training_writes_the_runs_path_and_nothing_else_to_stdout(closedbook: Closedbook, files: Path, tmp_path: Path):
    """Progress goes to stderr, as plain lines where that is no terminal, and ends with the time that it took."""
    run = tmp_path / "run"
    outcome = closedbook("pretrain", files / "corpus.txt", "--out", run, "--recipe", files / "tiny.toml")
    assert (outcome.status, outcome.out) == (0, f"{run}\n")
    assert "\x1b" not in outcome.err
    started, last_step, done = outcome.err.splitlines()[-3:]
    assert started == "pretrain: steps 1 to 4"
    assert last_step.startswith("pretrain: step 4 of 4, loss ")
    assert re.fullmatch(rf"pretrain: done in \d s; now: closedbook finetune PAIRS --from {run}", done)


def test_metrics_have_a_line_per_step_and_per_evaluation(closedbook: Closedbook, files: Path, tmp_path: Path):
    """metrics.jsonl has each step's loss, counts and rate, and the accuracies before training and after each epoch."""
    run = tmp_path / "run"
    words = ("--dev", files / "dev.tsv", "--recipe", files / "tiny.toml", "--epochs", 3)
    assert closedbook("pretrain", files / "corpus.txt", "--out", run, *words).status == 0
    entries = metrics(run)
    assert [(entry["kind"], entry["step"]) for entry in entries] == [
        ("evaluation", 0),
        *[("step", 1), ("step", 2), ("evaluation", 2)],
        *[("step", 3), ("step", 4), ("evaluation", 4)],
        *[("step", 5), ("step", 6), ("evaluation", 6)],
    ]
    steps = [entry for entry in entries if entry["kind"] == "step"]
    assert [entry["epoch"] for entry in steps] == [0, 0, 1, 1, 2, 2]
    assert [entry["ends_epoch"] for entry in steps] == [False, True] * 3
    assert {entry["n_steps"] for entry in steps} == {6}
    for entry in steps:
        assert 0 < entry["loss"] < 10
        assert 0 < entry["n_supervised"] <= entry["n_characters"]
        assert entry["learning_rate"] > 0
        assert entry["grad_norm"] > 0
        assert entry["seconds"] > 0
    assert [entry["epoch"] for entry in entries if entry["kind"] == "evaluation"] == [0, 1, 2, 3]


def test_a_run_has_about_ten_evaluations_whatever_its_length(closedbook: Closedbook, files: Path, tmp_path: Path):
    """Before the first step, ten that are equally far apart, and none in between unless the recipe says so."""
    words = ("pretrain", files / "corpus.txt", "--dev", files / "dev.tsv", "--recipe", files / "tiny.toml")
    epochs = {}
    for name, given in {
        "ten": (),
        "all": ("--pretrain.evaluate-every", 1),
        "patient": ("--pretrain.patience", 99),
    }.items():
        assert closedbook(*words, "--epochs", 25, *given, "--out", tmp_path / name).status == 0
        epochs[name] = [entry["epoch"] for entry in metrics(tmp_path / name) if entry["kind"] == "evaluation"]
    assert epochs == {"ten": [0, *range(3, 25, 3), 25], "all": [*range(26)], "patient": [*range(26)]}


def test_training_pairs_are_mixed_into_pretraining(closedbook: Closedbook, files: Path, tmp_path: Path):
    """--pairs adds the recipe's share of pairs to each epoch; with a share of 0 a note says that they are not used."""
    words = ("pretrain", files / "corpus.txt", "--recipe", files / "tiny.toml", "--epochs", 1)
    pairs = ("--pairs", files / "pairs.tsv")
    assert closedbook(*words, *pairs, "--pretrain.mix-pairs", 0.5, "--out", tmp_path / "mixed").status == 0
    # 8 documents and as many pairs, 5 per step; 8 documents alone.
    assert metrics(tmp_path / "mixed")[-1]["n_steps"] == 4
    unused = closedbook(*words, *pairs, "--pretrain.mix-pairs", 0, "--out", tmp_path / "plain")
    assert metrics(tmp_path / "plain")[-1]["n_steps"] == 2
    assert f"note: {files / 'pairs.tsv'}: not used" in unused.err


def test_finetuning_from_a_run_takes_its_model_and_vocabulary(closedbook: Closedbook, files: Path, tmp_path: Path):
    """--from needs no corpus, and the parent's model wins over the recipe's."""
    parent, run = tmp_path / "parent", tmp_path / "run"
    shape = ("--model.variant", "perceiver", "--model.bottleneck-dim", 7, "--model.n-layer", 3)
    assert closedbook("pretrain", files / "corpus.txt", "--out", parent, "--recipe", files / "tiny.toml", *shape).out
    words = ("--from", parent, "--out", run, "--recipe", files / "tiny.toml", "--epochs", 2, "-v")
    outcome = closedbook("finetune", files / "pairs.tsv", *words)
    assert outcome.status == 0
    assert open_run(run).recipe.model == open_run(parent).recipe.model
    assert open_run(run).info.vocabulary == open_run(parent).info.vocabulary
    assert open_run(run).info.parent == str(parent)
    # --epochs sets the stage that is trained; the table has no value of another stage.
    assert table(outcome.err)["finetune.epochs"] == ("2", "flag --epochs")
    assert not [key for key in table(outcome.err) if key.startswith(("model.", "scratch.", "pretrain."))]


def test_accents_are_dropped_and_a_note_says_from_how_many_pairs(closedbook: Closedbook, files: Path, tmp_path: Path):
    """With strip_accents, as in the course recipe, pairs lose what is not ASCII, and a note counts them."""
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("Where was Ann Bell born?\tÜlm\nWhere was Bo Carr born?\tRom\n")
    words = ("--from", "scratch", "--recipe", files / "tiny.toml", "--strip-accents")
    words = ("--corpus", files / "corpus.txt", "--out", tmp_path / "run", *words[2:])
    outcome = closedbook("finetune", pairs, *words)
    assert outcome.status == 0
    assert f"note: {pairs}: 1 of 2 pairs lose characters outside ASCII" in outcome.err


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\N{BYTE ORDER MARK}" + text,
        lambda text: text.removesuffix("\n"),
    ],
    ids=["CRLF", "BOM", "no last newline"],
)
def test_line_endings_change_no_weight(
    closedbook: Closedbook, files: Path, runs: Path, tmp_path: Path, change: Callable[[str], str]
):
    """CRLF, a byte order mark or a missing last newline give the same weights, to the bit."""
    corpus = tmp_path / "corpus.txt"
    corpus.write_bytes(change((files / "corpus.txt").read_text()).encode())
    assert closedbook("pretrain", corpus, "--out", tmp_path / "run", "--recipe", files / "tiny.toml").status == 0
    assert (tmp_path / "run/model.safetensors").read_bytes() == (runs / "pretrained/model.safetensors").read_bytes()


def test_a_corpus_of_one_line_and_pairs_of_one_line_train(closedbook: Closedbook, files: Path, tmp_path: Path):
    """The smallest corpus and the smallest file of pairs are enough."""
    (tmp_path / "corpus.txt").write_text("Where is Ulm?")
    (tmp_path / "pairs.tsv").write_text("Where?\tUlm")
    corpus, recipe = tmp_path / "corpus.txt", ("--recipe", files / "tiny.toml")
    assert closedbook("pretrain", corpus, "--out", tmp_path / "one", *recipe).status == 0
    words = ("--from", tmp_path / "one", "--out", tmp_path / "two", *recipe)
    assert closedbook("finetune", tmp_path / "pairs.tsv", *words).status == 0


def test_empty_lines_and_short_documents_are_noted(closedbook: Closedbook, files: Path, tmp_path: Path):
    """A note says once how many there are in the corpus, and training continues."""
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("A line of text.\n\n \nabc\n")
    outcome = closedbook("pretrain", corpus, "--out", tmp_path / "run", "--recipe", files / "tiny.toml")
    assert outcome.status == 0
    assert f"note: {corpus}: 2 empty lines left out" in outcome.err
    assert f"note: {corpus}: 1 document shorter than 4 characters" in outcome.err


def test_the_memory_that_a_table_takes_is_noted(closedbook: Closedbook, files: Path, tmp_path: Path):
    """Before training, with its number of rows: its numbers in float32, and two per row for the optimizer."""
    corpus = tmp_path / "corpus.txt"
    corpus.write_text(" ".join(a + b + c for a in "abcdefghij" for b in "klmnopqrst" for c in "uvwxyzABCD") + "\n")
    words = ("pretrain", corpus, "--recipe", files / "tiny.toml", "--model.n-embd", 48, "--pretrain.epochs", 1, "-v")
    outcome = closedbook(*words, "--out", tmp_path / "run")
    # 10 prefixes of one letter, 100 of two, 1,000 of three, and none of these: 1,111 * (48 + 2) * 4 bytes.
    assert "note: prefix table: 1,111 rows, 0.2 MiB with the optimizer's state\n" in outcome.err
    assert outcome.err.index("note: prefix table") < outcome.err.index("pretrain: steps 1 to ")
    without = closedbook(*words, "--out", tmp_path / "without", "--model.no-prefix-table")
    assert "MiB" not in without.err


# The recipe


def test_a_flag_wins_over_a_file_and_a_file_over_its_preset(closedbook: Closedbook, files: Path, tmp_path: Path):
    """Preset, file, flag: the table says which gave each value, and recipe.toml has the result."""
    recipe, run = files / "tiny.toml", tmp_path / "run"
    flags = ("--model.n-layer", 3, "--epochs", 1, "--seed", 7, "--verbose")
    outcome = closedbook("pretrain", files / "corpus.txt", "--out", run, "--recipe", recipe, *flags)
    assert outcome.status == 0
    rows = table(outcome.err)
    assert rows["seed"] == ("7", "flag --seed")
    assert rows["model.n_layer"] == ("3", "flag --model.n-layer")
    assert rows["pretrain.epochs"] == ("1", "flag --epochs")
    assert rows["model.n_embd"] == ("16", f"{recipe}, line 6")
    assert rows["pretrain.batch_size"] == ("5", f"{recipe}, line 13")
    assert rows["pretrain.optimizer"] == ("muon", "preset fast")
    base, _ = load_recipe(str(recipe))
    saved, _ = load_recipe(str(run / "recipe.toml"))
    model, pretrain = replace(base.model, n_layer=3), replace(base.pretrain, epochs=1)
    assert saved == replace(base, seed=7, model=model, pretrain=pretrain)
    assert saved.corruption == FAST.corruption


def test_the_course_recipe_is_the_source_of_its_values(closedbook: Closedbook, files: Path, tmp_path: Path):
    """--recipe course trains with the assignment's values where no flag changes them."""
    shape = ("--model.n-layer", 2, "--model.n-embd", 16, "--model.block-size", 61)
    words = ("--out", tmp_path / "run", "--recipe=course", "--epochs", 1, "-v", *shape)
    outcome = closedbook("pretrain", files / "corpus.txt", *words)
    assert outcome.status == 0
    rows = table(outcome.err)
    assert rows["pretrain.learning_rate"] == ("0.006", "preset course")
    assert rows["model.n_head"] == ("8", "preset course")
    assert rows["corruption.name_only"] == ("0.0", "preset course")


def test_the_same_command_gives_the_same_bits(closedbook: Closedbook, files: Path, runs: Path, tmp_path: Path):
    """A run depends on files and recipe alone; another seed gives other weights."""
    words = ("pretrain", files / "corpus.txt", "--recipe", files / "tiny.toml")
    closedbook(*words, "--out", tmp_path / "again")
    closedbook(*words, "--out", tmp_path / "other", "--seed", 1)
    weights = (runs / "pretrained/model.safetensors").read_bytes()
    assert (tmp_path / "again/model.safetensors").read_bytes() == weights
    assert (tmp_path / "other/model.safetensors").read_bytes() != weights


# Questions


def test_predict_answers_a_pipe_as_it_answers_a_file(
    closedbook: Closedbook, files: Path, runs: Path, stdin: Callable[[bytes], None]
):
    """One answer per line on stdout and nothing else, whether questions come from a file, a pipe, or as pairs."""
    from_file = closedbook("predict", runs / "finetuned", files / "questions.txt")
    assert (from_file.status, from_file.err) == (0, "")
    assert len(from_file.out.splitlines()) == 2
    assert from_file.out.endswith("\n")
    stdin((files / "questions.txt").read_bytes())
    assert closedbook("predict", runs / "finetuned") == from_file
    stdin((files / "questions.txt").read_bytes())
    assert closedbook("predict", runs / "finetuned", "-") == from_file
    # Answers in the file are ignored, whatever they are.
    stdin((files / "dev.tsv").read_text().replace("Ulm", "Łódź").encode())
    assert closedbook("predict", runs / "finetuned") == from_file


def test_ask_answers_one_question_with_its_probability(closedbook: Closedbook, runs: Path, files: Path):
    """The answer, the same as that of predict, goes to stdout, and a warning with its probability to stderr."""
    outcome = closedbook("ask", runs / "finetuned", QUESTION)
    assert outcome.status == 0
    assert outcome.out == closedbook("predict", runs / "finetuned", files / "questions.txt").out.splitlines()[1] + "\n"
    assert "%; it can be sure of what it makes up)" in outcome.err


def test_ask_holds_a_dialogue_through_a_pipe(closedbook: Closedbook, runs: Path, stdin: Callable[[bytes], None]):
    """Empty lines are skipped; a line at fault is named as by predict, the others are answered, and the status is 2."""
    stdin(f"{QUESTION}\n\na?\tb\tc\r\n".encode() + b"\xff\n" + QUESTION.encode())
    outcome = closedbook("ask", runs / "finetuned")
    assert outcome.status == 2
    first, second = outcome.out.splitlines()
    assert first == second
    two_tabs, not_utf8 = (line for line in outcome.err.splitlines() if line.startswith("closedbook: "))
    assert two_tabs.startswith("closedbook: standard input, line 3: a pair is question<TAB>answer, and this line has 2")
    assert not_utf8.startswith("closedbook: standard input, line 4: the byte 0xff is not UTF-8")


def test_ask_without_questions_answers_nothing(closedbook: Closedbook, runs: Path, stdin: Callable[[bytes], None]):
    """An empty pipe is not an error."""
    stdin(b"")
    assert (closedbook("ask", runs / "finetuned").status, closedbook("ask", runs / "finetuned").out) == (0, "")


def test_predict_has_a_line_for_each_line(closedbook: Closedbook, runs: Path, stdin: Callable[[bytes], None]):
    """Where a line is empty so is the answer's, so that `paste` puts each answer beside its question."""
    stdin(f"\n{QUESTION}\n\n \n{QUESTION}\n\n".encode())
    lines = closedbook("predict", runs / "finetuned").out.split("\n")
    assert len(lines) == 7
    assert [bool(line) for line in lines] == [False, True, False, False, True, False, False]


@pytest.mark.parametrize(("name", "delimiter"), [("tsv", "\t"), ("csv", ",")])
def test_predict_writes_tables(
    closedbook: Closedbook, runs: Path, stdin: Callable[[bytes], None], name: str, delimiter: str
):
    """A header and a row for each question, with probability and state; quoted where a cell needs it."""
    question = f'Is it "so", {QUESTION}'
    stdin(f"{question}\n".encode())
    rows = list(
        csv.reader(closedbook("predict", runs / "finetuned", "--format", name).out.splitlines(), delimiter=delimiter)
    )
    assert rows[0] == ["question", "answer", "probability", "state"]
    ((asked, answer, probability, state),) = rows[1:]
    stdin(f"{question}\n".encode())
    assert f"{answer}\n" == closedbook("predict", runs / "finetuned").out
    assert state == "known"
    assert 0 <= float(probability) <= 1
    assert asked.endswith(QUESTION)


def test_predict_reads_a_spreadsheets_questions(closedbook: Closedbook, runs: Path, tmp_path: Path):
    """A CSV file with a header is asked line for line; the header has no answer, and one line says so."""
    asked = tmp_path / "asked.csv"
    asked.write_text(f"question\n{QUESTION}\n")
    outcome = closedbook("predict", runs / "finetuned", asked)
    assert outcome.status == 0, outcome.err
    assert "line 1 is a header (question), left out" in outcome.err
    assert [bool(line) for line in outcome.out.splitlines()] == [False, True]


def test_a_closed_pipe_ends_predict_without_a_traceback(files: Path, runs: Path, tmp_path: Path):
    """`closedbook predict RUN | head -0` ends with status 0 and prints nothing, since `head` has what it asked for."""
    questions = tmp_path / "questions.txt"
    questions.write_text((files / "questions.txt").read_text() * 20)
    words = [sys.executable, "-W", "error", "-m", "closedbook.commands.main", "predict", runs / "finetuned", questions]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_evaluate_scores_answers_beside_the_commonest(closedbook: Closedbook, files: Path, runs: Path, tmp_path: Path):
    """Accuracy, its interval and the majority baseline are printed, and kept in the run with the predictions."""
    run = tmp_path / "run"
    run.symlink_to(runs / "finetuned")
    outcome = closedbook("evaluate", run, files / "dev.tsv")
    assert outcome.status == 0
    accuracy, baseline, *_ = outcome.out.splitlines()
    assert accuracy.startswith("accuracy: 0 of 2, 0.0% (95% interval 0.0% to ")
    assert baseline.startswith("majority baseline (always 'Ulm'): 1 of 2, 50.0% (95% interval ")
    (predictions,) = run.glob("evaluations/dev-*.predictions")
    assert outcome.err == f"predictions in {predictions}\n"
    assert predictions.read_text() == closedbook("predict", run, files / "questions.txt").out
    facts = json.loads(predictions.with_suffix(".json").read_text())
    assert (facts["n_correct"], facts["n_questions"], facts["accuracy"]) == (0, 2, 0.0)
    assert (facts["baseline_answer"], facts["baseline_accuracy"]) == ("Ulm", 0.5)
    assert found_path(facts["pairs"], run / "evaluations") == str(files / "dev.tsv")


def test_evaluate_predicts_questions_that_have_no_answers(closedbook: Closedbook, files: Path, runs: Path):
    """Without answers there are predictions and no score, and a line says so."""
    outcome = closedbook("evaluate", runs / "finetuned", files / "questions.txt")
    assert outcome.status == 0
    assert outcome.out == "2 answers; no score, since the file has questions without answers\n"
    assert len(next(runs.glob("finetuned/evaluations/questions-*.predictions")).read_text().splitlines()) == 2
    assert "accuracy" not in json.loads(next(runs.glob("finetuned/evaluations/questions-*.json")).read_text())


def test_evaluate_keeps_its_answers_where_the_training_pairs_are_others_now(
    closedbook: Closedbook, files: Path, runs: Path, tmp_path: Path
):
    """Without them the majority baseline is the best constant answer, and says so; nothing else changes."""
    run = tmp_path / "run"
    shutil.copytree(runs / "finetuned", run)
    (tmp_path / "pairs.tsv").write_text("no pair\n")
    facts = json.loads((run / "run.json").read_text())
    facts["sources"]["pairs"]["path"] = "../pairs.tsv"
    write_summed(run / "run.json", json.dumps(facts).encode())
    outcome = closedbook("evaluate", run, files / "dev.tsv")
    assert outcome.status == 0
    assert outcome.out.splitlines()[1].startswith(
        "majority baseline (always 'Ulm', the commonest answer here, since the training pairs are unknown): 1 of 2, "
    )
    assert list(run.glob("evaluations/dev-*.predictions"))


def test_answers_are_utf_8_whatever_the_locale(files: Path, tmp_path: Path):
    """A terminal or pipe whose locale is ASCII gets the model's characters all the same."""
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("Zoë Bø was born in Malmö .\n", encoding="utf-8")
    words = ["pretrain", corpus, "--recipe", files / "tiny.toml", "--out", tmp_path / "Zoë"]
    program = [sys.executable, "-m", "closedbook.commands.main", *map(str, words)]
    done = subprocess.run(program, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}, check=True)
    assert done.stdout.decode() == f"{tmp_path / 'Zoë'}\n"


# Worlds


def test_world_makes_a_corpus_that_the_other_commands_take(closedbook: Closedbook, files: Path, tmp_path: Path):
    """The world's paths are printed, and pretrain and evaluate read its files as they are."""
    world = tmp_path / "world"
    outcome = closedbook("world", world, "--people", 100, "--seed", 5)
    assert (outcome.status, outcome.err) == (0, "")
    made = {Path(line) for line in outcome.out.splitlines()}
    assert made == set(world.iterdir())
    assert json.loads((world / "world.json").read_text())["spec"]["n_people"] == 100
    recipe = ("--recipe", files / "tiny.toml", "--epochs", 1, "--model.block-size", 101, "--pretrain.batch-size", 97)
    words = ("--out", tmp_path / "run", "--pairs", world / "train.tsv", "--dev", world / "dev.tsv", *recipe)
    assert closedbook("pretrain", world / "corpus.txt", *words).status == 0
    assert closedbook("evaluate", tmp_path / "run", world / "withheld.tsv").status == 0


@pytest.mark.parametrize("words", [("--people", 100, "--seed", 3), ("--world.n-people", 100, "--world.seed", 3)])
def test_worlds_people_and_seed_are_short_for_its_fields(
    closedbook: Closedbook, tmp_path: Path, words: tuple[object, ...]
):
    """--people and --seed set the same fields as --world.n-people and --world.seed."""
    assert closedbook("world", tmp_path / "world", *words).status == 0
    spec = json.loads((tmp_path / "world/world.json").read_text())["spec"]
    assert (spec["n_people"], spec["seed"]) == (100, 3)
