"""What is said of a run: its recipe in a line, an evaluation, and the result."""

import re
from typing import TYPE_CHECKING

from closedbook.progress.duration import duration
from closedbook.recipe.rows import Rows

if TYPE_CHECKING:
    from closedbook.storage.run import Run
    from closedbook.training.events import Evaluated, Finished, Started

_MOST_NAMED = 3


def recipe_line(event: "Started", rows: Rows, inspect: str) -> str:
    """The recipe's name, the model's size and precision, and the command that shows the rest."""
    parts = [_name(rows)]
    if event.run.recipe.model.variant != "vanilla":
        parts.append(event.run.recipe.model.variant)
    parts.append(f"{_amount(event.n_parameters)} parameters")
    if event.n_table_parameters:
        parts.append(f"{event.n_table_parameters / event.n_parameters:.0%} of them in tables")
    parts.append(event.run.info.precision)
    return f"recipe: {', '.join(parts)}" + (f"; {inspect} shows all" if inspect else "")


def _name(rows: Rows) -> str:
    """The name of a recipe by where its values came from, and the options that changed it."""
    sources = [source for _, _, source in rows]
    files = [found[1] for source in sources if (found := re.fullmatch(r"(.*), line \d+", source))]
    presets = [source.removeprefix("preset ") for source in sources if source.startswith("preset ")]
    flags = list(dict.fromkeys(source.removeprefix("flag ") for source in sources if source.startswith("flag ")))
    name = (files or presets or [""])[0]
    if len(flags) > _MOST_NAMED:
        return f"{name} with {len(flags)} options"
    return f"{name} with {' and '.join(flags)}" if flags else name


def _amount(n: int) -> str:
    return f"{n / 1e6:,.1f} million" if n >= 1_000_000 else f"{n:,}"


def accuracy_line(event: "Evaluated", pairs: str) -> str:
    """Accuracy and losses of an evaluation, in nats per character."""
    seen = "" if event.seen_text_loss is None else f", of text under new masks {event.seen_text_loss:.3f}"
    loss = f"loss {event.validation_pairs_loss:.3f}{seen}"
    return f"{pairs} accuracy {event.score} after epoch {event.epoch}; {loss}"


def caveat(run: "Run") -> str:
    """What accuracy during training is not, where others than the pairs answered these questions."""
    from closedbook.evaluation.setting import setting_of

    who = {"self-study": "the reader", "asking": "the model"}.get(setting_of(run))
    return f" ({who} answered these questions, and its answers are trained on)" if who else ""


def result_line(event: "Finished", pairs: str, then: str) -> str:
    """What came of a run and how long it took: accuracy, if questions were held out; and what to type next."""
    from closedbook.evaluation.calibration import load_calibration

    took, next_step = duration(event.seconds), f"; now: {then}" if then else f", in {event.run.path}"
    if event.score is not None:
        n_right, n, which = event.score.n_correct, event.score.n_questions, f"{pairs} questions"
    elif (calibration := load_calibration(event.run.path)) is not None:
        n_right, n = sum(item.is_right for item in calibration.held_out), len(calibration.held_out)
        which = "held-out questions"
    else:
        return f"done in {took}{next_step}"
    return f"{n_right:,} of {n:,} {which} right ({n_right / n:.1%}), {took}{next_step}"
