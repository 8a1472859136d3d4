"""run.sh, which starts closedbook; its set-up needs a package index and is not tested here."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
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


def made_from(folder: Path) -> bytes:
    """What run.sh remembers of what it installed from."""
    return b"".join(
        path.read_bytes() for path in [folder / "pyproject.toml", *sorted((folder / "requirements").iterdir())]
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with run.sh, what it installs from and a finished .venv, whose closedbook prints how it was called."""
    folder = tmp_path / "a clone's folder"
    (folder / ".venv/bin").mkdir(parents=True)
    for name in ("run.sh", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    (folder / ".venv/.made-from").write_bytes(made_from(folder))
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
    stamp = ROOT / ".venv/.made-from"
    if not stamp.exists() or stamp.read_bytes() != made_from(ROOT):
        pytest.skip("this .venv was not made by run.sh from today's pyproject.toml and requirements")
    done = run(RUN_SH, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "vanilla_finetune_without_pretrain" in done.stdout


@pytest.mark.parametrize("python", ["no-such-python", "old-python"])
def test_a_python_that_is_too_old_is_named_with_the_way_out(copy: Path, tmp_path: Path, python: str):
    """Without Python 3.11 it ends with status 2 and one line, before anything is written."""
    (copy / ".venv/.made-from").unlink()
    old = tmp_path / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    before = sorted(copy.rglob("*"))
    done = run(copy / "run.sh", "demo", folder=tmp_path, path=f"{tmp_path}:{os.defpath}", PYTHON=python)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"run.sh: closedbook needs Python 3.11 or later; '{python}' is not. Set PYTHON to one that")
    assert sorted(copy.rglob("*")) == before


@pytest.fixture
def installer(copy: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `sh run.sh demo` with an installer that writes its arguments to a file, after lines of shell script."""

    def installer(script: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        program = copy / ".venv/bin/python"
        program.write_text(f'#!/bin/sh\necho "$@" >>"{tmp_path}/calls"\n{script}\n')
        program.chmod(0o755)
        return run(copy / "run.sh", "demo", folder=tmp_path, PYTHON=sys.executable, **environment)

    return installer


def calls(folder: Path) -> list[str]:
    """What pip was called with, without the options that every call has."""
    lines = (folder / "calls").read_text().splitlines()
    return [line.removeprefix("-m pip ").replace("install --quiet --disable-pip-version-check ", "") for line in lines]


@pytest.mark.parametrize("changed", ["pyproject.toml", "requirements/locked.txt"])
def test_it_sets_up_again_once_what_it_installs_from_changes(
    copy: Path, tmp_path: Path, changed: str, installer: Callable[..., subprocess.CompletedProcess[str]]
):
    """Locked files are installed by their hashes, and nothing else; a build of torch at hand is tried first."""
    with (copy / changed).open("a") as file:
        file.write("# another comment\n")
    done = installer()
    assert (done.returncode, done.stdout) == (3, f"closedbook {tmp_path}\n[demo]\n")
    locks = f"{copy}/requirements"
    assert calls(tmp_path) == [
        f"--require-hashes --no-deps --requirement {locks}/locked.txt",
        f"--require-hashes --no-deps --no-index --requirement {locks}/torch.txt",
        "show torch",
        f"--no-deps --no-build-isolation --editable {copy}",
        "check",
    ]
    assert done.stderr == f"run.sh: setting up {copy}/.venv (once; minutes, most of them for PyTorch)\n"
    assert run(copy / "run.sh", "demo", folder=tmp_path).stderr == ""


def test_cuda_is_installed_where_torch_asks_for_it(
    copy: Path, tmp_path: Path, installer: Callable[..., subprocess.CompletedProcess[str]]
):
    """The index's build of torch is taken where none is at hand, and then the packages that this build needs."""
    (copy / ".venv/.made-from").unlink()
    installer('case "$*" in *--no-index*) exit 1;; *"show torch") echo "Requires: cuda-toolkit, filelock";; esac')
    locks = f"{copy}/requirements"
    assert calls(tmp_path)[2:5] == [
        f"--require-hashes --no-deps --requirement {locks}/torch.txt",
        "show torch",
        f"--require-hashes --no-deps --requirement {locks}/cuda.txt",
    ]


def test_without_the_locked_versions_it_says_so_and_takes_the_ranges(
    copy: Path, tmp_path: Path, installer: Callable[..., subprocess.CompletedProcess[str]]
):
    """Another system may lack a file that is locked: one line after pip's own, and pyproject's ranges are installed."""
    (copy / ".venv/.made-from").unlink()
    done = installer('case "$*" in *locked.txt) echo "ERROR: no such version" >&2; exit 1;; esac')
    assert done.returncode == 3
    assert done.stderr.splitlines()[1:] == [
        "ERROR: no such version",
        "run.sh: the locked versions cannot be installed here, as said above; going on with those that pyproject.toml "
        "allows",
    ]
    assert calls(tmp_path)[1:] == [f"--editable {copy}[dev]"]


def test_a_download_that_is_not_the_locked_file_ends_it(
    copy: Path, tmp_path: Path, installer: Callable[..., subprocess.CompletedProcess[str]]
):
    """A file with another hash may be anyone's: nothing is installed in its place, unless asked for with LOCKED=no."""
    (copy / ".venv/.made-from").unlink()
    done = installer('echo "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES" >&2; exit 1')
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].endswith("If you trust it: LOCKED=no sh run.sh")
    assert not (copy / ".venv/.made-from").exists()
    (tmp_path / "calls").unlink()
    assert installer(LOCKED="no").returncode == 3
    assert calls(tmp_path) == [f"--editable {copy}[dev]"]
