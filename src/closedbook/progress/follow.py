"""Follow a run: show its events as they come, and stop it between two steps when its user asks for that.

Imports no torch, since `--help` and bad arguments must answer at once.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING

from closedbook.progress.console import say
from closedbook.progress.sentences import accuracy_line, caveat, recipe_line, result_line
from closedbook.progress.view import View
from closedbook.recipe.rows import Rows
from closedbook.recipe.used import unused_by_model
from closedbook.text.notes import Detail

if TYPE_CHECKING:
    from closedbook.training.events import Event, Finished, Started


class Interrupted(Exception):
    """The user stopped a run, which has been saved."""


@dataclass(frozen=True)
class Display:
    """What is shown of a run besides its events.

    `rows` are the recipe's. `inspect` is the command that shows all of it, and `next` what to type when the run has
    ended. With `is_verbose` every note, every row and every evaluation is shown.
    """

    rows: Rows = field(default_factory=list)
    inspect: str = ""
    next: str = ""
    is_verbose: bool = False


def follow(title: str, events: "Iterator[Event]", display: Display | None = None) -> "Finished":
    """Show a run's events until it has finished; raises Interrupted where its user stops it.

    Ctrl-C and SIGTERM wait for the step in progress, so that the run can be saved. Before the first step there is
    nothing to save, and KeyboardInterrupt is raised at once, as it is by a second signal.
    """
    display = display or Display()
    with View(title, shows_all=display.is_verbose) as view:
        follower = _Follower(title, view, display)
        with _stop_politely(follower) as stop:
            for event in events:
                finished = follower.show(event)
                if finished is not None:
                    return finished
                if stop:
                    events.close()  # type: ignore[attr-defined]  # every generator has it
                    raise Interrupted
    raise AssertionError("a run's last event is Finished")


class _Follower:
    """Shows events one by one, and knows what was shown before."""

    def __init__(self, title: str, view: View, display: Display) -> None:
        self.title = title
        self.view = view
        self.display = display
        self.is_started = False
        self._pairs, self._caveat = "", ""

    def show(self, event: "Event") -> "Finished | None":
        """Show an event; the last one is returned."""
        from closedbook.training.events import Asked, Doing, Done, Evaluated, Finished, Note, Started
        from closedbook.training.trainer import StepReport

        match event:
            case Doing():
                self.view.doing(event.text)
            case Done():
                say(event.text)
            case Note():
                if self.display.is_verbose or not isinstance(event.text, Detail):
                    say(f"note: {event.text}")
            case Started():
                self._start(event)
            case StepReport():
                self.view.step(event)
            case Asked():
                learned = f"it asked itself, and learns {event.n_learned:,} answers"
                say(f"{self.title}: after epoch {event.epoch} {learned}")
            case Evaluated():
                if self.view.is_due_for_accuracy(event.step):
                    say(f"{self.title}: {accuracy_line(event, self._pairs)}{self._caveat}")
                    self._caveat = ""  # said once
            case Finished():
                self.view.end()
                say(f"{self.title}: {result_line(event, self._pairs, self.display.next)}", wraps=False)
                return event
        return None

    def _start(self, event: "Started") -> None:
        run = event.run
        self.is_started = True
        self._pairs = "validation" if run.recipe.validation_split else "dev"
        self._caveat = caveat(run)
        self.view.start(event.step, event.n_steps)
        if self.display.rows:
            if self.display.is_verbose:
                left_out = unused_by_model(run.recipe.model)
                _show_table([row for row in self.display.rows if row[0] not in left_out])
            say(recipe_line(event, self.display.rows, self.display.inspect))
        say(f"{self.title}: steps {event.step + 1:,} to {event.n_steps:,}")


def _show_table(rows: Rows) -> None:
    """Each hyperparameter and where it came from."""
    lines = [("recipe", "value", "from"), *rows]
    # Not rich's table, which cuts off what is wider than the terminal.
    key_width, value_width = (max(len(line[column]) for line in lines) for column in (0, 1))
    for key, value, source in lines:
        say(f"{key:<{key_width}}  {value:<{value_width}}  {source}", wraps=False)


@contextmanager
def _stop_politely(follower: _Follower) -> Iterator[list[int]]:
    """A list that stays empty until a signal asks to stop; a second signal stops at once, and later ones do nothing."""
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield asked  # Python gives signals to the main thread alone.
        return

    def ask(number: int, _frame: FrameType | None) -> None:
        if asked or not follower.is_started:
            for each in before:
                signal.signal(each, signal.SIG_IGN)
            at_once = "stopped at once; --resume goes on from the last checkpoint"
            raise KeyboardInterrupt(at_once if follower.is_started else "")
        asked.append(number)
        say("stopping after this step; once more to stop at once")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
