"""run.sh, which starts closedbook; its set-up needs a package index and is not tested here."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUN_SH = ROOT / "run.sh"


def run(script: Path, *words: str, folder: Path, path: str = os.defpath, **environment: str):
    """The outcome of `sh run.sh WORDS` in another folder."""
    return subprocess.run(
        ["sh", str(script), *words],
        cwd=folder,
        env={"PATH": path, "OMP_NUM_THREADS": "1"} | environment,
        capture_output=True,
        text=True,
    )


def test_it_is_a_valid_shell_script():
    """`sh -n` finds no syntax error."""
    assert subprocess.run(["sh", "-n", str(RUN_SH)], capture_output=True).returncode == 0


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with run.sh, pyproject.toml and a finished .venv, whose closedbook prints how it was called."""
    folder = tmp_path / "a clone's folder"
    (folder / ".venv/bin").mkdir(parents=True)
    for name in ("run.sh", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    shutil.copy(ROOT / "pyproject.toml", folder / ".venv/.made-from-pyproject")
    for name in ("closedbook", "pytest"):
        command = folder / ".venv/bin" / name
        command.write_text(f'#!/bin/sh\necho {name} "$PWD"\nprintf "[%s]\\n" "$@"\nexit 3\n')
        command.chmod(0o755)
    return folder


def test_it_passes_its_arguments_on_from_any_folder(copy: Path, tmp_path: Path):
    """Arguments, spaces included, reach `closedbook` in the current folder, and its exit status is returned."""
    done = run(copy / "run.sh", "ask", "my run", "Where was Ann born?", folder=tmp_path)
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout == f"closedbook {tmp_path}\n[ask]\n[my run]\n[Where was Ann born?]\n"


def test_its_test_command_runs_pytest_in_the_repository(copy: Path, tmp_path: Path):
    """`sh run.sh test WORDS` tests this repository from any folder."""
    done = run(copy / "run.sh", "test", "-k", "two words", folder=tmp_path)
    assert done.returncode == 3
    assert done.stdout == f"pytest {copy}\n[-k]\n[two words]\n"


def test_without_arguments_it_lists_all_commands(tmp_path: Path):
    """`sh run.sh` in this repository is `closedbook`, if run.sh set it up."""
    stamp = ROOT / ".venv/.made-from-pyproject"
    if not stamp.exists() or stamp.read_bytes() != (ROOT / "pyproject.toml").read_bytes():
        pytest.skip("this .venv was not made by run.sh from today's pyproject.toml")
    done = run(RUN_SH, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "vanilla_finetune_without_pretrain" in done.stdout


@pytest.mark.parametrize("python", ["no-such-python", "old-python"])
def test_a_python_that_is_too_old_is_named_with_the_way_out(copy: Path, tmp_path: Path, python: str):
    """Without Python 3.11 it ends with status 2 and one line, before anything is written."""
    (copy / ".venv/.made-from-pyproject").unlink()
    old = tmp_path / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    before = sorted(copy.rglob("*"))
    done = run(copy / "run.sh", "demo", folder=tmp_path, path=f"{tmp_path}:{os.defpath}", PYTHON=python)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"run.sh: closedbook needs Python 3.11 or later; '{python}' is not. Set PYTHON to one that")
    assert sorted(copy.rglob("*")) == before


def test_it_sets_up_again_once_pyproject_changes(copy: Path, tmp_path: Path):
    """A .venv made from another pyproject.toml is updated, and remembers the new one."""
    (copy / ".venv/.made-from-pyproject").write_text("[project]\n")
    installer = copy / ".venv/bin/python"
    installer.write_text('#!/bin/sh\nprintf "[%s]" "$@" >&2\n')
    installer.chmod(0o755)
    done = run(copy / "run.sh", "demo", folder=tmp_path, PYTHON=sys.executable)
    assert done.returncode == 3
    assert done.stdout == f"closedbook {tmp_path}\n[demo]\n"
    assert f"[-m][pip][install][--quiet][--disable-pip-version-check][--editable][{copy}[dev]]" in done.stderr
    assert "setting up" not in run(copy / "run.sh", "demo", folder=tmp_path).stderr
