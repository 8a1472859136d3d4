"""The command that edits a run, and what it takes.

What needs torch is imported inside the command, so that help and bad arguments answer at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from closedbook.commands.options import FileOption, Switch
from closedbook.errors import InputError
from closedbook.progress.console import out, say

if TYPE_CHECKING:
    from closedbook.editing.record import Edit

_MOST_SHOWN = 10


@dataclass(frozen=True)
class EditOptions:
    """Make a run that answers a question otherwise, without training on the corpus.

    A title with a row of its own in the model's tables has that row written: other texts get the same logits, bit for
    bit. Another is written into the output matrix of the last feed-forward part, which changes other answers a little.
    """

    run: Annotated[Positional[Path], arg(metavar="RUN")]
    """A finished run; it stays as it is."""
    out: Annotated[Path, arg(metavar="RUN2")]
    """Folder of the edited run; it is created."""
    question: Annotated[Positional[str | None], arg(metavar="QUESTION")] = None
    """A question that names a title of the run's corpus."""
    answer: Annotated[Positional[str | None], arg(metavar="ANSWER")] = None
    """The new answer: at most 32 characters, all of them in the run's vocabulary."""
    pairs: FileOption = None
    """Instead of QUESTION and ANSWER: a file of many, question<TAB>answer per line."""
    undo: Switch = False
    """Instead of QUESTION and ANSWER: make the run before RUN's last edit, or before the last file of them."""


def edit(options: EditOptions) -> None:
    """`closedbook edit`."""
    _check(options)
    from closedbook.api.run import load

    run = load(options.run)
    if options.undo:
        edited, edits, what = run.undo(options.out), run.edits, "restored"
    elif options.pairs is not None:
        edited, what = run.edit_file(options.pairs, options.out), "changed"
        edits = edited.edits
    else:
        edited, what = run.edit(options.question or "", options.answer or "", options.out), "changed"
        edits = edited.edits
    for line in _lines(edits[-1], what):
        say(line)
    out(str(edited.path))


def _check(options: EditOptions) -> None:
    """Raise InputError unless one of the three uses is asked for."""
    given = [options.question is not None, options.pairs is not None, options.undo]
    if sum(given) != 1:
        raise InputError("edit: one of QUESTION ANSWER, --pairs FILE and --undo is needed; write one of them alone")
    if options.question is not None and options.answer is None:
        raise InputError(f"edit: QUESTION needs its new ANSWER after it; received {options.question!r} alone")


def _lines(edit: "Edit", what: str) -> Iterator[str]:
    """The first facts, where the others were written, and how many numbers changed."""
    changes = edit.changes
    if what == "changed":
        yield from map(str, changes[:_MOST_SHOWN])
        if len(changes) > _MOST_SHOWN:
            yield f"... and {len(changes) - _MOST_SHOWN} more, in edits.json"
            yield f"{sum(change.is_given for change in changes)} of {len(changes)} questions have their new answer"
    else:
        yield f"undone: {', '.join(change.question for change in changes[:_MOST_SHOWN])}"
    if what == "changed" and edit.others.n_asked:
        n_changed, n_asked = edit.others
        yield f"{n_changed} of {n_asked} questions about other titles have another answer; the matrix serves all"
    for name, former in edit.former.items():
        rows, columns = former.values.shape
        yield f"{what} {former.values.numel():,} numbers of {name}: {rows:,} row{'s' * (rows > 1)} of {columns}"
