"""The family of errors that people see.

    ClosedbookError               something closedbook can say in one line; exit status 1
    ├── InputError                a fault in what the user gave; exit status 2
    │   ├── TextError             a corpus, pairs or questions file; names file and line
    │   ├── RecipeError           a recipe file or a recipe option; names file and line, or the option
    │   └── RunError              a run folder: missing, of the wrong kind, in the way, damaged
    └── TrainingError             training cannot go on
        └── NotFinite             a loss or gradient that is no number; names step and last good checkpoint

Each says, in this order: where (file, line or option), the rule, what was received, the way out.
"""

from pathlib import Path


class ClosedbookError(Exception):
    """A failure that closedbook can explain in one line."""

    exit_status = 1


class InputError(ClosedbookError):
    """A fault in what the user gave: a file, an option, a folder."""

    exit_status = 2


class TextError(InputError):
    """A fault in a file of text: `path` (None for standard input), `line` (from 1; None for all of it)."""

    def __init__(self, path: Path | None, line: int | None, message: str) -> None:
        where = "standard input" if path is None else str(path)
        super().__init__(f"{where}{'' if line is None else f', line {line}'}: {message}")
        self.path = path
        self.line = line
        self.message = message


class RecipeError(InputError):
    """A recipe that cannot be used: unknown key, wrong type, numbers that do not fit together."""


class RunError(InputError):
    """A run folder that is missing, of the wrong kind, in the way, or damaged."""


class TrainingError(ClosedbookError):
    """Training cannot go on."""


class NotFinite(TrainingError):
    """A loss or gradient was infinite or not a number; raised before the weights were touched."""
