"""Follow a run: show its events as they come, and stop it between two steps when its user asks for that.

Imports no torch, since `--help` and bad arguments must answer at once.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from closedbook.progress.console import say
from closedbook.progress.duration import duration
from closedbook.progress.view import View
from closedbook.recipe.rows import Rows

if TYPE_CHECKING:
    from closedbook.storage.run import Run
    from closedbook.training.events import Evaluated, Event, Finished, Started


class Interrupted(Exception):
    """The user stopped a run, which has been saved."""


def follow(title: str, events: "Iterator[Event]", rows: Rows | None = None) -> "Finished":
    """Show a run's events until it has finished; raises Interrupted where its user stops it.

    `rows` are the recipe's, shown once everything that was given has been checked. Ctrl-C and SIGTERM wait for the
    step in progress, so that the run can be saved.
    """
    from closedbook.training.events import Asked, Evaluated, Finished, Note, Started
    from closedbook.training.trainer import StepReport

    view = View(title)
    pairs, caveat = "", ""
    is_started = False  # Before that there is nothing to save and nothing to resume.
    with _stop_politely() as stop, view:
        for event in events:
            match event:
                case Note():
                    say(f"note: {event.text}")
                case Started():
                    is_started = True
                    pairs = "validation" if event.run.recipe.validation_split else "dev"
                    caveat = _caveat(event.run)
                    _show_start(title, view, event, rows)
                case StepReport():
                    view.step(event)
                case Asked():
                    say(f"{title}: after epoch {event.epoch} it asked itself, and learns {event.n_learned:,} answers")
                case Evaluated():
                    say(f"{title}: {pairs} accuracy {event.score} after epoch {event.epoch}; {_losses(event)}{caveat}")
                    caveat = ""  # said once
                case Finished():
                    view.end()
                    say(f"{title}: done in {duration(event.seconds)}, in {event.run.path}")
                    return event
            if stop:
                events.close()  # type: ignore[attr-defined]  # every generator has it
                raise Interrupted if is_started else KeyboardInterrupt
    raise AssertionError("a run's last event is Finished")


def _show_start(title: str, view: View, event: "Started", rows: Rows | None) -> None:
    run = event.run
    learns_all = run.info.kind == "pretrain" and run.recipe.corruption.supervised == "all"
    view.start(event.step, event.n_steps, explains_loss=learns_all)
    if rows:
        _show_recipe(rows)
    say(
        f"{title}: {run.recipe.model.variant}, {event.n_parameters:,} parameters, "
        f"{run.info.precision}, steps {event.step + 1:,} to {event.n_steps:,}"
    )


def _show_recipe(rows: Rows) -> None:
    """Each hyperparameter and where it came from."""
    lines = [("recipe", "value", "from"), *rows]
    # Not rich's table, which cuts off what is wider than the terminal.
    key_width, value_width = (max(len(line[column]) for line in lines) for column in (0, 1))
    for key, value, source in lines:
        say(f"{key:<{key_width}}  {value:<{value_width}}  {source}")


def _losses(event: "Evaluated") -> str:
    """The losses of an evaluation, in nats per character."""
    seen = "" if event.seen_text_loss is None else f", of text under new masks {event.seen_text_loss:.3f}"
    return f"loss {event.validation_pairs_loss:.3f}{seen}"


def _caveat(run: "Run") -> str:
    """What accuracy during training is not, where others than the pairs answered these questions."""
    from closedbook.evaluation.setting import setting_of

    who = {"self-study": "the reader", "asking": "the model"}.get(setting_of(run))
    return f" ({who} answered these questions, and its answers are trained on)" if who else ""


@contextmanager
def _stop_politely() -> Iterator[list[int]]:
    """A list that stays empty until a signal asks to stop; a second signal stops at once."""
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield asked  # Python gives signals to the main thread alone.
        return

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
