"""The live display of a run: a bar on a terminal, a plain line every ten seconds elsewhere."""

import time
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from closedbook.progress.console import console, say
from closedbook.progress.loss_in_words import meaning

if TYPE_CHECKING:
    from closedbook.training.trainer import StepReport

PLAIN_EVERY_SECONDS = 10.0
# The loss of single steps is noisy; this averages over about 50 of them.
_SMOOTHING = 0.98
_FIRST_MEANING = 20


class View:
    """What is shown of one run, updated at each step."""

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
        self.last_meaning = ""
        self.explains_loss = False

    def __enter__(self) -> "View":
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def start(self, step: int, n_steps: int, *, explains_loss: bool) -> None:
        """Training begins after `step`; `explains_loss` where the loss is of all characters, not of answers alone."""
        self.explains_loss = explains_loss
        self.first_step = step
        self.begin = self.shown_at = time.monotonic()
        self.bar.update(self.task, total=n_steps, completed=step)

    def step(self, report: "StepReport") -> None:
        """Show one step."""
        self.last = report
        n_done = report.step - self.first_step
        # A plain mean at first, then an exponential one.
        kept = min(_SMOOTHING, (n_done - 1) / n_done)
        self.loss = report.loss if self.loss is None else kept * self.loss + (1 - kept) * report.loss
        self.n_characters += report.n_characters
        self.bar.update(self.task, completed=report.step, text=self._text(report))
        if self.explains_loss and n_done >= _FIRST_MEANING:
            self._say_meaning(self.loss)
        if not self.is_live and time.monotonic() - self.shown_at >= PLAIN_EVERY_SECONDS:
            self.shown_at = time.monotonic()
            say(f"{self.title}: step {report.step:,} of {report.n_steps:,}, {self._text(report)}")

    def end(self) -> None:
        """Show the last step, where there is no bar that does."""
        if self.last is not None and not self.is_live:
            say(f"{self.title}: step {self.last.step:,} of {self.last.n_steps:,}, loss {self.loss:.3f}")

    def _text(self, report: "StepReport") -> str:
        elapsed = time.monotonic() - self.begin
        left = elapsed / (report.step - self.first_step) * (report.n_steps - report.step)
        return f"loss {self.loss:.3f}, {self.n_characters / max(elapsed, 1e-9):,.0f} characters/s, ends {clock(left)}"

    def _say_meaning(self, loss: float) -> None:
        sentence = meaning(loss)
        if sentence != self.last_meaning:
            self.last_meaning = sentence
            say(f"{self.title}: loss {loss:.1f}: {sentence}")


def clock(seconds_from_now: float) -> str:
    """The time of day in so many seconds, and in how many days if that is not today."""
    then = time.localtime(time.time() + seconds_from_now)
    n_days = (
        time.mktime((*then[:3], 0, 0, 0, 0, 0, -1)) - time.mktime((*time.localtime()[:3], 0, 0, 0, 0, 0, -1))
    ) / 86400
    return time.strftime("%H:%M", then) + (f" in {n_days:.0f} days" if n_days >= 1 else "")
