"""The commands that train: pretrain, study, finetune, demo, and the assignment's targets.

What needs torch is imported inside the command that needs it, so that help and bad arguments answer at once.
"""

import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from closedbook.assignment.targets import TARGETS, TargetOptions
from closedbook.commands.options import DemoOptions, FinetuneOptions, PretrainOptions, StudyOptions
from closedbook.commands.program import program
from closedbook.commands.recipe_options import (
    TrainOptions,
    check_budget,
    check_growth,
    is_length_given,
    is_recipe_given,
    recipe_of,
)
from closedbook.errors import InputError
from closedbook.progress.console import out, say, waiting
from closedbook.progress.follow import Display, follow
from closedbook.progress.stop import Interrupted, Stopped
from closedbook.recipe.rows import Rows

if TYPE_CHECKING:
    from closedbook.forms.corpus import Texts
    from closedbook.training.checkpointing import Saving
    from closedbook.training.events import Event, Finished


def pretrain(options: PretrainOptions) -> None:
    """`closedbook pretrain`."""
    with waiting("starting"):
        from closedbook.training import stages

    recipe, rows = recipe_of(options, "pretrain", ("model", "corruption", "pretrain"))
    events = stages.pretrain(_texts(options), recipe, _saving(options), pairs_path=options.pairs, dev_path=options.dev)
    follow("pretrain", events, _display(options, rows, is_asked_next=options.pairs is not None))
    out(str(options.out))


def study(options: StudyOptions) -> None:
    """`closedbook study`."""
    with waiting("starting"):
        from closedbook.api.study import study_events
        from closedbook.training import stages
        from closedbook.training.budget import Budget

    begin = time.monotonic()
    stage = "study" if options.setting == "self-study" else "pretrain"
    check_budget(options, stage)
    if options.parent is not None:
        check_growth(options)
    recipe, rows = recipe_of(options, stage, ("model", "corruption", stage))
    budget = None if options.budget is None else Budget(options.budget, begin)
    if options.parent is not None:
        events = stages.grow(
            options.parent,
            _texts(options),
            _saving(options),
            pairs_path=options.pairs,
            dev_path=options.dev,
            budget=budget,
            recipe=recipe,
            length_is_given=is_length_given(options),
        )
    else:
        assert options.pairs is not None, "read_words asks for it"
        saving, setting = _saving(options), options.setting
        events = study_events(
            _texts(options), options.pairs, recipe, saving, setting=setting, dev=options.dev, budget=budget
        )
    follow("study", events, _display(options, rows))
    out(str(options.out))
    if "track" in options.given:
        say(f"note: --track is deprecated; write --setting {options.setting}")


def finetune(options: FinetuneOptions) -> None:
    """`closedbook finetune`."""
    with waiting("starting"):
        from closedbook.training import stages

    stage = "scratch" if options.parent is None else "finetune"
    recipe, rows = recipe_of(options, stage, (stage,) if options.parent else ("model", stage))
    if options.parent is not None and options.corpus is not None and not recipe.finetune.replay:
        raise InputError(
            "finetune: --from RUN has its own vocabulary, so --corpus is of use only with --finetune.replay; leave out "
            "--corpus"
        )
    events = stages.finetune(
        options.pairs,
        recipe,
        _saving(options),
        parent_path=options.parent,
        corpus_path=options.corpus,
        dev_path=options.dev,
    )
    follow("finetune", events, _display(options, rows))
    out(str(options.out))


def demo(options: DemoOptions) -> None:
    """`closedbook demo`."""
    with _resumable(lambda: options.out.exists()):
        from closedbook.demo.run import run_demo

        has_memory = options.yes_i_have_the_memory
        for line in run_demo(
            options.out, options.seed, options.size, program(), _follow_with_rows, may_exceed_memory=has_memory
        ):
            out(line)


def target(name: str, options: TargetOptions) -> None:
    """One of the assignment's targets."""
    TARGETS[name].check(options, program())

    def shown(title: str, events: "Iterator[Event]", rows: Rows) -> "Finished":
        return follow(title, events, Display(rows, is_verbose=options.verbose), goes_on=True)

    with _resumable(lambda: TARGETS[name].action != "evaluate" and TARGETS[name].run_path(options.out).exists()):
        from closedbook.assignment.run import run_target

        for line in run_target(name, options, shown):
            out(line)


def _follow_with_rows(title: str, events: "Iterator[Event]", rows: Rows) -> "Finished":
    return follow(title, events, Display(rows), goes_on=True)


@contextmanager
def _resumable(is_begun: Callable[[], bool]) -> Iterator[None]:
    """A command that does more than to train a run can be resumed where it is interrupted after it has begun."""
    try:
        yield
    except Stopped as stop:
        if is_begun():
            raise Interrupted(stop.number) from None
        raise


def _display(options: TrainOptions, rows: Rows, *, is_asked_next: bool = True) -> Display:
    """What is shown of a run besides its events: the recipe, where to see all of it, and what to type next."""
    run = shlex.quote(f"./{options.out}" if str(options.out).startswith("-") else str(options.out))
    then = f"{program()} ask {run}" if is_asked_next else f"{program()} finetune PAIRS --from {run}"
    return Display(rows, f"{program()} inspect {run}", then, options.verbose)


def _texts(options: PretrainOptions | StudyOptions) -> "Texts":
    from closedbook.forms.corpus import Texts

    return Texts(options.corpus, options.title_column, options.encoding)


def _saving(options: TrainOptions) -> "Saving":
    from closedbook.training.checkpointing import Saving

    return Saving(
        options.out,
        options.resume,
        options.save_every,
        recipe_is_given=is_recipe_given(options),
        may_exceed_memory=options.yes_i_have_the_memory,
    )
