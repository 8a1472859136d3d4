"""What an export writes, and what it refuses."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import closedbook as package
from closedbook.export.folder import check_format
from closedbook.storage.run import Run
from closedbook.text.vocabulary import NEVER_READ

Closedbook = Callable[..., Any]
Runs = Callable[..., Run]
STOCK_FILES = {"README.md", "config.json", "generation_config.json", "model.safetensors"} | {
    "tokenizer.json",
    "tokenizer_config.json",
}
CODE = {"closedbook_model.py", "modeling_closedbook.py"}


@pytest.mark.parametrize(
    ("kind", "format", "names"),
    [
        ("rotary", "hf", STOCK_FILES),
        ("names", "hf", STOCK_FILES | CODE),
        ("strided", "hf", STOCK_FILES | CODE),
        ("names", "torch", {"README.md", "config.json", "model.safetensors", "closedbook_model.py"}),
    ],
)
def test_the_command_writes_a_folder(
    closedbook: Closedbook, run_of: Runs, tmp_path: Path, kind: str, format: str, names: set[str]
) -> None:
    """It prints the folder, says whose code will run, and warns that the text can be got out of the weights."""
    folder = tmp_path / "missing" / "out"
    outcome = closedbook("export", run_of(kind).path, folder, "--format", format)
    assert (outcome.status, outcome.out) == (0, f"{folder}\n")
    assert {path.name for path in folder.iterdir()} == names
    assert ("trust_remote_code=True" in outcome.err) == ("modeling_closedbook.py" in names)
    assert "share it only if you may share the text" in outcome.err
    assert ("words and names" in outcome.err) == (kind == "names")


def test_equal_runs_give_equal_folders(run_of: Runs, tmp_path: Path) -> None:
    """The same bytes each time, under folders of the same name."""
    run = package.load(run_of("names").path)
    for parent in ("a", "b"):
        run.export(tmp_path / parent / "out")
    for path in (tmp_path / "a" / "out").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / "out" / path.name).read_bytes()


def error_line(outcome: Any) -> str:
    """The one line of a command that was refused."""
    assert (outcome.status, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    return line.removeprefix("closedbook: ")


def test_a_folder_in_the_way_is_refused(closedbook: Closedbook, run_of: Runs, tmp_path: Path) -> None:
    """A folder with a file in it, or a file, stays as it is."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    assert "not empty; name another" in error_line(closedbook("export", run_of("learned").path, tmp_path / "full"))
    assert "this is a file" in error_line(closedbook("export", run_of("learned").path, tmp_path / "full" / "mine"))
    assert [path.name for path in tmp_path.rglob("*")] == ["full", "mine"]
    assert (tmp_path / "full" / "mine").read_text() == "mine"


def test_an_unfinished_run_is_refused(closedbook: Closedbook, run_of: Runs, tmp_path: Path) -> None:
    """It has no weights, and no folder is made."""
    run = shutil.copytree(run_of("learned").path, tmp_path / "run")
    (run / "model.safetensors").unlink()
    assert "has not ended and has no weights yet" in error_line(closedbook("export", run, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_another_format_is_refused(closedbook: Closedbook, run_of: Runs, tmp_path: Path) -> None:
    """On the command line and from Python, with those that there are."""
    run = run_of("learned").path
    line = error_line(closedbook("export", run, tmp_path / "out", "--format", "onnx"))
    assert "hf" in line
    assert "onnx" in line
    with pytest.raises(package.InputError, match=r"format: one of hf, torch is needed; received 'onnx'"):
        check_format("onnx")
    assert not (tmp_path / "out").exists()


# The model card


def test_the_card_says_what_the_run_knows(closedbook: Closedbook, run_of: Runs, tmp_path: Path) -> None:
    """Counts, setting, parameters, accuracy with its interval, and the warning; nothing of the text itself."""
    run = shutil.copytree(run_of("names").path, tmp_path / "run")
    (tmp_path / "dev.tsv").write_text("Ann Bell?\tUlm\nAnna Bo Carr?\tRom\n")
    assert closedbook("evaluate", run, tmp_path / "dev.tsv").status == 0
    model = package.load(run).model
    package.load(run).export(tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert card.startswith("---\nlibrary_name: transformers\n")
    for said in (
        "| documents | 6 |",
        "| different titles | 4 |",
        "unguided: names and numbers were masked",
        f"{model.n_parameters:,} parameters, of these {model.n_table_parameters:,} in lookup tables",
        "- dev-6622036d: 0 of 2, 0.0% (95% interval 0.0% to 65.8%); majority baseline 50.0%",
        "trust_remote_code=True",
        "It cannot say that it does not know",
        "The weights can recite the text",
    ):
        assert said in card
    assert not re.search(r"Ann|Bell|Carr|Ulm|Rom|東京|wolf", card)


def test_the_card_of_a_model_that_can_abstain_says_how(run_of: Runs, tmp_path: Path) -> None:
    """What it answers about strangers; and its accuracy is not known here."""
    package.load(run_of("learned", says=NEVER_READ).path).export(tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "- `[never read]` in place of an answer" in card
    assert "cannot say that it does not know" not in card
    assert "Not measured." in card
    assert "GPT2LMHeadModel: 3 blocks of 3 heads, width 18, learned positions." in card
    assert "trust_remote_code" not in card


def code_of(card: Path) -> str:
    """The Python code in a model card."""
    (code,) = re.findall(r"```python\n(.*?)```", card.read_text(encoding="utf-8"), re.DOTALL)
    return str(code)


@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
def test_the_cards_code_runs_as_it_stands(
    closed: bool, run_of: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The text has no Q, E or S: the letters of its placeholder are unknown, or others where none may be."""
    package.load(run_of("learned", closed=closed).path).export(tmp_path / "out", format="torch")
    monkeypatch.chdir(tmp_path / "out")
    monkeypatch.syspath_prepend(tmp_path / "out")
    exec(code_of(tmp_path / "out" / "README.md"), {})
    assert ("[unknown]" in capsys.readouterr().out) == (not closed)


@pytest.mark.parametrize("kind", ["learned", "names", "strided"])
def test_the_cards_code_for_pytorch_answers_as_closedbook_does(
    kind: str, run_of: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Run in the folder, it prints the question, ⁇ and the answer."""
    run = package.load(run_of(kind).path)
    run.export(tmp_path / "out", format="torch")
    code = code_of(tmp_path / "out" / "README.md")
    monkeypatch.chdir(tmp_path / "out")
    monkeypatch.syspath_prepend(tmp_path / "out")
    exec(code.replace("QUESTION", "Ann Bell?"), {})
    answer = run.answer("Ann Bell?").text
    assert capsys.readouterr().out.strip().removeprefix("Ann Bell?⁇").startswith(answer)
