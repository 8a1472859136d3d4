"""The dialogue of `closedbook ask`, on a terminal that a test types at."""

import os
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = """
import os, sys
os.setsid()  # The terminal that is opened next is the program's own, so that Ctrl-C reaches it.
terminal = os.open({name!r}, os.O_RDWR)
for number in range(3):
    os.dup2(terminal, number)
os.close(terminal)
{before}
from closedbook.commands.dialogue import hold_dialogue
hold_dialogue(lambda question: print(f"answer to {{question}}"), "the help")
"""


class Terminal:
    """A dialogue whose answers repeat the questions, on a terminal of its own."""

    def __init__(self, folder: Path, before: str = "") -> None:
        self.descriptor, other_side = os.openpty()
        program = PROGRAM.format(name=os.ttyname(other_side), before=before)
        environment = {**os.environ, "XDG_STATE_HOME": str(folder), "TERM": "dumb"}
        self.process = subprocess.Popen([sys.executable, "-c", program], env=environment)
        self.shown = ""
        self.until("> ")
        os.close(other_side)  # Only now, since it was the only one.

    def until(self, text: str) -> str:
        """All that was shown so far, once it ends with a text."""
        end = time.monotonic() + 60
        while not self.shown.endswith(text):
            assert time.monotonic() < end, self.shown
            if select.select([self.descriptor], [], [], 0.1)[0]:
                self.shown += os.read(self.descriptor, 4096).decode().replace("\r", "")
        return self.shown

    def type(self, text: str) -> None:
        """Type at the prompt."""
        self.until("> ")
        os.write(self.descriptor, text.encode())
        # What was shown before is of no interest any more.
        self.shown = ""

    def end(self) -> tuple[int, str]:
        """The exit status, and all that was shown since the last typing."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if not select.select([self.descriptor], [], [], 1.0)[0]:
                continue
            try:
                read = os.read(self.descriptor, 4096)
            except OSError:  # the other side is closed
                break
            if not read:
                break
            self.shown += read.decode().replace("\r", "")
        else:
            self.process.kill()
        os.close(self.descriptor)
        return self.process.wait(), self.shown


def test_questions_are_answered_until_quit(tmp_path: Path):
    """It says first how it ends and where help is; a question mark shows the help. Outer blanks do not count."""
    terminal = Terminal(tmp_path)
    assert terminal.until("> ") == "Ask; ? for help, quit to end.\n> "
    terminal.type(" Who? \n")
    terminal.until("answer to Who?\n> ")
    terminal.type("?\n")
    terminal.until("the help\n> ")
    terminal.type("quit\n")
    assert terminal.end()[0] == 0


@pytest.mark.parametrize("word", ["exit\n", "\n", "\x04"])
def test_a_dialogue_ends_in_other_ways_too(tmp_path: Path, word: str):
    """By exit, an empty line and Ctrl-D, with the shell's prompt on a line of its own."""
    terminal = Terminal(tmp_path)
    terminal.type(word)
    status, shown = terminal.end()
    assert status == 0
    assert shown.endswith("\n")


def test_ctrl_c_ends_the_line_and_the_dialogue(tmp_path: Path):
    """What was typed so far is no question, and nothing is shown after the line feed but what Python says.

    It is heard also where it comes after the prompt and before readline waits for keys.
    """
    terminal = Terminal(tmp_path, "sys.excepthook = lambda *error: print(error[0].__name__)")
    terminal.type("Who\x03")
    _, shown = terminal.end()
    assert shown.endswith("\nKeyboardInterrupt\n")
    assert "answer" not in shown


def test_questions_are_recalled_in_the_next_dialogue(tmp_path: Path):
    """The arrow key up brings the last question of the last dialogue."""
    pytest.importorskip("readline")
    first = Terminal(tmp_path)
    first.type("Who was Ada?\n")
    first.type("quit\n")
    first.end()
    second = Terminal(tmp_path)
    second.type("\x1b[A\x1b[A\n")
    # Not only the prompt, which is shown again for each line that is recalled.
    second.until("answer to Who was Ada?\n> ")
    second.type("quit\n")
    second.end()


def test_without_readline_there_is_no_history(tmp_path: Path):
    """A Python without it, as on some systems, holds the dialogue all the same."""
    terminal = Terminal(tmp_path, "sys.modules['readline'] = None")
    terminal.type("Who?\n")
    terminal.until("answer to Who?\n> ")
    terminal.type("quit\n")
    assert terminal.end()[0] == 0
    assert list(tmp_path.iterdir()) == []
