"""The Python API, as one uses it in a notebook."""

import math
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
import torch

import closedbook
from closedbook.api.words import in_python
from closedbook.recipe.recipe import FAST

SMALL = """\
preset = "fast"
precision = "float32"
[model]
n_head = 2
n_embd = 20
block_size = 97
[study]
epochs = 1
[pretrain]
epochs = 1
"""


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with corpus.txt, train.tsv and dev.tsv about a hundred people, and small.toml."""
    from closedbook.world.world import WorldConfig, write_world

    folder = tmp_path_factory.mktemp("api") / "people"
    write_world(WorldConfig(n_people=100, n_places=5, documents=1, attributes=("birthplace",)), folder)
    (folder / "small.toml").write_text(SMALL)
    return folder


@pytest.fixture(scope="session")
def run(people: Path) -> closedbook.Run:
    """A run of self-study, which tests only ask."""
    path = people.parent / "run"
    return closedbook.study(
        people / "corpus.txt", people / "train.tsv", path, recipe=people / "small.toml", progress=False
    )


@pytest.fixture(scope="session")
def question(people: Path) -> str:
    """One of the dev questions."""
    return (people / "dev.tsv").read_text().partition("\t")[0]


# Importing


def test_importing_closedbook_imports_no_torch():
    """The package is there at once; torch is imported when a function that needs it is first used."""
    script = """
import sys, closedbook
assert not {"torch", "rich"} & set(sys.modules)
assert {"study", "load", "Run", "Answer", "Evaluation", "InputError"} <= set(dir(closedbook))
assert callable(closedbook.load) and "torch" in sys.modules
"""
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)


def test_a_misspelt_name_is_an_attribute_error():
    """closedbook.studdy is no attribute, as of any module."""
    with pytest.raises(AttributeError, match="studdy"):
        _ = closedbook.studdy


def test_every_public_name_is_there_and_documented():
    """All of __all__ can be imported and has a docstring."""
    for name in closedbook.__all__:
        assert getattr(closedbook, name).__doc__, name


def test_python_m_closedbook_is_the_command_line():
    """`python -m closedbook --version` prints what `closedbook --version` does."""
    done = subprocess.run([sys.executable, "-m", "closedbook", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == "closedbook"


WRONG_TYPES = {
    "run.answer(None)": "question: a string is needed; received None",
    "run.answer(['a'])": "question: a string is needed; received ['a']",
    "run.answer_many([None])": "questions[0]: a string is needed; received None",
    "run.answer_many(None)": "questions: a list of strings is needed; received None",
    "run.answer_many('Where was')": "questions: a list of strings is needed; received 'Where was'",
    "run.answer_many(b'Where was')": "questions: a list of strings is needed; received b'Where was'",
    "run.answer_file('dev.tsv')": "questions: a Questions object is needed; received 'dev.tsv'",
    "run.evaluate('dev.tsv', match='loose')": "match: one of exact, normalized is needed; received 'loose'",
    "run.evaluate(None)": "pairs: a path, as a string or a Path, is needed; received None",
    "run.generate(None)": "prompt: a string is needed; received None",
    "run.generate('Where', temperature='hot')": "temperature: a number is needed; received 'hot'",
    "run.generate('Where', temperature=True)": "temperature: a number is needed; received True",
    "run.generate('Where', top_k=1.5)": "top_k: a whole number is needed; received 1.5",
    "run.generate('Where', n_characters=2.5)": "n_characters: a whole number is needed; received 2.5",
    "run.generate('Where', n_characters=None)": "n_characters: a whole number is needed; received None",
    "run.generate('Where', seed=None)": "seed: a whole number is needed; received None",
    "run.generate('Where', seed=numpy.eye(2))": "seed: a whole number is needed; received a value of type ndarray",
    "run.why(None)": "question: a string is needed; received None",
    "run.why_many('Where')": "questions: a list of strings is needed; received 'Where'",
    "run.why('Where', n_lines=1.5)": "n_lines: a whole number is needed; received 1.5",
    "run.why('Where', corpus=3)": "corpus: a path, as a string or a Path, is needed; received 3",
    "closedbook.load(None)": "path: a path, as a string or a Path, is needed; received None",
    "closedbook.load(3)": "path: a path, as a string or a Path, is needed; received 3",
    "study(None, 'b', 'c')": "corpus: a path, as a string or a Path, is needed; received None",
    "study([], 'b', 'c')": "corpus: a file or folder, or several, are needed; received []",
    "study(['a', 1], 'b', 'c')": "corpus: a path, as a string or a Path, is needed; received 1",
    "study('a', 1, 'c')": "pairs: a path, as a string or a Path, is needed; received 1",
    "study('a', 'b', None)": "out: a path, as a string or a Path, is needed; received None",
    "study('a', 'b', 'c', dev=1)": "dev: a path, as a string or a Path, is needed; received 1",
    "study('a', 'b', 'c', recipe=3)": "recipe: a preset's name, a path or a Recipe is needed; received 3",
    "study('a', 'b', 'c', recipe={})": "recipe: a preset's name, a path or a Recipe is needed; received {}",
    "study('a', 'b', 'c', budget_minutes='1')": "budget_minutes: a number is needed; received '1'",
    "study('a', 'b', 'c', seed='7')": "seed: a whole number is needed; received '7'",
    "study('a', 'b', 'c', seed=1.5)": "seed: a whole number is needed; received 1.5",
}


@pytest.fixture(scope="session")
def unchecked(run: closedbook.Run) -> Any:
    """What a process without type checks writes: a text, an error for each wrong type, and one that is not caught."""
    script = f"""
import closedbook, numpy
from closedbook import study
run = closedbook.load({str(run.path)!r})
two = numpy.int64(2)
run.generate("Where", temperature=numpy.float32(0.5), top_k=two, n_characters=two, seed=two)
print(run.generate("Where", temperature=0, n_characters=5))
for call in {list(WRONG_TYPES)!r}:
    try:
        eval(call)
    except closedbook.InputError as error:
        print(error)
study("corpus.txt", "train.tsv", "run", setting="guess")
"""
    return subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True)


def test_numbers_may_be_whole_and_settings_misspelt(run: closedbook.Run, unchecked: Any):
    """Without type checks too, a whole number serves as a temperature, and a setting that is none ends in one line."""
    assert unchecked.stdout.splitlines()[0] == run.generate("Where", temperature=0.0, n_characters=5)
    rule = "InputError: setting: one of self-study, guided, asking, unguided, assignment is needed; received 'guess'"
    assert unchecked.stderr.splitlines()[-1].endswith(rule)


def test_arguments_of_a_wrong_type_are_named(unchecked: Any):
    """Without type checks, each ends in an InputError of one line: the argument, the rule and what was received."""
    assert unchecked.stdout.splitlines()[1:] == list(WRONG_TYPES.values())
    assert unchecked.stderr.startswith("Traceback")


# Asking


def test_an_answer_has_text_and_probability(run: closedbook.Run, question: str):
    """An answer knows its question, prints as its text, and cannot be changed."""
    answer = run.answer(question)
    assert isinstance(answer, closedbook.Answer)
    assert answer.question == question
    assert str(answer) == answer.text
    assert 0 < answer.probability <= 1
    assert isinstance(answer.ended, bool)
    with pytest.raises(FrozenInstanceError):
        answer.text = "Ulm"  # type: ignore[misc]


def test_many_questions_are_answered_in_their_order(run: closedbook.Run, people: Path):
    """answer_many gives what answer gives, one by one; no questions have no answers."""
    questions = [line.partition("\t")[0] for line in (people / "dev.tsv").read_text().splitlines()][:5]
    answers = run.answer_many(questions)
    assert [answer.question for answer in answers] == questions
    assert [answer.text for answer in answers] == [run.answer(question).text for question in questions]
    assert run.answer_many([]) == []


def test_the_command_line_gives_the_same_answer(run: closedbook.Run, question: str, closedbook_command: Any):
    """`closedbook ask RUN QUESTION` prints the answer that run.answer gives."""
    assert closedbook_command("ask", run.path, question).out == f"{run.answer(question).text}\n"


@pytest.fixture
def closedbook_command(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """The command line in this process."""
    return request.getfixturevalue("closedbook")


def test_a_question_is_read_in_the_runs_characters(run: closedbook.Run, question: str):
    """Curly quotes, no-break blanks and the like are read as what the run knows, and `read_as` says so."""
    typed = question.replace(" ", "\xa0").replace("?", "\uff1f")
    assert run.answer(typed) == run.answer(question)
    assert run.read_as(typed) == f"read as {question!r}"
    assert run.read_as(question) is None
    assert run.read_as("Where is \u2603?") == "'\u2603' (SNOWMAN): not in the run's vocabulary"


def test_a_question_that_cannot_be_asked_is_refused(run: closedbook.Run):
    """InputError names the rule."""
    with pytest.raises(closedbook.InputError, match=r"characters .* and the model reads 97"):
        run.answer("e" * 96)
    with pytest.raises(closedbook.InputError, match="question: is empty"):
        run.answer(" ")


def test_a_question_is_one_line(run: closedbook.Run, question: str):
    """A line feed inside a question is refused, in many questions too; one at its end is not read."""
    for ask in (run.answer, lambda text: run.answer_many([question, text])):
        with pytest.raises(closedbook.InputError, match=r"born\?\\nWhere\?': a question is one line"):
            ask("Where was he born?\nWhere?")
    assert run.answer(f"{question}\n") == run.answer(question)


def test_a_line_of_a_file_of_pairs_is_asked_without_its_answer(run: closedbook.Run, people: Path, question: str):
    """What follows a tab is not read, as in `closedbook predict`."""
    line = (people / "dev.tsv").read_text().splitlines()[0]
    assert run.answer(line) == run.answer(f" {question} ") == run.answer(question)
    assert run.answer(f"{question}\tŁódź") == run.answer(question)


def test_evaluate_gives_accuracy_interval_and_predictions(run: closedbook.Run, people: Path):
    """A file of pairs, as str or Path, is scored; the setting and the majority baseline are next to the accuracy."""
    result = run.evaluate(str(people / "dev.tsv"))
    assert isinstance(result, closedbook.Evaluation)
    assert result == run.evaluate(people / "dev.tsv")
    n = len((people / "dev.tsv").read_text().splitlines())
    assert len(result.predictions) == len(result.expected) == n
    n_right = sum(answer.text == truth for answer, truth in zip(result.predictions, result.expected, strict=True))
    assert result.accuracy == n_right / n
    low, high = result.interval
    assert low <= result.accuracy <= high
    assert result.setting == "self-study"
    assert "majority baseline" in str(result)
    assert not (run.path / "evaluations").exists()


def test_evaluate_counts_a_question_once_and_may_normalize(run: closedbook.Run, question: str, tmp_path: Path):
    """Two lines of one question are one, right if one of them fits; expected and predictions are the lines'."""
    said = run.answer(question).text
    (tmp_path / "pairs.tsv").write_text(f"{question}\tNowhere\n{question}\tThe {said.upper()}!\n")
    result = run.evaluate(tmp_path / "pairs.tsv")
    assert (result.score.n_correct, result.score.n_questions, result.match) == (0, 1, "exact")
    assert result.expected == ("Nowhere", f"The {said.upper()}!")
    assert [answer.text for answer in result.predictions] == [said, said]
    result = run.evaluate(tmp_path / "pairs.tsv", match="normalized")
    assert (result.score.n_correct, result.score.n_questions, result.match) == (1, 1, "normalized")
    assert "\nmatch: normalized" in str(result)


def test_a_fault_in_a_file_is_named_with_its_line(run: closedbook.Run, tmp_path: Path):
    """evaluate raises an InputError that names file and line."""
    (tmp_path / "pairs.tsv").write_text("Where?\tUlm\nWho?\n")
    with pytest.raises(closedbook.InputError, match=r"pairs.tsv, line 2: a pair is question<TAB>answer"):
        run.evaluate(tmp_path / "pairs.tsv")


# Looking inside


def test_the_model_is_a_torch_module_that_is_loaded_once(run: closedbook.Run, question: str):
    """run.model maps token ids to logits, is in evaluation mode, and is the one that answers."""
    loaded = closedbook.load(str(run.path))
    assert isinstance(loaded.model, torch.nn.Module)
    assert not loaded.model.training
    ids = torch.tensor([loaded.vocabulary.encode(question)])
    assert loaded.model(ids).shape == (1, len(question), len(loaded.vocabulary))
    before = loaded.answer(question)
    assert run.answer(question) == before
    (run.path / "model.safetensors").rename(run.path / "elsewhere")
    try:
        assert loaded.answer(question) == before
    finally:
        (run.path / "elsewhere").rename(run.path / "model.safetensors")
    assert loaded.model is loaded.model


def test_a_run_shows_its_recipe_and_path(run: closedbook.Run, people: Path):
    """run.recipe is what it was trained with; its repr names the folder."""
    assert (run.recipe.model.n_embd, run.recipe.pretrain.optimizer) == (20, FAST.pretrain.optimizer)
    assert run.path == people.parent / "run"
    assert str(run.path) in repr(run)


def test_text_is_generated_by_seed(run: closedbook.Run, question: str):
    """The same seed gives the same text, up to the mask that ends it; temperature 0 needs no seed."""
    prompt = f"{question}⁇"
    text = run.generate(prompt, temperature=5.0)
    assert text == run.generate(prompt, temperature=5.0, seed=0)
    assert len({run.generate(prompt, temperature=5.0, seed=seed) for seed in range(5)}) > 1
    assert run.generate(prompt, temperature=0.0) == run.generate(prompt, top_k=1, seed=3)
    assert len(run.generate(prompt, n_characters=3)) <= 3
    assert "⁇" not in text.rstrip("⁇").lstrip("⁇")


def test_greedy_text_after_a_question_is_its_answer(run: closedbook.Run, question: str):
    """With the mask that ends a question in the prompt, temperature 0 writes the answer and the mask after it.

    An answer ends where all of its ends together are likelier than another character, so that the text can go on.
    """
    answer = run.answer(question)
    text = run.generate(f"{question}⁇", temperature=0.0, n_characters=32)
    assert " ".join(text.split()).startswith(answer.text)
    assert text.count("⁇") == text.endswith("⁇")


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        ({"temperature": -1.0}, "temperature: a finite number, 0 or more, is needed; received -1.0"),
        ({"temperature": math.nan}, "temperature: a finite number, 0 or more, is needed; received nan"),
        ({"top_k": 0}, "top_k: 1 or more is needed; received 0"),
        ({"n_characters": 0}, "n_characters: 1 or more is needed; received 0"),
        ({"prompt": ""}, "prompt: at least one character is needed"),
    ],
)
def test_sampling_numbers_out_of_range_are_refused(run: closedbook.Run, words: dict[str, Any], rule: str):
    """A number or prompt that cannot be used is named with its rule."""
    with pytest.raises(closedbook.InputError, match=rule):
        run.generate(**{"prompt": "Where", **words})


# Training


def test_study_shows_its_progress_if_wanted(
    people: Path, run: closedbook.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """progress=True prints notes, steps and dev accuracy to standard error, and trains the same weights."""
    again = closedbook.study(
        people / "corpus.txt",
        people / "train.tsv",
        tmp_path / "run",
        recipe=people / "small.toml",
        dev=people / "dev.tsv",
    )
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.search(r"^study: \d+ of 10 dev questions right \([\d.]+%\), \d+ s, in ", captured.err, re.MULTILINE)
    assert "dev accuracy" in captured.err
    assert (again.path / "model.safetensors").read_bytes() == (run.path / "model.safetensors").read_bytes()


def test_study_is_silent_without_progress(people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """progress=False prints nothing; a recipe can be an object, and seed replaces its seed."""
    recipe = closedbook.load(people.parent / "run").recipe
    run = closedbook.study(
        str(people / "corpus.txt"),
        str(people / "train.tsv"),
        str(tmp_path / "run"),
        setting="unguided",
        recipe=recipe,
        seed=7,
        progress=False,
    )
    assert capsys.readouterr() == ("", "")
    assert run.recipe.seed == 7
    assert run.evaluate(people / "dev.tsv").setting == "unguided"


def test_an_interrupted_study_is_saved_and_continued(people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Ctrl-C raises KeyboardInterrupt, which says how to go on; with resume=True the same call ends the run."""
    call = f"""
import closedbook
closedbook.study({str(people / "corpus.txt")!r}, {str(people / "train.tsv")!r}, {str(tmp_path / "run")!r},
    recipe={str(tmp_path / "long.toml")!r})
"""
    (tmp_path / "long.toml").write_text(SMALL.replace("[study]\nepochs = 1", "[study]\nsteps = 90"))
    metrics = tmp_path / "run" / "metrics.jsonl"
    with subprocess.Popen([sys.executable, "-c", call], stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not (metrics.exists() and metrics.read_bytes().count(b"\n") > 2):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert err.splitlines()[-1].endswith("run: saved; the same call with resume=True continues it")
    with pytest.raises(closedbook.InputError, match="has not ended"):
        closedbook.load(tmp_path / "run")
    words = (people / "corpus.txt", people / "train.tsv", tmp_path / "run")
    closedbook.study(*words, recipe=tmp_path / "long.toml", resume=True)
    assert "study: done in" in capsys.readouterr().err
    assert metrics.read_text().count('"kind": "step"') == 90


def test_a_study_runs_in_a_thread(people: Path, tmp_path: Path):
    """Where signals cannot be caught, outside the main thread, a study trains all the same."""
    words = (people / "corpus.txt", people / "train.tsv", tmp_path / "run")
    with ThreadPoolExecutor() as pool:
        run = pool.submit(closedbook.study, *words, recipe=people / "small.toml", progress=False).result()
    assert run.path == tmp_path / "run"


def test_an_existing_run_is_not_overwritten(people: Path, run: closedbook.Run):
    """A second study into the same folder says how to open or continue it, in terms of Python."""
    with pytest.raises(closedbook.InputError, match=r"is a run already; closedbook\.load opens one"):
        closedbook.study(people / "corpus.txt", people / "train.tsv", run.path)


def test_messages_name_arguments_of_python_and_not_options(people: Path, tmp_path: Path):
    """What commands call --out and --resume is out and resume=True here; a command to type keeps its options."""
    words = (people / "corpus.txt", people / "train.tsv", tmp_path)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(closedbook.InputError, match=r"choose another out$"):
        closedbook.study(*words, progress=False)
    missing = (*words[:2], tmp_path / "missing")
    with pytest.raises(closedbook.InputError, match=r"no such run to resume; leave resume=True out to begin it$"):
        closedbook.study(*missing, resume=True, progress=False)
    command = "write the corpus first: closedbook book FILES --out corpus.txt"
    assert in_python(f"setting --dev is no --development; {command}") == f"setting dev is no --development; {command}"


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        ({"budget_minutes": 0.0}, "budget_minutes: a finite number above 0 is needed; received 0"),
        ({"budget_minutes": 0.001}, "budget of 0.001 minutes: 50 steps"),
        ({"recipe": "fsat"}, "did you mean 'fast'"),
        ({"recipe": "course", "setting": "guided"}, "setting: guided needs a recipe with corruption.guided above 0"),
        ({"seed": -1}, "seed"),
        ({"dev": "nowhere.tsv"}, "nowhere.tsv: "),
    ],
)
def test_faults_are_named_before_anything_is_made(people: Path, tmp_path: Path, words: dict[str, Any], rule: str):
    """A fault raises InputError with the rule, and no folder is made."""
    with pytest.raises(closedbook.InputError, match=rule):
        closedbook.study(people / "corpus.txt", people / "train.tsv", tmp_path / "run", progress=False, **words)
    assert not (tmp_path / "run").exists()


def test_a_folder_that_is_no_run_cannot_be_loaded(people: Path, run: closedbook.Run, tmp_path: Path):
    """load raises InputError where there is no run, and where a run has not ended."""
    with pytest.raises(closedbook.InputError, match="is no run"):
        closedbook.load(people)
    for name in ("run.json", "recipe.toml"):
        (tmp_path / name).write_bytes((run.path / name).read_bytes())
    with pytest.raises(closedbook.InputError, match="has not ended"):
        closedbook.load(tmp_path)
