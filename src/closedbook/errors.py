"""The errors that people see.

    ClosedbookError               a failure that one line explains; exit status 1
    ├── InputError                a fault in what the user gave; exit status 2
    │   ├── TextError             a corpus, pairs or questions file; names file and line
    │   ├── RecipeError           a recipe file, or an option of a recipe or a world; names file and line, or the option
    │   └── RunError              a run or another output: missing, damaged, in the way, or not writable
    └── TrainingError             training cannot go on
        ├── NotFinite             a loss or gradient is infinite or NaN; names the step and the last good checkpoint
        └── PeerLost              another process of the same training has ended, or cannot be reached

A message says, in this order: where (file and line, or option), the rule, what was received, and what to do.
"""

from pathlib import Path


class ClosedbookError(Exception):
    """A failure that one line explains."""

    exit_status = 1


class InputError(ClosedbookError):
    """A fault in what the user gave: a file, an option, a folder."""

    exit_status = 2


class TextError(InputError):
    """A fault in a text file: `path` (None for standard input) and `line` (from 1; None for the whole file)."""

    def __init__(self, path: Path | None, line: int | None, message: str) -> None:
        where = "standard input" if path is None else str(path)
        super().__init__(f"{where}{'' if line is None else f', line {line}'}: {message}")
        self.path = path
        self.line = line
        self.message = message


class RecipeError(InputError):
    """A recipe or a world that cannot be used: an unknown key, a wrong type, values that contradict each other."""


class RunError(InputError):
    """A run folder, or another output file or folder, that is missing, damaged, in the way, or not writable."""


class TrainingError(ClosedbookError):
    """Training cannot go on."""


class NotFinite(TrainingError):
    """A loss or gradient is infinite or NaN; raised before the weights change."""


class PeerLost(TrainingError):
    """Another process of the same training has ended, or cannot be reached any more."""
