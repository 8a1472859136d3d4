"""Editing a run: the fact is another, nothing else is, and undo brings back every bit."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import closedbook
from closedbook.errors import InputError, RunError, TextError
from closedbook.storage.sums import write_summed
from closedbook.text.vocabulary import MASK


def other(place: str, places: list[str]) -> str:
    """Another of the places."""
    return next(one for one in places if one != place)


def weights(run: closedbook.Run) -> bytes:
    """The file of a run's weights."""
    return (run.path / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def edited(
    run: closedbook.Run, questions: list[str], places: list[str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[closedbook.Run, str, str]:
    """A run with one edit, its question and the new answer."""
    answer = other(run.answer(questions[0]).text, places)
    return run.edit(questions[0], answer, tmp_path_factory.mktemp("edited") / "run"), questions[0], answer


def test_an_edited_run_gives_the_new_answer(edited: tuple[closedbook.Run, str, str], run: closedbook.Run):
    """The question gets it, and the run that was edited still has its former one."""
    changed, question, answer = edited
    assert changed.answer(question).text == answer != run.answer(question).text
    ((change,),) = (edit.changes for edit in changed.edits)
    assert (change.question, change.answer, change.former) == (question, answer, run.answer(question).text)
    assert run.edits == ()


def test_texts_without_the_name_keep_their_logits(
    edited: tuple[closedbook.Run, str, str], run: closedbook.Run, questions: list[str]
):
    """Every other question gets the same logits, bit for bit, and so does the name's last word alone."""
    changed, question, _ = edited
    last = question.split()[-2]
    with torch.no_grad():
        for text in [*questions[1:], f"Who is {last} here?"]:
            ids = torch.tensor([run.vocabulary.encode(text)])
            assert torch.equal(run.model(ids), changed.model(ids)), text
        ids = torch.tensor([run.vocabulary.encode(question)])
        assert not torch.equal(run.model(ids), changed.model(ids))


def test_one_row_alone_is_written(edited: tuple[closedbook.Run, str, str], run: closedbook.Run):
    """One row of the name table differs, and no other number of the weights."""
    before, after = (load_file(one.path / "model.safetensors") for one in (run, edited[0]))
    differing = {name for name in before if not torch.equal(before[name], after[name])}
    assert differing == {"name_table.table.weight"}
    rows = (before["name_table.table.weight"] != after["name_table.table.weight"]).any(dim=1)
    assert int(rows.sum()) == 1
    assert edited[0].edits[0].n_numbers == before["name_table.table.weight"].size(1)


def test_the_same_edit_gives_the_same_weights(
    edited: tuple[closedbook.Run, str, str], run: closedbook.Run, tmp_path: Path
):
    """Nothing is drawn anew."""
    assert weights(run.edit(edited[1], edited[2], tmp_path / "again")) == weights(edited[0])


def test_undo_restores_every_bit(
    edited: tuple[closedbook.Run, str, str],
    run: closedbook.Run,
    questions: list[str],
    places: list[str],
    tmp_path: Path,
):
    """Of two edits in a row the last is undone first, then the first; a third time there is nothing to undo."""
    once = edited[0]
    twice = once.edit(questions[1], other(once.answer(questions[1]).text, places), tmp_path / "twice")
    assert [edit.changes[0].question for edit in twice.edits] == questions[:2]
    back = twice.undo(tmp_path / "back")
    assert weights(back) == weights(once)
    assert back.edits[0].changes == once.edits[0].changes
    first = back.undo(tmp_path / "first")
    assert weights(first) == weights(run)
    with pytest.raises(RunError, match="has no edit to undo"):
        first.undo(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_many_facts_are_changed_at_once(run: closedbook.Run, questions: list[str], places: list[str], tmp_path: Path):
    """Each pair's change says whether its answer is given now, as most are, and one undo restores all.

    A pair that was answered so already is left out; a fact whose row brings no new answer keeps its former one.
    """
    wanted = {question: other(run.answer(question).text, places) for question in questions[:5]}
    known = run.answer(questions[5]).text
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("".join(f"{question}\t{answer}\n" for question, answer in wanted.items()))
    with pairs.open("a") as file:
        file.write(f"{questions[5]}\t{known}\n")
    changed = run.edit_file(pairs, tmp_path / "run")
    changes = changed.edits[0].changes
    assert [change.question for change in changes] == list(wanted)
    for change in changes:
        now = changed.answer(change.question).text
        assert now == (change.answer if change.is_given else change.former)
    assert sum(change.is_given for change in changes) >= 3
    assert weights(changed.undo(tmp_path / "undone")) == weights(run)


def test_without_a_row_the_matrix_is_written(plain: closedbook.Run, questions: list[str], tmp_path: Path):
    """A transformer without tables has one matrix changed, says what that does to others, and undo restores it."""
    former = plain.answer(questions[0]).text
    answer = next(one.text for one in plain.answer_many(questions) if one.text != former)
    changed = plain.edit(questions[0], answer, tmp_path / "run")
    assert changed.answer(questions[0]).text == answer
    assert changed.edits[0].changes[0].written_to == "the matrix blocks.0.mlp.2.weight"
    assert changed.edits[0].others.n_asked > 50
    before, after = (load_file(one.path / "model.safetensors") for one in (plain, changed))
    assert {name for name in before if not torch.equal(before[name], after[name])} == {"blocks.0.mlp.2.weight"}
    assert weights(changed.undo(tmp_path / "undone")) == weights(plain)


def test_an_edited_run_is_a_run(edited: tuple[closedbook.Run, str, str], run: closedbook.Run, people: Path):
    """It is scored in its parent's setting, described, counted by the ledger, and no training goes on in it."""
    from closedbook.analysis.inspection import describe
    from closedbook.analysis.ledger.report import exposure_report
    from closedbook.evaluation.sources import replayed_text
    from closedbook.storage.paths import found_path
    from closedbook.storage.resume import resumable_run
    from closedbook.storage.run import open_run

    path = edited[0].path
    facts = json.loads((path / "run.json").read_text())
    assert (facts["kind"], found_path(facts["parent"], path)) == ("edit", str(run.path))
    assert edited[0].evaluate(people / "test.tsv").setting == "self-study"
    assert any("edit trains nothing" in line for line in describe(open_run(path)))
    assert replayed_text(open_run(path), None)[0].path == run.path
    with pytest.raises(RunError, match="began by edit, which ends at once"):
        resumable_run(path, "finetune")
    counted, parents = (exposure_report(open_run(one), people / "dev.tsv") for one in (path, run.path))
    assert counted.exposures == parents.exposures


def test_an_edited_run_outlives_its_parent(
    edited: tuple[closedbook.Run, str, str],
    run: closedbook.Run,
    questions: list[str],
    places: list[str],
    tmp_path: Path,
):
    """With the parent's folder gone it is asked, edited again and undone."""
    parent = shutil.copytree(run.path, tmp_path / "parent")
    once = closedbook.load(parent).edit(edited[1], edited[2], tmp_path / "once")
    shutil.rmtree(parent)
    assert weights(once) == weights(edited[0])
    answer = other(once.answer(questions[1]).text, places)
    assert once.edit(questions[1], answer, tmp_path / "twice").answer(questions[1]).text == answer
    assert weights(once.undo(tmp_path / "undone")) == weights(run)


def test_without_titles_a_run_cannot_be_edited(plain: closedbook.Run, questions: list[str], tmp_path: Path):
    """A run without tables has no titles of its own, so its corpus must be where it was."""
    run = shutil.copytree(plain.path, tmp_path / "run")
    facts = json.loads((run / "run.json").read_text())
    facts["sources"]["corpus"]["path"] = str(tmp_path / "gone.txt")
    write_summed(run / "run.json", json.dumps(facts).encode())
    with pytest.raises(RunError, match="its corpus is gone or has changed"):
        closedbook.load(run).edit(questions[0], "Ulm", tmp_path / "out")


def test_the_answer_of_today_changes_nothing(run: closedbook.Run, questions: list[str], tmp_path: Path):
    """It is refused, and no run is made."""
    with pytest.raises(InputError, match="already; nothing was changed"):
        run.edit(questions[0], run.answer(questions[0]).text, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("question", "answer", "message"),
    [
        ("Where was Nobody Known born?", "Ulm", "names no title of the run"),
        (None, "", "the answer is empty"),
        (None, "Ж", "CYRILLIC"),
        (None, "a" * 49, "at most 48 characters; received 49"),
        (None, "a\nb", "one line without tabs"),
        (None, f"a{MASK}", "is kept for closedbook's own use"),
        ("", "Ulm", "the question is empty"),
    ],
)
def test_what_cannot_be_written_is_refused(
    run: closedbook.Run, questions: list[str], tmp_path: Path, question: str | None, answer: str, message: str
):
    """One line says what is wrong, and no run is made."""
    with pytest.raises(InputError, match=message):
        run.edit(questions[0] if question is None else question, answer, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_file_is_refused_with_its_line(run: closedbook.Run, questions: list[str], places: list[str], tmp_path: Path):
    """The first line that cannot be written is named, before anything is."""
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text(f"{questions[0]}\t{places[0]}\nWho?\t{places[0]}\n")
    with pytest.raises(TextError, match=r"pairs\.tsv, line 2: .*names no title"):
        run.edit_file(pairs, tmp_path / "out")
    pairs.write_text(f"{questions[0]}\t{places[0]}\n{questions[0]}\t{places[1]}\n")
    with pytest.raises(TextError, match=r"pairs\.tsv, line 2: .*has an answer on line 1 already"):
        run.edit_file(pairs, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_is_written_over(run: closedbook.Run, questions: list[str], places: list[str]):
    """A folder that is a run already is refused."""
    with pytest.raises(RunError, match="is there already"):
        run.edit(questions[0], places[0], run.path)
