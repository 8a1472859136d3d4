"""The words of messages: the layers below name options of the command line, and callers of Python have arguments."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from closedbook.errors import InputError

_IN_PYTHON = {
    "the command that began it, with --resume": "the call that began it, with resume=True",
    "leave --resume off": "leave resume=True out",
    " (--from starts a new run from another run's weights)": "",
    "--resume": "resume=True",
    "--out": "out",
    "--pairs": "pairs",
    "--dev": "dev",
    "--corpus": "corpus",
    "--setting": "setting",
    "--recipe": "recipe",
    "--budget": "budget_minutes",
    # Files are read in these ways by that command alone.
    "--title-column": "`closedbook book --title-column`",
    "--encoding": "`closedbook book --encoding`",
}
_OPTIONS = re.compile("|".join(rf"{re.escape(each)}(?![\w.-])" for each in _IN_PYTHON))
_COMMAND = re.compile(r"(`?closedbook \w+ [^;`]*)")
"""A command to type, whose options stay as they are."""


def in_python(message: str) -> str:
    """A message with arguments in place of options, except in commands to type."""
    parts = _COMMAND.split(message)  # each second is a command
    parts[::2] = [_OPTIONS.sub(lambda found: _IN_PYTHON[found[0]], part) for part in parts[::2]]
    return "".join(parts)


@contextmanager
def in_python_words() -> Iterator[None]:
    """Inside, the message of an InputError names arguments in place of options."""
    try:
        yield
    except InputError as error:
        error.args = (in_python(str(error)),)
        raise
