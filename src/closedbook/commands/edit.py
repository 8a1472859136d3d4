"""The commands that edit a run, and what they take.

What needs torch is imported inside the commands, so that help and bad arguments answer at once.
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
    """The new answer, with characters of the run's vocabulary; it is no longer than answers can be."""
    pairs: FileOption = None
    """Instead of QUESTION and ANSWER: a file of many, question<TAB>answer per line."""
    undo: Switch = False
    """Instead of QUESTION and ANSWER: make the run before RUN's last edit, or before the last file of them."""


@dataclass(frozen=True)
class ForgetOptions:
    """Make a run that says it never read about somebody, without training on the corpus.

    The rows of the model's tables that only the title's lines reach become zero: other texts get the same logits, bit
    for bit. `closedbook edit RUN2 --undo` brings them back.

    This does not protect personal data. The name stays in run.json, the former values in former.safetensors, the line
    in the corpus, and RUN as it is. Rows that other names share keep what they learned from the line: among the model's
    guesses the true answer still stands out more often than by chance.
    """

    run: Annotated[Positional[Path], arg(metavar="RUN")]
    """A finished run of recipe fast, in setting self-study or guided; it stays as it is."""
    out: Annotated[Path, arg(metavar="RUN2")]
    """Folder of the run that has forgotten; it is created."""
    title: Annotated[Positional[str | None], arg(metavar="TITLE")] = None
    """The name that a line of the run's corpus begins with."""
    titles: FileOption = None
    """Instead of TITLE: a file of many, one per line."""


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


def forget(options: ForgetOptions) -> None:
    """`closedbook forget`."""
    if (options.title is None) == (options.titles is None):
        raise InputError("forget: one of TITLE and --titles FILE is needed; write one of them alone")
    from closedbook.api.run import load

    run = load(options.run)
    if options.titles is not None:
        forgotten = run.forget_file(options.titles, options.out)
    else:
        forgotten = run.forget(options.title or "", options.out)
    for line in _lines(forgotten.edits[-1], "changed"):
        say(line)
    out(str(forgotten.path))


def _check(options: EditOptions) -> None:
    """Raise InputError unless one of the three uses is asked for."""
    given = [options.question is not None, options.pairs is not None, options.undo]
    if sum(given) != 1:
        raise InputError("edit: one of QUESTION ANSWER, --pairs FILE and --undo is needed; write one of them alone")
    if options.question is not None and options.answer is None:
        raise InputError(f"edit: QUESTION needs its new ANSWER after it; received {options.question!r} alone")


def _lines(edit: "Edit", what: str) -> Iterator[str]:
    """The first facts or titles, where they were written, and how many numbers changed."""
    changes, forgotten = edit.changes, edit.forgotten
    if what == "changed":
        yield from map(str, (*changes, *forgotten)[:_MOST_SHOWN])
        if (n := len(changes) + len(forgotten)) > _MOST_SHOWN:
            yield f"... and {n - _MOST_SHOWN} more, in edits.json"
            if forgotten:
                yield f"{sum(one.is_unread for one in forgotten)} of {n} titles are never read about"
            else:
                yield f"{sum(change.is_given for change in changes)} of {n} questions have their new answer"
    else:
        names = [*(change.question for change in changes), *(f"forgetting {one.title}" for one in forgotten)]
        yield f"undone: {', '.join(names[:_MOST_SHOWN])}"
    if what == "changed" and edit.others.n_asked:
        n_changed, n_asked = edit.others
        yield f"{n_changed} of {n_asked} questions about other titles have another answer; the matrix serves all"
    for name, former in edit.former.items():
        rows, columns = former.values.shape
        yield f"{what} {former.values.numel():,} numbers of {name}: {rows:,} row{'s' * (rows > 1)} of {columns}"
