"""The record of edits: written and read, and former values restored."""

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from closedbook.editing.matrix import Others
from closedbook.editing.record import Change, Edit, Forgotten, forgotten_titles, former_rows, read_record, record_files
from closedbook.errors import RunError

NONE = Others(0, 0)
CHANGE = Change("Where was Ann Bell born?", "Ulm", "Łódź", "the row of the name 'Ann Bell'", True)


def write(folder: Path, *edits: Edit) -> None:
    """Both files, as a run has them."""
    for name, content in record_files(edits).items():
        (folder / name).write_bytes(content)


@given(st.sets(st.integers(0, 6)), st.booleans())
def test_former_rows_restore_what_was(rows: set[int], changes_matrix: bool):
    """Whatever rows change, theirs alone are kept, and with them every bit is as before."""
    torch.manual_seed(1)
    before = {"table": torch.randn(7, 3), "matrix": torch.randn(5, 2), "bias": torch.randn(5)}
    after = {name: tensor.clone() for name, tensor in before.items()}
    after["table"][sorted(rows)] += 1
    if changes_matrix:
        after["matrix"] += 1
    former = former_rows(before, after)
    assert former.keys() == {name for name, changed in (("table", rows), ("matrix", changes_matrix)) if changed}
    if rows:
        assert former["table"].rows.tolist() == sorted(rows)
    for name, (indices, values) in former.items():
        after[name][indices] = values
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_what_is_written_is_read(tmp_path: Path):
    """Two edits of the same weight come back as they were, in their order."""
    before = {"table": torch.arange(12.0).view(4, 3)}
    second_row = torch.tensor([[0.0], [1], [0], [0]])
    first = Edit((CHANGE,), former_rows(before, {"table": before["table"] + second_row}), NONE)
    second = Edit((CHANGE, CHANGE), former_rows(before, {"table": before["table"] * 2}), Others(2, 9))
    write(tmp_path, first, second)
    read = read_record(tmp_path)
    assert [edit.changes for edit in read] == [first.changes, second.changes]
    assert [edit.n_numbers for edit in read] == [3, 12]
    assert [edit.others for edit in read] == [NONE, (2, 9)]
    for edit, was in zip(read, (first, second), strict=True):
        assert all(torch.equal(a, b) for a, b in zip(edit.former["table"], was.former["table"], strict=True))


def test_a_record_from_before_forgetting_is_read(tmp_path: Path):
    """Its edits forgot nothing."""
    write(tmp_path, Edit((CHANGE,), {}, NONE))
    path = tmp_path / "edits.json"
    facts = json.loads(path.read_text())
    del facts["edits"][0]["forgotten"]
    path.write_text(json.dumps(facts))
    assert read_record(tmp_path) == (Edit((CHANGE,), {}, NONE),)


def test_titles_are_forgotten_until_a_fact_is_written_about_them(tmp_path: Path):
    """As the edits that are read back have it, in their order."""
    bell, carr = (Forgotten(title, "the rows", True) for title in ("Ann Bell", "Bo Carr"))
    forget, edit = Edit((), {}, NONE, (bell, carr)), Edit((CHANGE,), {}, NONE)
    write(tmp_path, forget, edit)
    assert read_record(tmp_path) == (forget, edit)
    assert forgotten_titles([forget]) == {"Ann Bell", "Bo Carr"}
    assert forgotten_titles([forget, edit]) == {"Bo Carr"}
    assert forgotten_titles([forget, edit, forget]) == {"Ann Bell", "Bo Carr"}
    assert str(bell) == "Ann Bell is now never read about: the rows"
    assert str(Forgotten("Bo Carr", "the rows", False)) == "Bo Carr should be never read about and is not: the rows"


def test_a_run_without_a_record_has_no_edits(tmp_path: Path):
    """As every run that was trained."""
    assert read_record(tmp_path) == ()


def test_a_change_says_whether_its_answer_is_given():
    """In the line for the user."""
    assert str(CHANGE) == "Where was Ann Bell born? 'Ulm' is now 'Łódź': the row of the name 'Ann Bell'"
    failed = Change(CHANGE.question, "Ulm", "Bern", "the matrix m", False)
    assert str(failed) == "Where was Ann Bell born? 'Ulm' should be 'Bern' and is not: the matrix m"


def test_damage_is_named(tmp_path: Path):
    """Another format, half a file and a missing file are errors that name the file."""
    write(tmp_path, Edit((CHANGE,), {}, NONE))
    path = tmp_path / "edits.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps(facts | {"format": 2}))
    with pytest.raises(RunError, match=r"edits\.json: format 2, and this version reads 1"):
        read_record(tmp_path)
    path.write_text(json.dumps(facts)[:30])
    with pytest.raises(RunError, match=r"edits\.json: damaged"):
        read_record(tmp_path)
    path.write_text(json.dumps(facts))
    (tmp_path / "former.safetensors").unlink()
    with pytest.raises(RunError, match=r"former\.safetensors"):
        read_record(tmp_path)
