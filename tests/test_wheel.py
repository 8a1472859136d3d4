"""The wheel, as `pip install .` makes it, works outside the checkout."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

COMMANDS = """\
import sys
import closedbook
from closedbook.commands.main import main
run = sys.argv[1]
print(closedbook.__file__)
pages = ["lab", "--page", "lab.html"], ["explore", run, "--out", "run.html"]
for words in (["--version"], *pages, ["export", run, "exported"]):
    assert main(words) == 0, words
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what is in the wheel, far from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    sources = folder / "sources"
    sources.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, sources)
    shutil.copytree(ROOT / "src", sources / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    words = ["--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", folder, sources]
    subprocess.run([*pip, *words], check=True, capture_output=True)
    (wheel,) = folder.glob("closedbook-*-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def test_every_file_of_the_package_is_in_the_wheel(installed: Path):
    """Modules, pages with their styles and scripts, and the mark that the package is typed."""
    package = ROOT / "src" / "closedbook"
    expected = {path.relative_to(package) for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    found = {
        path.relative_to(installed / "closedbook") for path in (installed / "closedbook").rglob("*") if path.is_file()
    }
    assert found == expected


def test_an_installed_wheel_draws_pages_and_exports_runs(installed: Path, runs: Path, tmp_path: Path):
    """Commands that need more than modules, in a folder that knows nothing of the checkout."""
    run = shutil.copytree(runs / "finetuned", tmp_path / "run")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", COMMANDS, run],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == str(installed / "closedbook" / "__init__.py")
    assert {"lab.html", "run.html", "exported"} <= {path.name for path in tmp_path.iterdir()}
