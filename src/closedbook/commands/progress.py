"""Progress on standard error: a live bar on a terminal, plain lines elsewhere. Prints for cli.py alone.

Imports no torch, since `--help` and bad arguments must answer at once.
"""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from closedbook.commands.duration import duration
from closedbook.commands.loss_in_words import meaning
from closedbook.recipe.recipe_file import Rows

if TYPE_CHECKING:
    from closedbook.training.events import Event, Finished
    from closedbook.training.trainer import StepReport

PLAIN_EVERY_SECONDS = 10.0
# A single step's loss jumps about; this follows it over about 50 steps.
_SMOOTHING = 0.98

console = Console(stderr=True, soft_wrap=True, highlight=False, emoji=False)


class Interrupted(Exception):
    """Its user stopped a run, which has been saved."""


def be_quiet() -> None:
    """Show nothing from now on."""
    console.quiet = True


def say(text: str) -> None:
    """One line, as it is."""
    console.print(text, markup=False)


def show_recipe(rows: Rows) -> None:
    """Each number with where it came from."""
    lines = [("recipe", "value", "from"), *rows]
    # Not rich's table, which cuts what is wider than its console.
    key_width, value_width = (max(len(line[column]) for line in lines) for column in (0, 1))
    for key, value, source in lines:
        say(f"{key:<{key_width}}  {value:<{value_width}}  {source}")


def follow(title: str, events: "Iterator[Event]", rows: Rows | None = None) -> "Finished":
    """Show a run's events as they come, to the last; raises Interrupted where its user stops it.

    `rows` are the recipe's, shown once all that was given has been found good.

    Ctrl-C, or a polite kill, waits for the step in progress, so that what is saved is whole.
    """
    from closedbook.training.events import Evaluated, Finished, Note, Started
    from closedbook.training.trainer import StepReport

    view = _View(title)
    is_begun = False  # before that there is nothing to save, and nothing to go on with
    with _stop_politely() as stop, view:
        for event in events:
            if isinstance(event, Note):
                say(f"note: {event.text}")
            elif isinstance(event, Started):
                run = event.run
                learns_all = run.info.kind == "pretrain" and run.recipe.corruption.supervised == "all"
                view.start(event.step, event.n_steps, means_something=learns_all)
                if rows:
                    show_recipe(rows)
                say(
                    f"{title}: {event.run.recipe.model.variant}, {event.n_parameters:,} parameters, "
                    f"{event.run.info.precision}, steps {event.step + 1:,} to {event.n_steps:,}"
                )
            elif isinstance(event, StepReport):
                view.step(event)
            elif isinstance(event, Evaluated):
                say(f"{title}: after epoch {event.epoch}, held-out accuracy {event.score}")
            elif isinstance(event, Finished):
                view.end()
                say(f"{title}: done in {duration(event.seconds)}, in {event.run.path}")
                return event
            is_begun = is_begun or isinstance(event, Started)
            if stop:
                events.close()  # type: ignore[attr-defined]  # every generator has it
                raise Interrupted if is_begun else KeyboardInterrupt
    raise AssertionError("a run's last event is Finished")


class _View:
    """The state of the display of one run."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.is_live = console.is_terminal
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[text]}"),
            console=console,
            disable=not self.is_live,
        )
        self.task = self.bar.add_task(title, total=None, text="")
        self.loss: float | None = None
        self.begin = self.shown_at = time.monotonic()
        self.first_step = 0
        self.n_characters = 0
        self.last: StepReport | None = None
        self.said = ""
        self.means_something = False  # the sentences are about a loss of all characters, not of answers alone

    def __enter__(self) -> "_View":
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def start(self, step: int, n_steps: int, *, means_something: bool) -> None:
        self.means_something = means_something
        self.first_step = step
        self.begin = self.shown_at = time.monotonic()
        self.bar.update(self.task, total=n_steps, completed=step)

    def step(self, report: "StepReport") -> None:
        self.last = report
        n_done = report.step - self.first_step
        # The average of the first steps is over fewer of them.
        kept = min(_SMOOTHING, (n_done - 1) / n_done)
        self.loss = report.loss if self.loss is None else kept * self.loss + (1 - kept) * report.loss
        self.n_characters += report.n_characters
        self.bar.update(self.task, completed=report.step, text=self.text(report))
        self.say_meaning(n_done)
        if not self.is_live and time.monotonic() - self.shown_at >= PLAIN_EVERY_SECONDS:
            self.shown_at = time.monotonic()
            say(f"{self.title}: step {report.step:,} of {report.n_steps:,}, {self.text(report)}")

    def text(self, report: "StepReport") -> str:
        elapsed = time.monotonic() - self.begin
        left = elapsed / (report.step - self.first_step) * (report.n_steps - report.step)
        return f"loss {self.loss:.3f}, {self.n_characters / max(elapsed, 1e-9):,.0f} characters/s, ends {clock(left)}"

    def say_meaning(self, n_done: int) -> None:
        if n_done < 20 or self.loss is None or not self.means_something:
            return
        sentence = meaning(self.loss)
        if sentence != self.said:
            self.said = sentence
            say(f"{self.title}: loss {self.loss:.1f}: {sentence}")

    def end(self) -> None:
        if self.last is not None and not self.is_live:
            say(f"{self.title}: step {self.last.step:,} of {self.last.n_steps:,}, loss {self.loss:.3f}")


@contextmanager
def _stop_politely() -> Iterator[list[int]]:
    """A list that is empty until a signal asks to stop; a second signal stops at once."""
    asked: list[int] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        say("stopping after this step; once more to stop at once")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def clock(seconds_from_now: float) -> str:
    """The time of day, and the days till then if it is not today."""
    then = time.localtime(time.time() + seconds_from_now)
    n_days = (
        time.mktime((*then[:3], 0, 0, 0, 0, 0, -1)) - time.mktime((*time.localtime()[:3], 0, 0, 0, 0, 0, -1))
    ) / 86400
    return time.strftime("%H:%M", then) + (f" in {n_days:.0f} days" if n_days >= 1 else "")


def out(line: str) -> None:
    """A line of results, on standard output."""
    if console.quiet:
        return
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
