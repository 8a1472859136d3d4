"""`closedbook trace RUN QUESTION`."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import closedbook as package
from closedbook.commands.main import main
from closedbook.storage.sums import write_summed

Closedbook = Callable[..., Any]

QUESTION = "Where was Ann Bell born?"


@pytest.fixture(scope="module")
def plain(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that tests only read: a corpus, and a run without tables, which saves no titles."""
    folder = tmp_path_factory.mktemp("plain")
    shutil.copy(files / "corpus.txt", folder)
    words = ("--recipe", str(files / "tiny.toml"), "--model.no-prefix-table", "--epochs", "1")
    assert main(["pretrain", str(folder / "corpus.txt"), *words, "--out", str(folder / "run")]) == 0
    return folder


def fault(outcome: Any) -> str:
    """The one line of a command that ended with status 2 and printed no result."""
    assert (outcome.status, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    return str(line).removeprefix("closedbook: ")


def test_a_trace_is_printed_and_saved(closedbook: Closedbook, runs: Path, tmp_path: Path):
    """Text of 80 columns, strongest parts first; data and two figures, which Python gives too; no other file."""
    folder = tmp_path / "new/trace"
    outcome = closedbook("trace", runs / "finetuned", QUESTION, "--other", "Flo Gray", "--out", folder)
    assert outcome.status == 0
    assert sorted(path.suffix for path in folder.glob("trace-*")) == [".json", ".png", ".svg"]
    assert next(folder.glob("*.png")).read_bytes().startswith(b"\x89PNG")
    traced = package.load(runs / "finetuned").trace(QUESTION, "Flo Gray")
    assert outcome.out.splitlines() == list(traced.lines()) == str(traced).splitlines()
    assert all(len(line) <= 80 for line in outcome.out.splitlines())
    start = next(i for i, line in enumerate(outcome.out.splitlines()) if line.startswith("   gives back"))
    rows = [line.split()[:2] for line in outcome.out.splitlines()[start + 1 : start + 9]]
    strongest = [max(abs(float(cell)) for cell in row) for row in rows]
    assert strongest == sorted(strongest, reverse=True)
    facts = json.loads(next(folder.glob("*.json")).read_text(encoding="utf-8"))
    assert (facts["name"], facts["other_question"]) == ("Ann Bell", "Where was Flo Gray born?")
    for effect, expected in zip(facts["effects"], traced.effects, strict=True):
        assert effect["restored"] == pytest.approx(expected.restored.tolist(), abs=1e-6)
    assert [each["tables"] for each in facts["unplugged"]] == [[*each.tables] for each in traced.unplugged]


def test_without_other_the_run_chooses_a_title(closedbook: Closedbook, runs: Path, tmp_path: Path):
    """The other name is a title of the same length as the question's."""
    run = Path(shutil.copytree(runs / "finetuned", tmp_path / "run"))
    assert closedbook("trace", run, QUESTION).status == 0
    (data,) = run.glob("trace/trace-*.json")
    facts = json.loads(data.read_text())
    assert facts["other_name"] in ("Flo Gray", "Gus Hall")
    assert closedbook("trace", run, QUESTION, "--other", "Di Eck").status == 0
    assert len(list((run / "trace").iterdir())) == 6
    assert json.loads(data.read_text()) == facts


def test_a_shorter_name_leaves_positions_without_numbers(runs: Path):
    """Characters that correspond to none are None in the data."""
    facts = package.load(runs / "finetuned").trace(QUESTION, "Di Eck").facts()
    (row,) = {tuple(value is None for value in effect["restored"]) for effect in facts["effects"]}
    assert [p for p, is_none in enumerate(row) if is_none] == [10, 14]


def test_a_run_without_tables_takes_titles_from_its_corpus(closedbook: Closedbook, plain: Path, tmp_path: Path):
    """If the corpus is gone, one line asks for --other, which must then be a whole question."""
    folder = Path(shutil.copytree(plain, tmp_path / "copy"))
    run = package.load(plain / "run")
    assert run.vocabulary.titles == ()
    assert run.trace(QUESTION).comparison.other_name in ("Flo Gray", "Gus Hall")
    record = json.loads((folder / "run/run.json").read_text())
    record["sources"]["corpus"]["path"] = str(folder / "gone.txt")
    write_summed(folder / "run/run.json", json.dumps(record).encode())
    line = fault(closedbook("trace", folder / "run", QUESTION))
    assert line.startswith("other: a name to compare with is needed, since the run cannot choose one: it has no titles")
    assert "knows no title" in fault(closedbook("trace", folder / "run", QUESTION, "--other", "Bo Carr"))
    outcome = closedbook("trace", folder / "run", QUESTION, "--other", "Where was Bo Carr born?")
    assert outcome.status == 0
    assert "Without tables" not in outcome.out


@pytest.mark.parametrize(
    ("words", "start"),
    [
        (("e" * 60,), f"{'e' * 60!r}: the question needs 62 characters"),
        (("",), 'question: is empty; write one, as in "Where was Ada Byron born?"'),
        ((QUESTION, "--other", "Ann Bell"), "--other: another name in the place of 'Ann Bell' is needed; received"),
        ((QUESTION, "--other", "B" * 50), f"--other: 'Where was {'B' * 50} born?': the question needs 68 characters"),
        (("Where was Zed Zell born?",), "other: a name to compare with is needed, since the run cannot choose one: "),
    ],
)
def test_what_cannot_be_traced_is_refused_in_one_line(
    closedbook: Closedbook, runs: Path, tmp_path: Path, words: tuple[str, ...], start: str
):
    """Texts that are too long, the same name, and an unknown name without another; no folder."""
    line = fault(closedbook("trace", runs / "finetuned", *words, "--out", tmp_path / "trace"))
    assert line.startswith(start)
    assert not (tmp_path / "trace").exists()


def test_a_folder_in_the_way_is_named(closedbook: Closedbook, runs: Path, tmp_path: Path):
    """A file where the folder should be is left as it is."""
    (tmp_path / "file").write_text("years of work")
    line = fault(closedbook("trace", runs / "finetuned", QUESTION, "--out", tmp_path / "file"))
    assert line == f"{tmp_path / 'file'}: cannot be made: File exists; choose another --out"
    assert (tmp_path / "file").read_text() == "years of work"
