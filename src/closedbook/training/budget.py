"""Budget: as many steps as fit into the minutes that a run was given."""

import math
import statistics
import time
from copy import deepcopy
from dataclasses import dataclass, field, replace

from closedbook.errors import InputError
from closedbook.recipe.recipe import check_budget_minutes
from closedbook.training.device import make_fabric
from closedbook.training.prepared import Prepared
from closedbook.training.rounds import n_rounds, seconds_per_round

MIN_STEPS = 50
MIN_SHARE = 0.25
"""A budget must leave time for this many steps, and this share of it for all that follows reading."""

# Later steps were up to a fifth slower than those that are timed.
_SAFE_SHARE = 0.85
# The first steps are slower than all later ones: memory is allocated, and kernels are compiled.
_N_WARM_UP = 2


@dataclass(frozen=True)
class Budget:
    """Minutes from `begin`, a time of time.monotonic(), to the last step: reading and timing count too."""

    minutes: float
    begin: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        check_budget_minutes(self.minutes, "--budget", "--budget 2")

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.minutes * 60

    @property
    def seconds_used(self) -> float:
        """Up to now."""
        return time.monotonic() - self.begin


def fitted(prepared: Prepared, budget: Budget) -> tuple[Prepared, str]:
    """The same with as many steps as fit, found by timing some on a copy of the model; and a note to show the user.

    Raises InputError where too little of the budget is left, naming a budget that is enough.
    """
    seconds_read = budget.seconds_used
    seconds_per_step = _seconds_per_step(prepared)
    asking = prepared.examples.asking
    per_round = 0.0 if asking is None else seconds_per_round(asking, prepared.model)
    # One process decides for all, since each has a clock of its own.
    times = (seconds_read, budget.seconds_used - seconds_read, seconds_per_step, per_round)
    seconds_read, seconds_timed, seconds_per_step, per_round = make_fabric(prepared.plan.precision).broadcast(times)
    seconds_left = budget.seconds - seconds_read - seconds_timed
    seconds_left -= per_round * _most_rounds(prepared, seconds_left / seconds_per_step)
    n_steps = max(0, int(_SAFE_SHARE * seconds_left / seconds_per_step))
    used = f"reading took {seconds_read:.0f} s and timing {seconds_timed:.0f} s"
    if n_steps < MIN_STEPS or seconds_read > (1 - MIN_SHARE) * budget.seconds:
        for_steps = seconds_read + seconds_timed + MIN_STEPS * seconds_per_step / _SAFE_SHARE
        # A tenth more, since no two readings take the same time; rounded up to a tenth of a minute.
        needed = math.ceil(1.1 * max(for_steps, seconds_read / (1 - MIN_SHARE)) / 6) / 10
        raise InputError(
            f"budget of {budget.minutes:g} minutes: {MIN_STEPS} steps and a quarter of it must be left after reading; "
            f"{used}, so that {n_steps} steps fit; give {needed:g} minutes or more"
        )
    note = (
        f"budget: of {budget.seconds:.0f} s {used}; {n_steps:,} steps fit into the {seconds_left:.0f} s that are left"
    )
    return replace(prepared, plan=prepared.plan.with_steps(n_steps)), note


def _most_rounds(prepared: Prepared, n_steps: float) -> int:
    """How many rounds `n_steps` steps have, in which the model asks itself."""
    steps_per_epoch = -(-len(prepared.examples.dataset) // prepared.plan.stage.batch_size)
    return n_rounds(1 + int(n_steps / steps_per_epoch))


def _seconds_per_step(prepared: Prepared) -> float:
    # The batches of a window are all drawn by its first step.
    n_timed = max(8, prepared.plan.stage.sort_window)
    plan = prepared.plan.with_steps(_N_WARM_UP + n_timed)
    trial = replace(prepared, plan=plan, model=deepcopy(prepared.model)).trainer()
    seconds = [report.seconds for report in trial.run()]
    return statistics.fmean(seconds[_N_WARM_UP:])
