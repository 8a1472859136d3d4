"""The live display of a run: a bar on a terminal, about ten plain lines elsewhere."""

import time
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TextColumn

from closedbook.progress.console import console, say

if TYPE_CHECKING:
    from closedbook.training.trainer import StepReport

_N_LINES = 10
"""About how many progress lines and accuracies a run shows, however long it is."""
_SECONDS_APART = 1.0
"""Progress lines of a short run are no closer than this."""
# The loss of single steps is noisy; this averages over about 50 of them.
_SMOOTHING = 0.98
_A_YEAR = 365 * 86400.0
_WIDE, _MEDIUM = 100, 64
"""Columns that a terminal needs to show all figures, or all but the speed."""


class View:
    """What is shown of one run, updated at each step; all accuracies with `shows_all`."""

    def __init__(self, title: str, *, shows_all: bool = False) -> None:
        self.title = title
        self.shows_all = shows_all
        self.is_live = console.is_terminal
        self.bar = Progress(
            TextColumn("{task.description}", markup=False),
            # No colours: rich's own bar is red, which means an error, and others are hard to read on some background.
            BarColumn(24, style="dim", complete_style="bold", finished_style="bold", pulse_style="dim"),
            TextColumn("{task.fields[count]}", markup=False),
            TextColumn("{task.fields[text]}", markup=False),
            console=console,
            disable=not self.is_live,
            transient=True,
        )
        self.task = self.bar.add_task(title, total=None, count="", text="")
        self.loss: float | None = None
        self.begin = self.shown_at = time.monotonic()
        self.first_step, self.n_steps = 0, 1
        self.n_characters = 0
        self.last: StepReport | None = None
        self._tenth_of_step = self._tenth_of_accuracy = 0

    def __enter__(self) -> "View":
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def doing(self, text: str) -> None:
        """Show what is being done besides steps, on a terminal alone."""
        self.bar.update(self.task, description=f"{text} ...")

    def start(self, step: int, n_steps: int) -> None:
        """Training begins after `step`."""
        self.first_step, self.n_steps = step, n_steps
        self._tenth_of_step = self._tenth(step)
        self.begin = self.shown_at = time.monotonic()
        self.bar.update(self.task, description=self.title, total=n_steps, completed=step, count=self._count(step))

    def step(self, report: "StepReport") -> None:
        """Show one step."""
        self.last = report
        n_done = report.step - self.first_step
        # A plain mean at first, then an exponential one.
        kept = min(_SMOOTHING, (n_done - 1) / n_done)
        self.loss = report.loss if self.loss is None else kept * self.loss + (1 - kept) * report.loss
        self.n_characters += report.n_characters
        count, text = self._count(report.step), self._text(report)
        self.bar.update(self.task, description=self.title, completed=report.step, count=count, text=text)
        if not self.is_live and self._is_due(report.step):
            say(f"{self.title}: step {report.step:,} of {report.n_steps:,}, {self._text(report)}")

    def end(self) -> None:
        """Show the last step, where there is no bar that does."""
        if self.last is not None:
            say(f"{self.title}: step {self.last.step:,} of {self.last.n_steps:,}, loss {self.loss:.3f}")

    def is_due_for_accuracy(self, step: int) -> bool:
        """Whether an accuracy after `step` steps is shown: the first, the last, and about ten between them."""
        before, self._tenth_of_accuracy = self._tenth_of_accuracy, self._tenth(step)
        return self.shows_all or step == self.first_step or step == self.n_steps or self._tenth(step) > before

    def _is_due(self, step: int) -> bool:
        """Whether a plain line is due: the last one is said by `end`."""
        tenth, now = self._tenth(step), time.monotonic()
        if step == self.n_steps or tenth == self._tenth_of_step or now - self.shown_at < _SECONDS_APART:
            return False
        self._tenth_of_step, self.shown_at = tenth, now
        return True

    def _count(self, step: int) -> str:
        return f"{step:,}/{self.n_steps:,}"

    def _tenth(self, step: int) -> int:
        return step * _N_LINES // self.n_steps

    def _text(self, report: "StepReport") -> str:
        """Loss, speed and time of the end, as far as a terminal has columns for them."""
        elapsed = time.monotonic() - self.begin
        left = elapsed / (report.step - self.first_step) * (report.n_steps - report.step)
        loss, end = f"loss {self.loss:.3f}", f"ends {clock(left)}"
        speed = f"{self.n_characters / max(elapsed, 1e-9):,.0f} characters/s"
        if not self.is_live or console.width >= _WIDE:
            return f"{loss}, {speed}, {end}"
        return f"{loss}, {end}" if console.width >= _MEDIUM else end


def clock(seconds_from_now: float) -> str:
    """The time of day in so many seconds, and in how many days if that is not today; in years, where it takes years."""
    if seconds_from_now > _A_YEAR:
        return f"in {seconds_from_now / _A_YEAR:,.0f} years"
    then = time.localtime(time.time() + seconds_from_now)
    n_days = (
        time.mktime((*then[:3], 0, 0, 0, 0, 0, -1)) - time.mktime((*time.localtime()[:3], 0, 0, 0, 0, 0, -1))
    ) / 86400
    return time.strftime("%H:%M", then) + (f" in {n_days:.0f} days" if n_days >= 1 else "")
