"""What other systems than Linux need, as far as that can be tested on Linux.

`sh run.sh check` does the larger part: mypy reads src as if on Windows, and names every function that it lacks there.
"""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "closedbook"
MODULES = {str(path.relative_to(PACKAGE)): ast.parse(path.read_bytes()) for path in sorted(PACKAGE.rglob("*.py"))}

# https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file
ILLEGAL_ON_WINDOWS = re.compile(
    r'[<>:"/\\|?*\x00-\x1f]|[ .]$|^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)', re.IGNORECASE
)


def vague_files(tree: ast.Module) -> Iterator[str]:
    """Text files that are opened without an encoding, or written without saying what ends a line."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name not in ("open", "read_text", "write_text") or ast.unparse(node.func) == "os.open":
            continue
        given = {each.arg for each in node.keywords}
        if (name == "read_text" and len(node.args) == 1) or ast.unparse(node.func) == "read_text":
            continue  # Path's only argument is the encoding; and a function of our own has the same name
        modes = [each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        if any("b" in mode for mode in modes):
            continue
        if "encoding" not in given:
            yield f"line {node.lineno}: encoding"
        if (name == "write_text" or set("".join(modes)) & set("wax+")) and "newline" not in given:
            yield f"line {node.lineno}: newline"


def test_text_files_are_the_same_bytes_on_every_system():
    """Each text file's encoding is given, and where one is written, its line ends are."""
    assert {module: found for module, tree in MODULES.items() if (found := [*vague_files(tree)])} == {}


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("path.read_text()", ["line 1: encoding"]),
        ("path.open('a', encoding='utf-8')", ["line 1: newline"]),
        ("path.write_text(x)", ["line 1: encoding", "line 1: newline"]),
        ("path.open()\nopen(x, 'w')", ["line 1: encoding", "line 2: encoding", "line 2: newline"]),
        ("path.open('rb')\nos.open(x, y)\npath.read_text('utf-8')\npath.open(encoding='utf-8')", []),
    ],
)
def test_text_files_that_differ_are_found(code: str, found: list[str]):
    """Text mode without an encoding, and writing without a line end; bytes need neither."""
    assert [*vague_files(ast.parse(code))] == found


@pytest.mark.parametrize("name", ["a:b", "what?", "end.", "end ", "CON", "nul.tsv", "Com1", "tab\t", "a|b"])
def test_names_that_windows_refuses_are_known(name: str):
    """Reserved characters, reserved names with or without a suffix, and blanks and full stops at the end."""
    assert ILLEGAL_ON_WINDOWS.search(name)


def test_names_in_a_run_are_legal_on_windows(runs: Path):
    """A run can be copied to any file system."""
    names = [path.name for path in runs.rglob("*")]
    assert "run.json" in names
    assert [name for name in names if ILLEGAL_ON_WINDOWS.search(name)] == []


def test_the_repository_can_be_cloned_on_windows():
    """Names are legal there, and none differ in case alone."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True)
    if done.returncode != 0:
        pytest.skip("this is not a clone of the repository")
    paths = done.stdout.decode().strip("\0").split("\0")
    assert "pyproject.toml" in paths
    assert [path for path in paths if any(map(ILLEGAL_ON_WINDOWS.search, path.split("/")))] == []
    assert len({path.casefold() for path in paths}) == len(paths)
