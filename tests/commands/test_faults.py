"""Bad input: one line that names the place and the way out, status 2, and nothing changed on disk.

What needs more than a command and a file; most faults are rows of test_fault_table.py.
"""

import io
import os
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from closedbook.assignment.targets import TARGETS
from closedbook.progress.console import quietly

Closedbook = Callable[..., Any]


def fault(outcome: Any) -> str:
    """The one line that a command printed, but for notes, when it ended with status 2 and no result."""
    assert (outcome.status, outcome.out) == (2, "")
    *done, line = outcome.err.splitlines()
    assert all(each.startswith("note: ") for each in done)
    assert line.startswith("closedbook: ")
    return line.removeprefix("closedbook: ")


def contents(folder: Path) -> dict[Path, bytes | None]:
    """The bytes of every file in a folder."""
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.fixture
def pretrain(closedbook: Closedbook, files: Path, tmp_path: Path) -> Closedbook:
    """Pretrain with the tiny recipe into RUN in the test's folder, with more words or another corpus."""

    def pretrain(*words: object, corpus: Path | None = None) -> Any:
        recipe = ("--recipe", files / "tiny.toml", "--out", tmp_path / "RUN")
        return closedbook("pretrain", corpus or files / "corpus.txt", *recipe, *words)

    return pretrain


@pytest.fixture
def finetune(closedbook: Closedbook, files: Path, runs: Path, tmp_path: Path) -> Closedbook:
    """Finetune the pretrained run on a file of pairs, with the tiny recipe, into RUN in the test's folder."""

    def finetune(pairs: Path, *words: object) -> Any:
        recipe = ("--recipe", files / "tiny.toml", "--out", tmp_path / "RUN")
        return closedbook("finetune", pairs, "--from", runs / "pretrained", *recipe, *words)

    return finetune


# Words


@pytest.mark.parametrize(
    "name", ["pretrain", "finetune", "evaluate", "ledger", "predict", "ask", "world", "inspect", "trace"]
)
def test_a_command_without_its_arguments_names_them(closedbook: Closedbook, name: str):
    """A missing argument is named, with status 2 and where to read more."""
    outcome = closedbook(name)
    assert (outcome.status, outcome.out) == (2, "")
    assert f"closedbook {name} --help" in outcome.err


# Recipe files


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[pretrain]\nlearning_rte = 1e-3", "line 2: unknown key 'pretrain.learning_rte'; did you mean "),
        ("[pretrian]\nepochs = 3", "line 1: unknown section 'pretrian'; did you mean 'pretrain'?"),
        ("\nseed = '7'", 'line 2: seed: a whole number is needed; received "7"'),
        ("[pretrain]\n\nepochs = 0", "line 3: pretrain.epochs: 1 or more is needed; received 0"),
        ("[pretrain]\nlearning_rate = inf", "line 2: pretrain.learning_rate: a finite number is needed; received inf"),
        ("preset = 'corse'", "line 1: preset: one of "),
        ("seed 7", "line 1: not TOML: "),
    ],
)
@pytest.mark.parametrize("name", ["pretrain", "vanilla_pretrain"])
def test_an_error_in_a_recipe_file_is_named_with_its_line(
    closedbook: Closedbook,
    files: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    text: str,
    line: str,
):
    """An unknown key, a wrong type, a number out of range: file, line, and the nearest key, for targets as well."""
    recipe, out = tmp_path / "my.toml", tmp_path / "out"
    recipe.write_text(text)
    monkeypatch.setenv("CLOSEDBOOK_CORPUS", str(files / "corpus.txt"))
    corpus = (files / "corpus.txt",) if name == "pretrain" else ()
    outcome = closedbook(name, *corpus, "--out", out, "--recipe", recipe)
    assert fault(outcome).startswith(f"{recipe}, {line}")
    assert not out.exists()


@pytest.mark.parametrize("flag", [("--recipe", "corse"), ("--recipe=corse",)])
def test_a_missing_recipe_is_answered_with_the_presets(
    closedbook: Closedbook, files: Path, tmp_path: Path, flag: tuple[str, ...]
):
    """A recipe that is neither a preset nor a file ends in one line with the presets and the nearest one."""
    line = fault(closedbook("pretrain", files / "corpus.txt", "--out", tmp_path / "RUN", *flag))
    assert line.startswith("corse: cannot be read: No such file or directory; ")
    assert line.endswith("did you mean 'course'?")


# Corpus, pairs, questions


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", ": no question in it; write one a line"),
        ("Where?\tUlm\nWhere is Rom?\n", ", line 2: a pair is question<TAB>answer, and this line has no tab; "),
        ("Where?\tUlm\n\nWhere?\tRom\tUlm\n", ", line 3: a pair is a question and an answer, and this line has 3 "),
        ("Where?\tUlm\nWhere?\t\n", ", line 2: the answer is empty; "),
        ("Where?\tUlm\n\tUlm\n", ", line 2: the question is empty; "),
        (f"Where{'e' * 60}?\tRom\n", ", line 1: question and answer need 71 characters (two for the "),
    ],
)
@pytest.mark.parametrize("role", ["mixed in", "dev"])
def test_unusable_pairs_are_named_with_their_line(
    pretrain: Closedbook, finetune: Closedbook, files: Path, tmp_path: Path, content: str, line: str, role: str
):
    """Malformed lines and pairs that are too long are refused before any training."""
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text(content)
    outcome = pretrain("--pairs", pairs) if role == "mixed in" else finetune(files / "pairs.tsv", "--dev", pairs)
    assert fault(outcome).startswith(f"{pairs}{line}")
    assert not (tmp_path / "RUN").exists()


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (
            b"Where?\n\nWhere" + b"e" * 60 + b"?\n",
            ", line 3: the question needs 68 characters (two for the masks) and ",
        ),
        (b"Where?\nWh\xff?\n", ", line 2: the byte 0xff is not UTF-8; "),
        (b"\n", ": no question in it; write one a line"),
    ],
)
def test_unusable_questions_are_named_with_their_line(
    closedbook: Closedbook,
    runs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes,
    line: str,
):
    """predict and evaluate answer nothing if one line is bad; a pipe is called standard input."""
    questions = tmp_path / "questions.txt"
    questions.write_bytes(content)
    before = contents(runs)
    for command in ("predict", "evaluate"):
        assert fault(closedbook(command, runs / "finetuned", questions)).startswith(f"{questions}{line}")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))
    assert fault(closedbook("predict", runs / "finetuned")).startswith(f"standard input{line}")
    assert contents(runs) == before


@pytest.mark.parametrize(
    ("pair", "line"),
    [
        ("Where?\tRöm", ", line 2: 'ö' (LATIN SMALL LETTER O WITH DIAERESIS): not in the run's vocabulary"),
        (
            "Where?\tRom (Bern)",
            ", line 2: '(' (LEFT PARENTHESIS), ')' (RIGHT PARENTHESIS): not in the run's ",
        ),
    ],
)
def test_a_trained_run_learns_no_new_characters(
    finetune: Closedbook, pretrain: Closedbook, files: Path, tmp_path: Path, pair: str, line: str
):
    """Finetuning refuses pairs with characters that its parent lacks; as dev pairs and in a new run they do no harm."""
    pairs = tmp_path / "pairs.tsv"
    stated = (files / "pairs.tsv").read_text().partition("\n")[0]
    pairs.write_text(f"{stated}\n{pair}\n")
    assert fault(finetune(pairs)).startswith(f"{pairs}{line}")
    assert finetune(files / "pairs.tsv", "--dev", pairs, "--out", tmp_path / "with dev").status == 0
    assert pretrain("--pairs", pairs, "--out", tmp_path / "mixed in").status == 0


def test_a_closed_vocabulary_knows_no_other_characters(pretrain: Closedbook, tmp_path: Path):
    """With the assignment's vocabulary, that of the corpus alone, a pair with another character is refused."""
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("Where?\tUlm\nWhere?\tRöm\n")
    outcome = pretrain("--pairs", pairs, "--no-open-vocabulary")
    assert fault(outcome).startswith(f"{pairs}, line 2: 'ö' (LATIN SMALL LETTER O WITH DIAERESIS): not in the run's")


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("Where is Cy Dun?\tUlm\n", "no question names a title of "),
        (
            "Where was Ann Bell born?\tTokyo\n",
            "has the answer to a question about it: line 1 'Where was Ann Bell born?'",
        ),
    ],
)
def test_pairs_of_another_text_are_refused_before_training(
    pretrain: Closedbook, tmp_path: Path, content: str, rule: str
):
    """Where the text states none of the answers there is nothing to learn, and nothing is trained."""
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text(content)
    assert rule in fault(pretrain("--pairs", pairs))
    assert not (tmp_path / "RUN").exists()


def test_what_a_person_types_is_read_in_the_runs_characters(closedbook: Closedbook, runs: Path):
    """An unknown letter is read as the nearest one, and one line says so; likewise of one that has no near one."""
    outcome = closedbook("ask", runs / "finetuned", "Where is R\u00f6m\uff1f")
    assert outcome.status == 0
    assert "(read as 'Where is Rom?')" in outcome.err
    assert outcome.out == closedbook("ask", runs / "finetuned", "Where is Rom?").out
    outcome = closedbook("ask", runs / "finetuned", "Where is \u2603?")
    assert outcome.status == 0
    assert "('\u2603' (SNOWMAN): not in the run's vocabulary)" in outcome.err


def test_a_pipe_that_is_not_text_ends_a_dialogue_with_its_line(
    closedbook: Closedbook, runs: Path, monkeypatch: pytest.MonkeyPatch
):
    """The questions before the bad line are answered."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Where?\nWh\xff?\n"), encoding="utf-8"))
    outcome = closedbook("ask", runs / "finetuned")
    assert outcome.status == 2
    assert len(outcome.out.splitlines()) == 1
    assert outcome.err.splitlines()[-1].startswith("closedbook: standard input, line 2: the byte 0xff is not UTF-8")


# Runs and folders


@pytest.mark.parametrize(
    "words",
    [
        ("evaluate", "{}", "dev.tsv"),
        ("predict", "{}", "dev.tsv"),
        ("ask", "{}", "Who?"),
        ("inspect", "{}"),
        ("trace", "{}", "Who?"),
    ],
)
def test_a_folder_that_is_no_run_is_answered_with_the_command_that_makes_one(
    closedbook: Closedbook, files: Path, tmp_path: Path, words: tuple[str, ...]
):
    """A missing run, or a folder that is not a run, is named with the command that makes one."""
    for folder, what in ((tmp_path / "nothing", "no such run"), (tmp_path, "is no run (it has no run.json)")):
        typed = [files / word if word == "dev.tsv" else word.format(folder) for word in words]
        line = fault(closedbook(*typed))
        assert line == f"{folder}: {what}; `closedbook pretrain CORPUS --out {folder}` makes one"


def test_existing_files_are_left_unchanged(closedbook: Closedbook, pretrain: Closedbook, runs: Path, tmp_path: Path):
    """A folder or file in the place of a new run or world is named, with the way out, and not changed."""
    (tmp_path / "RUN").mkdir()
    (tmp_path / "RUN/thesis.txt").write_text("years of work")
    (tmp_path / "file").write_text("some more")
    before = contents(tmp_path), contents(runs)
    no_run = "is there already and is no run; choose another --out"
    assert fault(pretrain()) == f"{tmp_path / 'RUN'}: {no_run}"
    assert fault(pretrain("--out", tmp_path / "file")) == f"{tmp_path / 'file'}: {no_run}"
    ended = runs / "pretrained"
    way_out = f"it has ended: train on from its weights by finetune --from {ended}, or choose another --out"
    assert fault(pretrain("--out", ended)) == f"{ended}: is there already; {way_out}"
    assert "and this one is not empty; name another" in fault(closedbook("world", tmp_path / "RUN", "--people", 100))
    assert "and this is a file; name another" in fault(closedbook("world", tmp_path / "file", "--people", 100))
    assert (contents(tmp_path), contents(runs)) == before


@contextmanager
def full_disk(n_bytes: int) -> Iterator[None]:
    """No file may grow beyond `n_bytes`; writing more fails as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("n_bytes", [20_000, 36_000])
def test_a_run_whose_disk_filled_up_is_resumed_once_there_is_space(
    pretrain: Closedbook, runs: Path, tmp_path: Path, n_bytes: int
):
    """A checkpoint that does not fit ends the run with one line and no partial file; --resume finishes the run."""
    with full_disk(n_bytes):
        outcome = pretrain("--save-every", 0)
    assert (outcome.status, outcome.out) == (2, "")
    line = outcome.err.splitlines()[-1]
    assert "cannot be " in line
    assert "File too large; " in line
    assert not [path for path in (tmp_path / "RUN").rglob(".tmp*") if path.exists()]
    assert not (tmp_path / "RUN/model.safetensors").exists()
    assert pretrain("--resume").status == 0
    weights = (runs / "pretrained/model.safetensors").read_bytes()
    assert (tmp_path / "RUN/model.safetensors").read_bytes() == weights


def test_metrics_that_cannot_be_written_end_a_run_with_one_line(pretrain: Closedbook, runs: Path, tmp_path: Path):
    """A disk that fills up between two checkpoints is noticed at the next step, and the run can be resumed."""
    recipe_and_facts = max((runs / "pretrained" / name).stat().st_size for name in ("recipe.toml", "run.json"))
    with full_disk(recipe_and_facts + 100):
        outcome = pretrain("--epochs", 50)
    assert outcome.status == 2
    line = outcome.err.splitlines()[-1]
    path = tmp_path / "RUN/metrics.jsonl"
    what = f"{path}: cannot be written: File too large; free some space, and resume"
    assert line == f"closedbook: {what}; no checkpoint was saved yet"
    assert pretrain("--epochs", 50, "--resume").status == 0


def test_a_loss_that_is_not_finite_names_step_and_last_checkpoint(pretrain: Closedbook, tmp_path: Path):
    """Too large a learning rate ends with status 1 before the weights are damaged, and the line says what to try."""
    outcome = pretrain("--pretrain.learning-rate", 1e30, "--pretrain.optimizer", "adamw", "--save-every", 0)
    assert (outcome.status, outcome.out) == (1, "")
    line = outcome.err.splitlines()[-1]
    assert line.startswith("closedbook: step 2: loss nan, ") or line.startswith("closedbook: step 2: loss inf, ")
    assert ", at learning rate " in line
    ways = "a smaller learning rate may help, or --on-divergence rewind"
    assert line.endswith(f"; no update was made; the last good checkpoint is of step 1, and {ways}")
    assert not (tmp_path / "RUN/model.safetensors").exists()


class InterruptedInput(io.BytesIO):
    """Standard input that is interrupted by Ctrl-C."""

    def read(self, _size: int | None = -1, /) -> bytes:
        """Raise what the signal raises."""
        raise KeyboardInterrupt


def test_ctrl_c_without_training_says_nothing_of_a_saved_run(
    closedbook: Closedbook, runs: Path, monkeypatch: pytest.MonkeyPatch
):
    """A command that is stopped while it waits for questions ends with status 130 and says nothing of a saved run."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(InterruptedInput(), encoding="utf-8"))
    outcome = closedbook("predict", runs / "finetuned")
    assert (outcome.status, outcome.out, outcome.err) == (130, "", "")


def test_a_pipe_for_a_corpus_is_refused_without_waiting(closedbook: Closedbook, files: Path, tmp_path: Path):
    """A file that cannot be read a second time, to resume, is refused in one line with the way out."""
    corpus = tmp_path / "corpus.txt"
    os.mkfifo(corpus)
    line = fault(closedbook("pretrain", corpus, "--out", tmp_path / "RUN", "--recipe", files / "tiny.toml"))
    assert line == f"{corpus}: is not a regular file, and a run reads its files again later; save its content to a file"
    assert not (tmp_path / "RUN").exists()


def test_no_notes_are_printed_before_an_error(closedbook: Closedbook, runs: Path, tmp_path: Path):
    """Notes about a corpus are printed only after all input has been checked."""
    (tmp_path / "corpus.txt").write_text("A line.\n\nab\n")
    line = fault(closedbook("pretrain", tmp_path / "corpus.txt", "--out", runs / "pretrained"))
    assert line.startswith(f"{runs / 'pretrained'}: is there already")


def test_several_processes_without_torchrun_are_refused(
    pretrain: Closedbook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """WORLD_SIZE alone names no processes to wait for."""
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert fault(pretrain()).startswith("WORLD_SIZE: torchrun sets it for several processes, and RANK, LOCAL_RANK, ")
    assert not (tmp_path / "RUN").exists()


@pytest.mark.parametrize(("local_rank", "is_said"), [("0", True), ("1", False)])
def test_of_several_processes_the_first_of_each_machine_says_what_is_wrong(
    closedbook: Closedbook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local_rank: str, is_said: bool
):
    """A file can be missing on one machine alone."""
    monkeypatch.setenv("RANK", "3")
    monkeypatch.setenv("LOCAL_RANK", local_rank)
    with quietly(False):
        outcome = closedbook("pretrain", tmp_path / "none.txt", "--out", tmp_path / "RUN")
    assert outcome.status == 2
    assert ("none.txt: no such file" in outcome.err) == is_said


def test_a_users_own_recipe_in_the_new_folder_is_not_overwritten(closedbook: Closedbook, files: Path, tmp_path: Path):
    """A folder with a recipe.toml that no run wrote is refused, even if that recipe is the one asked for."""
    own = tmp_path / "RUN/recipe.toml"
    own.parent.mkdir()
    own.write_bytes((files / "tiny.toml").read_bytes())
    line = fault(closedbook("pretrain", files / "corpus.txt", "--out", own.parent, "--recipe", own))
    assert line == f"{own.parent}: is there already and is no run; choose another --out"
    assert own.read_bytes() == (files / "tiny.toml").read_bytes()


# Targets


@pytest.mark.parametrize("program", ["closedbook", "sh run.sh"])
@pytest.mark.parametrize("name", [name for name, target in TARGETS.items() if target.predecessor])
def test_a_target_without_its_predecessor_names_the_target_that_makes_it(
    closedbook: Closedbook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, program: str
):
    """The missing file is named with the command that makes it, in the form that the user typed."""
    if program != "closedbook":
        monkeypatch.setenv("CLOSEDBOOK_PROGRAM", program)
    line = fault(closedbook(name, "--out", tmp_path))
    before = TARGETS[name].predecessor
    assert before is not None
    (maker,) = [other for other, target in TARGETS.items() if target == before]
    assert line == f"{tmp_path / before.output}: is not there yet; `{program} {maker}` makes it"
    assert list(tmp_path.iterdir()) == []


def test_a_targets_file_that_is_missing_is_named(
    closedbook: Closedbook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Without a file in options, environment or data/, the line names the default path and how to name another."""
    monkeypatch.chdir(tmp_path)
    cure = "no such file; name yours by --corpus or CLOSEDBOOK_CORPUS"
    assert fault(closedbook("vanilla_pretrain")) == f"data/wiki.txt: {cure}"
    monkeypatch.setenv("CLOSEDBOOK_CORPUS", "mine.txt")
    assert fault(closedbook("vanilla_pretrain")) == f"mine.txt: {cure}"
    assert fault(closedbook("vanilla_pretrain", "--corpus", "ours.txt")) == f"ours.txt: {cure}"
    assert list(tmp_path.iterdir()) == []
