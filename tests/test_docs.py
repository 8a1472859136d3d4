"""The commands in README, docs and the benchmarks' docstrings still exist, options included."""

import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from closedbook.assignment.targets import TARGETS
from closedbook.commands.main import COMMANDS, main

ROOT = Path(__file__).parents[1]
# History: the notebook's commands are those of the commits that it names.
DOCS = [*ROOT.glob("*.md"), *(path for path in ROOT.glob("docs/**/*.md") if path.name != "notebook.md")]
BENCHMARKS = sorted((ROOT / "benchmarks").glob("*.py"))
SHARED = ("runner.py", "compare.py")
"""Modules that define options for several benchmarks."""


def texts() -> Iterator[tuple[str, str]]:
    """Every text with commands in it, by its name."""
    for path in DOCS:
        yield path.name, path.read_text(encoding="utf-8")
    for path in BENCHMARKS:
        yield path.name, ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def commands(text: str) -> Iterator[list[str]]:
    """The words of each command in a text: in backquotes, or on indented lines, which may go on in the next."""
    inline = re.findall(r"`((?:[A-Z_]+=\S+ )*(?:python benchmarks/|sh run\.sh |closedbook )[^`]*)`", text)
    block, blocks = "", []
    for line in [*text.splitlines(), ""]:
        if block and re.match(r" {8,}\S", line):
            block += " " + line.strip()
            continue
        blocks.append(block)
        begins = re.match(r" {4}(?:[A-Z_]+=\S+ )*(?:python benchmarks/|sh run\.sh |closedbook )", line)
        block = line.strip() if begins else ""
    for command in [*inline, *blocks]:
        words = shlex.split(command.replace("\n", " ").partition(" > ")[0].partition(" # ")[0], comments=False)
        words = [word.strip("[]") for word in words if "=" not in word.partition("/")[0] or word.startswith("--")]
        if words and words != ["closedbook"]:
            yield words


FOUND = [
    pytest.param(words, id=f"{name}: {' '.join(words)[:60]}") for name, text in texts() for words in commands(text)
]


def options_of(words: list[str]) -> list[str]:
    """The options among a command's words."""
    return [word.partition("=")[0] for word in words if re.match(r"--[a-z]", word)]


@cache
def benchmark_source(script: str) -> str:
    """A benchmark's code with that of the modules whose options it takes over."""
    source = (ROOT / script).read_text(encoding="utf-8")
    shared = [name for name in SHARED if f"from {name.removesuffix('.py')} import" in source]
    return "".join([source, *((ROOT / "benchmarks" / name).read_text(encoding="utf-8") for name in shared)])


@pytest.mark.parametrize("words", [one for one in FOUND if "python benchmarks" in one.id])
def test_a_documented_benchmark_has_its_script_and_options(words: list[str]) -> None:
    """The script is there, and every option is one that it defines."""
    script = next(word for word in words if word.startswith("benchmarks/"))
    assert (ROOT / script).is_file(), script
    for option in options_of(words):
        assert option == "--help" or f'"{option}"' in benchmark_source(script), f"{script} has no {option}"


@pytest.mark.parametrize("words", [one for one in FOUND if "python benchmarks" not in one.id])
def test_a_documented_command_exists_with_its_options(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """closedbook, or run.sh, knows the command, and its help names every option."""
    name = words[words.index("run.sh") + 1] if "run.sh" in words else words[1]
    if name in ("check", "fix", "test") or not re.fullmatch(r"[a-z_]+", name):
        return  # the script's own, or a placeholder such as TARGET
    assert name in (*COMMANDS, *TARGETS), f"{name} is no command"
    monkeypatch.setenv("COLUMNS", "400")
    assert main([name, "--help-all"]) == 0
    shown = capsys.readouterr().out
    for option in options_of(words):
        assert option in ("--help", "--version") or re.search(rf"{re.escape(option)}\b", shown), f"{name}: no {option}"


PROMISES = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("named", sorted(set(re.findall(r"tests/[\w/]+\.py(?:::\w+)?", PROMISES))))
def test_a_promise_names_a_test_that_there_is(named: str) -> None:
    """Each file is there, and has the test."""
    path, _, name = named.partition("::")
    source = (ROOT / path).read_text(encoding="utf-8")
    assert not name or f"def {name}(" in source
