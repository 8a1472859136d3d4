"""grow: a run learns another text too."""

import time
from collections.abc import Sequence
from os import PathLike

from closedbook.api.run import Run
from closedbook.api.study import check_training, followed, path_of, texts_of
from closedbook.training.budget import Budget
from closedbook.training.checkpointing import Saving
from closedbook.training.stages import grow as grow_events


def grow(
    run: Run | str | PathLike[str],
    corpus: str | PathLike[str] | Sequence[str | PathLike[str]],
    out: str | PathLike[str],
    *,
    pairs: str | PathLike[str] | None = None,
    budget_minutes: float | None = None,
    dev: str | PathLike[str] | None = None,
    resume: bool = False,
    progress: bool = True,
    yes_i_have_the_memory: bool = False,
) -> Run:
    """A new run in the folder `out` that has learned the documents of `corpus` too, and has not forgotten the old ones.

    `run` was studied in self-study. `pairs` are more training pairs; without them the reader asks about new documents
    what the old pairs ask. It takes about a tenth of the time of a new run over everything, or `budget_minutes`. The
    other arguments are those of `study`.

    An interruption (Ctrl-C) saves the run and raises KeyboardInterrupt. Raises InputError for faults in what was given.
    """
    begin, folder = time.monotonic(), path_of("out", out)
    check_training(budget_minutes, folder, resume)
    events = grow_events(
        run.path if isinstance(run, Run) else path_of("run", run),
        texts_of(corpus),
        Saving(folder, resume, recipe_is_given=False, may_exceed_memory=yes_i_have_the_memory),
        pairs_path=None if pairs is None else path_of("pairs", pairs),
        dev_path=None if dev is None else path_of("dev", dev),
        budget=None if budget_minutes is None else Budget(float(budget_minutes), begin),
    )
    return followed(events, folder, progress)
