"""Follow a run: show its events as they come, and stop it when its user asks for that.

Imports no torch, since `--help` and bad arguments must answer at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from closedbook.errors import InputError
from closedbook.progress.console import say
from closedbook.progress.sentences import accuracy_line, caveat, recipe_line, result_line
from closedbook.progress.stop import Interrupted, Stop, Stopped
from closedbook.progress.view import View
from closedbook.recipe.rows import Rows
from closedbook.recipe.used import unused_by_model
from closedbook.text.notes import Detail

if TYPE_CHECKING:
    from closedbook.training.events import Event, Finished, Started


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


def follow(
    title: str, events: "Iterator[Event]", display: Display | None = None, *, goes_on: bool = False
) -> "Finished":
    """Show a run's events until it has finished.

    Ctrl-C, SIGTERM and SIGHUP wait for the step in progress, which is then saved, and Interrupted is raised; what
    changes nothing of the run, as an evaluation, is broken off. A second signal, a second later, stops at once. Before
    the run's folder is made there is nothing to save, and Stopped, a KeyboardInterrupt, is raised at once. A run that
    has finished meanwhile is returned, unless its caller `goes_on` with more than to say so: then Stopped is raised.
    """
    display = display or Display()
    with View(title, shows_all=display.is_verbose) as view, Stop() as stop:
        follower = _Follower(title, view, display, stop)
        try:
            finished = _followed(events, follower)
        except InputError:
            raise
        except BaseException:  # A signal can come out as another error, as where another process was stopped first.
            if not stop.number:
                raise
            finished = None
        if finished is not None and not (goes_on and stop.number):
            return finished
        if finished is None and follower.is_begun:
            raise Interrupted(stop.number, at_once=stop.at_once)
        raise Stopped(stop.number)


def _followed(events: "Iterator[Event]", follower: "_Follower") -> "Finished | None":
    """Show events until the last one, or until a signal has come: None."""
    try:
        for event in events:
            finished = follower.show(event)
            if finished is not None or follower.stop.number:
                return finished
        raise AssertionError("a run's last event is Finished")
    finally:
        events.close()  # type: ignore[attr-defined]  # every generator has it, and a run saves its last step in it


class _Follower:
    """Shows events one by one, and knows what was shown before."""

    def __init__(self, title: str, view: View, display: Display, stop: Stop) -> None:
        self.title = title
        self.view = view
        self.display = display
        self.stop = stop
        self.is_begun = False
        self._pairs, self._caveat = "", ""

    def show(self, event: "Event") -> "Finished | None":
        """Show an event; the last one is returned."""
        from closedbook.training.events import Asked, Doing, Done, Ending, Evaluated, Finished, Note, Started
        from closedbook.training.trainer import StepReport

        if not isinstance(event, Doing):
            self.stop.waits = self.is_begun
        match event:
            case Doing():
                self.is_begun |= not event.can_stop
                self.stop.waits = not event.can_stop
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
            case Ending():
                if not event.saves:
                    self.stop.number = 0  # nothing was saved here that could be gone on with
                if not self.stop.number:
                    self.stop.ignore()  # torchrun tells the other processes to end
            case Finished():
                self.view.end()
                say(f"{self.title}: {result_line(event, self._pairs, self.display.next)}", wraps=False)
                return event
        return None

    def _start(self, event: "Started") -> None:
        run = event.run
        self.is_begun = self.stop.waits = True
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
