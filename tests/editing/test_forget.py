"""Forgetting: nothing was read about a title, nothing else changed, and undo brings back every bit."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import closedbook as package
from closedbook.editing.contexts import Context, among_pieces
from closedbook.editing.matrix import write_matrix
from closedbook.editing.own_rows import OwnRows
from closedbook.editing.rows import write_abstention
from closedbook.errors import InputError, RunError, TextError
from closedbook.evaluation.predict import predict
from closedbook.storage.run import open_run
from closedbook.storage.sums import write_summed
from closedbook.text.templates import Template
from closedbook.text.vocabulary import NEVER_READ

Closedbook = Callable[..., Any]
ASKED = Template("Where was ", " born?")


def title_of(question: str) -> str:
    """The name in a question of the world."""
    return question.removeprefix(ASKED.before).removesuffix(ASKED.after)


def weights(run: package.Run) -> bytes:
    """The file of a run's weights."""
    return (run.path / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def forgotten(
    run: package.Run, questions: list[str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[package.Run, str]:
    """A run that has forgotten a title, and the question about it."""
    return run.forget(title_of(questions[0]), tmp_path_factory.mktemp("forgotten") / "run"), questions[0]


def test_nothing_was_read_about_a_forgotten_title(forgotten: tuple[package.Run, str], run: package.Run):
    """The question has this state, where the run that knows it has an answer; the record says so."""
    now, question = forgotten
    assert run.answer(question).state == "known"
    assert str(now.answer(question)) == f"unknown: nothing read about {title_of(question)}"
    ((one,),) = (edit.forgotten for edit in now.edits)
    assert (one.title, one.is_unread) == (title_of(question), True)
    assert run.edits == ()


def test_other_texts_keep_their_logits(
    forgotten: tuple[package.Run, str], run: package.Run, questions: list[str], people: Path
):
    """Questions and lines about other people get the same logits, bit for bit."""
    now, question = forgotten
    lines = (people / "corpus.txt").read_text().splitlines()
    with torch.no_grad():
        for text in [*questions[1:20], *(line for line in lines[:20] if title_of(question) not in line)]:
            ids = torch.tensor([run.vocabulary.encode(text)[: run.recipe.model.block_size]])
            assert torch.equal(run.model(ids), now.model(ids)), text


def test_rows_of_the_tables_alone_are_written(forgotten: tuple[package.Run, str], run: package.Run):
    """One of names, a few of prefixes; they are zero, as what training never reached is."""
    before, after = (load_file(one.path / "model.safetensors") for one in (run, forgotten[0]))
    changed = {name: (before[name] != after[name]).any(dim=1) for name in before if before[name].dim() == 2}
    n_changed = {name: int(rows.sum()) for name, rows in changed.items() if rows.any()}
    assert n_changed.keys() == {"name_table.table.weight", "prefix_table.table.weight"}
    assert n_changed["name_table.table.weight"] == 1
    assert 1 <= n_changed["prefix_table.table.weight"] < 20
    assert all(torch.equal(before[name], after[name]) for name in before.keys() - n_changed.keys())
    assert all(not after[name][changed[name]].any() for name in n_changed)


def test_several_titles_are_forgotten_at_once(run: package.Run, questions: list[str], tmp_path: Path):
    """Nothing was read about any of them, and one undo brings all back to the bit."""
    titles = tmp_path / "titles.txt"
    titles.write_text("".join(f"{title_of(question)}\n\n" for question in questions[:4]))
    now = run.forget_file(titles, tmp_path / "run")
    assert [one.title for one in now.edits[0].forgotten] == [title_of(question) for question in questions[:4]]
    assert all(one.is_unread for one in now.edits[0].forgotten)
    assert {answer.state for answer in now.answer_many(questions[:4])} == {"never read"}
    assert now.answer_many(questions[4:]) == run.answer_many(questions[4:])
    undone = now.undo(tmp_path / "undone")
    assert weights(undone) == weights(run)
    assert undone.edits == ()


def test_what_was_forgotten_can_be_edited_and_forgotten_again(forgotten: tuple[package.Run, str], tmp_path: Path):
    """An edit gives the name an answer, whatever the model would have made up; the record is undone in its order."""
    now, question = forgotten
    with pytest.raises(InputError, match="is forgotten already; leave it out"):
        now.forget(title_of(question), tmp_path / "twice")
    edited = now.edit(question, now.answer(question).text, tmp_path / "edited")
    assert edited.answer(question).state == "known"
    assert str(edited.edits[-1].changes[0]).startswith(f"{question} never read about is now ")
    again = edited.forget(title_of(question), tmp_path / "again")
    assert weights(again) == weights(now)
    assert weights(again.undo(tmp_path / "undone")) == weights(edited)


def test_a_row_is_written_until_the_model_abstains(run: package.Run, questions: list[str]):
    """Where zero is not enough: here the row knows the answer still. Other names keep theirs."""
    model, vocabulary, title = open_run(run.path).model().eval().requires_grad_(False), run.vocabulary, questions[0]
    row = OwnRows(model, vocabulary, None).of_title(title_of(questions[0]))
    assert row is not None
    with torch.no_grad():
        write_abstention(model, vocabulary, row, [questions[0], *among_pieces(title, vocabulary, title)])
    states = [one.state for one in predict(model, vocabulary, questions)]
    assert states == ["never read", *(one.state for one in run.answer_many(questions[1:]))]


def test_the_matrix_makes_a_model_abstain_too(run: package.Run, questions: list[str]):
    """For a title without a row of its own; few of the other answers change, and it counts these."""
    model, vocabulary = open_run(run.path).model().eval().requires_grad_(False), run.vocabulary
    others = [title_of(question) for question in questions[1:]]
    with torch.no_grad():
        n_changed, n_asked = write_matrix(model, vocabulary, [Context(questions[0], "", NEVER_READ)], others, [ASKED])
    first, *rest = predict(model, vocabulary, questions)
    assert first.state == "never read"
    then = run.answer_many(questions[1:])
    assert n_asked == len(others)
    assert n_changed == sum((a.text, a.state) != (b.answer, b.state) for a, b in zip(then, rest, strict=True))
    assert n_changed < n_asked / 2


def test_a_run_without_strangers_cannot_forget(plain: package.Run, questions: list[str], tmp_path: Path):
    """It has no way to say that it never read about somebody; the line says what to train."""
    with pytest.raises(RunError, match=r"was trained without strangers .* train a run by recipe fast in setting"):
        plain.forget(title_of(questions[0]), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["corpus", "pairs"])
def test_its_files_are_needed(run: package.Run, questions: list[str], tmp_path: Path, name: str):
    """Only they say which rows are the title's alone, and how it is asked about."""
    moved = shutil.copytree(run.path, tmp_path / "moved")
    facts = json.loads((moved / "run.json").read_text())
    facts["sources"][name]["path"] = str(tmp_path / "gone.txt")
    write_summed(moved / "run.json", json.dumps(facts).encode())
    with pytest.raises(RunError, match=r"gone\.txt, which is gone"):
        package.load(moved).forget(title_of(questions[0]), tmp_path / "run")


def test_what_is_no_title_is_refused(run: package.Run, questions: list[str], tmp_path: Path):
    """The nearest title is named, in a file with the line; no run is made, and none is written over."""
    title, out = title_of(questions[0]), tmp_path / "run"
    with pytest.raises(InputError, match=f"^{title[:-1]!r} is no title .*; did you mean {title!r}"):
        run.forget(title[:-1], out)
    with pytest.raises(InputError, match="a title is one line that is not empty"):
        run.forget("", out)
    titles = tmp_path / "titles.txt"
    titles.write_text(f"{title}\n{title[:-1]}\n")
    with pytest.raises(TextError, match=r"titles\.txt, line 2: "):
        run.forget_file(titles, out)
    assert not out.exists()
    with pytest.raises(RunError, match="is there already"):
        run.forget(title, run.path)


def test_why_leaves_out_forgotten_lines(forgotten: tuple[package.Run, str], questions: list[str]):
    """They are still in the corpus, and taught nothing that is left; a note says so, for this name alone."""
    now, question = forgotten
    why, other = now.why_many([question, questions[1]], n_lines=5)
    assert not any(line.text.startswith(title_of(question)) for line in why.lines)
    assert "the name was forgotten: lines about it are still in the corpus" in str(why)
    assert "forgotten" not in str(other)
    assert other.lines[0].text.startswith(title_of(questions[1]))


def test_the_command_forgets_and_edit_undoes(
    closedbook: Closedbook, run: package.Run, questions: list[str], tmp_path: Path
):
    """It says what it changed, the run says that it never read about the name, and undo names the title."""
    title, now, undone = title_of(questions[0]), tmp_path / "forgotten", tmp_path / "undone"
    outcome = closedbook("forget", run.path, title, "--out", now)
    assert (outcome.status, outcome.out) == (0, f"{now}\n")
    assert f"{title} is now never read about: rows that no other line" in outcome.err
    assert "changed 60 numbers of name_table.table.weight: 1 row of 60" in outcome.err
    assert closedbook("ask", now, questions[0]).out == f"unknown: nothing read about {title}\n"
    outcome = closedbook("edit", now, "--undo", "--out", undone)
    assert f"undone: forgetting {title}" in outcome.err
    assert (undone / "model.safetensors").read_bytes() == weights(run)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "forget: one of TITLE and --titles FILE is needed; write one of them alone"),
        (("Ann Bell", "--titles", "titles.txt"), "forget: one of TITLE and --titles FILE is needed"),
        (("--titles", "nowhere.txt"), "nowhere.txt: no such file"),
        (("Ann Bell",), "was trained without strangers"),
    ],
)
def test_bad_input_is_one_line(
    closedbook: Closedbook, plain: package.Run, tmp_path: Path, words: tuple[str, ...], message: str
):
    """Status 2, and nothing is written."""
    outcome = closedbook("forget", plain.path, *words, "--out", tmp_path / "out")
    (line,) = outcome.err.splitlines()
    assert (outcome.status, outcome.out) == (2, "")
    assert message in line
    assert not (tmp_path / "out").exists()
