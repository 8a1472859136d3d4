"""How many lines a run shows where there is no terminal."""

import pytest

from closedbook.progress.view import View
from closedbook.training.trainer import StepReport


@pytest.fixture
def view(monkeypatch: pytest.MonkeyPatch) -> View:
    """The view of a run whose steps may follow one another at once."""
    monkeypatch.setattr("closedbook.progress.view._SECONDS_APART", 0.0)
    return View("study")


def report(step: int, n_steps: int) -> StepReport:
    """A step of a run."""
    return StepReport(step, n_steps, 0, False, 1.0, 7, 11, 0.1, 1.0, 0.01)


@pytest.mark.parametrize(("n_steps", "n_lines"), [(1, 1), (4, 4), (10, 10), (23, 10), (5000, 10)])
def test_a_run_has_about_ten_progress_lines_whatever_its_length(
    view: View, capsys: pytest.CaptureFixture[str], n_steps: int, n_lines: int
):
    """One for each tenth of the steps, the last of them at the end."""
    view.start(0, n_steps)
    for step in range(1, n_steps + 1):
        view.step(report(step, n_steps))
    view.end()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == n_lines
    assert lines[-1] == f"study: step {n_steps:,} of {n_steps:,}, loss 1.000"


def test_a_resumed_run_shows_the_tenths_that_are_left(view: View, capsys: pytest.CaptureFixture[str]):
    """After 700 of 1,000 steps there are those at 800 and 900, and the end."""
    view.start(700, 1000)
    for step in range(701, 1001):
        view.step(report(step, 1000))
    view.end()
    assert len(capsys.readouterr().err.splitlines()) == 3


def test_accuracies_are_about_ten_too(view: View):
    """Of 650 epochs the first and the last evaluation are shown, and about ten between them."""
    view.start(0, 6500)
    shown = [step for step in range(0, 6501, 10) if view.is_due_for_accuracy(step)]
    assert (shown[0], shown[-1], len(shown)) == (0, 6500, 11)


def test_all_accuracies_are_shown_to_those_who_ask_for_all():
    """With --verbose every evaluation has its line."""
    view = View("study", shows_all=True)
    view.start(0, 6500)
    assert all(view.is_due_for_accuracy(step) for step in range(0, 6501, 10))
