"""--help, which is short, and --help-all."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from closedbook.assignment.targets import TARGETS
from closedbook.commands.main import COMMANDS
from closedbook.commands.option import options_of

Closedbook = Callable[..., Any]
PERCEIVERS = {
    "--model.bottleneck-dim",
    "--model.latent-mask",
    "--model.segment-length",
    "--model.random-segment-offset",
}


def shown(closedbook: Closedbook, *words: object) -> list[str]:
    """The lines that a command prints when it is asked for help."""
    outcome = closedbook(*words)
    assert (outcome.status, outcome.err) == (0, "")
    return outcome.out.splitlines()


def names_in(lines: list[str]) -> set[str]:
    """The options that have help of their own."""
    return {line.split()[0].rstrip(",") for line in lines if line.startswith("  --")}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_a_screen_and_help_all_has_every_option(closedbook: Closedbook, command: str):
    """The former has the command's own options, in at most 42 lines; the latter every hyperparameter too."""
    short = shown(closedbook, command, "--help", "--model.variant", "perceiver")
    assert len(short) <= 42
    assert not any(line.strip().startswith("--model.") for line in short)
    long = "\n".join(shown(closedbook, command, "--help-all", "--model.variant", "perceiver"))
    for option in options_of(COMMANDS[command][0]):
        assert option.name in long
        if len(option.path) == 1:
            assert option.name in "\n".join(short)


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("flag", ["--help", "--help-all"])
def test_help_fits_a_terminal(closedbook: Closedbook, monkeypatch: pytest.MonkeyPatch, width: int, flag: str):
    """No line is wider, except for a single word; on a wide terminal lines stay short enough to read."""
    monkeypatch.setenv("COLUMNS", str(width))
    for name in (*COMMANDS, *TARGETS):
        for line in shown(closedbook, name, flag):
            assert len(line) <= min(width, 100) or line.lstrip().startswith("-"), line


def test_help_all_leaves_out_what_the_model_does_not_use(closedbook: Closedbook, files: Path):
    """The Perceiver's options are shown for a Perceiver alone, and named in a last line elsewhere."""
    vanilla = shown(closedbook, "pretrain", "--help-all")
    assert not names_in(vanilla) & PERCEIVERS
    assert all(option in " ".join(vanilla[-4:]) for option in PERCEIVERS)
    for words in (("--model.variant", "perceiver"), ("--recipe", "perceiver")):
        assert names_in(shown(closedbook, "pretrain", "--help-all", *words)) >= PERCEIVERS
    without = shown(closedbook, "pretrain", "--recipe", files / "tiny.toml", "--help-all")
    assert "--model.name-width" in names_in(without)
    assert "--model.name-width" not in names_in(shown(closedbook, "pretrain", "--recipe", "plain", "--help-all"))


def test_help_says_what_is_needed(closedbook: Closedbook):
    """The first line has the words that a command cannot do without."""
    assert shown(closedbook, "finetune", "--help")[0] == "usage: closedbook finetune PAIRS --out RUN [options]"
    assert shown(closedbook, "ask", "-h")[0] == "usage: closedbook ask RUN [QUESTION] [options]"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_complete_commands_options_and_values(closedbook: Closedbook, shell: str):
    """The script has every command and target, options at any depth, and the values that they take."""
    outcome = closedbook("--completion", shell)
    assert (outcome.status, outcome.err) == (0, "")
    for word in (*COMMANDS, *TARGETS, "budget", "model.n-layer", "self-study"):
        assert word in outcome.out


@pytest.mark.parametrize("words", [(), ("ksh",), ("bash", "zsh")])
def test_completion_is_for_one_of_three_shells(closedbook: Closedbook, words: tuple[str, ...]):
    """Any other word is named in one line."""
    outcome = closedbook("--completion", *words)
    assert (outcome.status, outcome.out) == (2, "")
    needed = "closedbook: --completion: one of bash, zsh, fish is needed; received "
    assert outcome.err == f"{needed}{' '.join(words) or 'nothing'}\n"
