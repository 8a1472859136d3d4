import shutil
import subprocess
from pathlib import Path

import pytest

from closedbook.errors import RunError
from closedbook.files.durable import sha256
from closedbook.storage.run import open_run
from closedbook.storage.sums import SUMS, read_summed, write_summed


def test_a_file_is_read_as_it_was_written_last(tmp_path: Path) -> None:
    """A file written again has the new content and the new SHA-256; the other files keep theirs."""
    for name, content in (("a", b"1"), ("b", b"2"), ("a", b"3")):
        write_summed(tmp_path / name, content)
        assert read_summed(tmp_path / name) == content
    assert read_summed(tmp_path / "b") == b"2"
    assert (tmp_path / SUMS).read_text() == f"{sha256(b'3')}  a\n{sha256(b'2')}  b\n"


def test_a_changed_file_is_refused_and_one_without_a_line_is_not_checked(tmp_path: Path) -> None:
    """One line names the file and what to do, and doing it helps."""
    write_summed(tmp_path / "a", b"1")
    (tmp_path / "a").write_bytes(b"2")
    with pytest.raises(RunError, match=r"a: damaged: its SHA-256 is not the one in SHA256SUMS; .* or delete its line"):
        read_summed(tmp_path / "a")
    (tmp_path / SUMS).write_text("")
    assert read_summed(tmp_path / "a") == b"2"


@pytest.mark.parametrize("content", [b"?", b"\xff\xfe", b"0" * 63 + b"  a"])
def test_damaged_sums_are_refused(tmp_path: Path, content: bytes) -> None:
    """One line names SHA256SUMS, the line and the way out."""
    write_summed(tmp_path / "a", b"1")
    (tmp_path / SUMS).write_bytes((tmp_path / SUMS).read_bytes() + content)
    with pytest.raises(RunError, match=r"SHA256SUMS, line 2: damaged: .* or delete it, and nothing is checked"):
        read_summed(tmp_path / "a")


def test_a_run_has_the_sums_of_all_that_it_consists_of(runs: Path) -> None:
    """`sha256sum` finds nothing wrong with it, and its metrics and checkpoints have none."""
    run = runs / "pretrained"
    assert {line.split()[1] for line in (run / SUMS).read_text().splitlines()} == {
        "recipe.toml",
        "run.json",
        "model.safetensors",
    }
    program = shutil.which("sha256sum")
    if program is not None:
        subprocess.run([program, "--check", "--strict", "--quiet", SUMS], cwd=run, check=True)


@pytest.mark.parametrize("name", ["run.json", "recipe.toml", "model.safetensors"])
def test_a_flipped_bit_anywhere_in_a_run_is_found(runs: Path, tmp_path: Path, name: str) -> None:
    """Also where the file still has its form: a digit of run.json, a weight."""
    run = tmp_path / "run"
    shutil.copytree(runs / "pretrained", run)
    content = (run / name).read_bytes()
    for part in range(64):
        changed = bytearray(content)
        changed[part * len(content) // 64] ^= 1
        (run / name).write_bytes(changed)
        with pytest.raises(RunError) as caught:
            open_run(run).model()
        assert str(caught.value).startswith(f"{run / name}: ")
        assert "\n" not in str(caught.value)
