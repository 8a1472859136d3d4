"""What a terminal is sent."""

import io
import sys

import pytest

from closedbook.progress.console import out, say
from closedbook.progress.printable import printable


class Terminal(io.StringIO):
    """A stream that people look at."""

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return True


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ulm", "Ulm"),
        ("Malmö 東京\tand more\n", "Malmö 東京\tand more\n"),
        ("\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"),
        ("over\rwritten\b", "over\\x0dwritten\\x08"),
        ("\x9b31m\x7f", "\\x9b31m\\x7f"),
        ("a\u202ecba\u2066", "a\\u202ecba\\u2066"),
        ("\udcc3\udc85rhus \udcff", "Århus \\xff"),
        ("\udce6\udc9e\udc97", "林"),
        ("\ud800", "\\ud800"),
        ("\udc9b31m", "\\x9b31m"),
        ("\udcc2\udc9b31m", "\\x9b31m"),
    ],
)
def test_what_would_control_a_terminal_is_shown_as_its_code(text: str, shown: str):
    """Letters of every script, tabs and line feeds stay; bytes that are UTF-8 become letters, or codes themselves."""
    assert printable(text) == shown


def test_results_are_whole_for_a_program_and_printable_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """A program reads what a file has; a terminal is sent no control character."""
    out("\x1b[31mUlm")
    assert capsys.readouterr().out == "\x1b[31mUlm\n"
    monkeypatch.setattr(sys, "stdout", Terminal())
    out("\x1b[31mUlm")
    assert sys.stdout.getvalue() == "\\x1b[31mUlm\n"  # type: ignore[attr-defined]


def test_messages_are_printable_wherever_they_go(capsys: pytest.CaptureFixture[str]):
    """People read them, if not at once."""
    say("note: \x1b[31mUlm \udcff")
    assert capsys.readouterr().err == "note: \\x1b[31mUlm \\xff\n"
