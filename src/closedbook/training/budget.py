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


def in_minutes(minutes: float) -> str:
    """'1 minute', '0.8 minutes'."""
    return f"{minutes:g} minute{'s' * (minutes != 1)}"


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


@dataclass(frozen=True)
class Fit:
    """How many steps fit into a budget, and what was measured to find out; times are in seconds."""

    budget: Budget
    n_steps: int
    reading: float
    timing: float
    left: float
    per_step: float

    @property
    def used(self) -> str:
        """What was done before the first step, in words."""
        return f"reading took {self.reading:.0f} s and timing {self.timing:.0f} s"

    @property
    def note(self) -> str:
        """The figures, to show the user."""
        fits = f"{self.n_steps:,} steps fit into the {self.left:.0f} s that are left"
        return f"budget: of {self.budget.seconds:.0f} s {self.used}; {fits}"

    @property
    def refusal(self) -> str:
        """Why the budget is too small, and one that is enough."""
        fit = "1 step fits" if self.n_steps == 1 else f"{self.n_steps} steps fit"
        return (
            f"budget of {in_minutes(self.budget.minutes)}: {MIN_STEPS} steps and a quarter of it must be left after "
            f"reading; {self.used}, so that {fit}; give {in_minutes(self.minutes_for(MIN_STEPS))} or more"
        )

    def minutes_for(self, n_steps: int) -> float:
        """A budget for `n_steps` steps, of which MIN_SHARE is left after reading, rounded up to a tenth of a minute."""
        steps = self.budget.seconds - self.left + n_steps * self.per_step / _SAFE_SHARE
        # A tenth more, since no two readings take the same time.
        return math.ceil(1.1 * max(steps, self.reading / (1 - MIN_SHARE)) / 6) / 10


def fitted(prepared: Prepared, budget: Budget) -> tuple[Prepared, Fit]:
    """The same with as many steps as fit, found by timing some on a copy of the model; and how they were fitted.

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
    fit = Fit(budget, n_steps, seconds_read, seconds_timed, seconds_left, seconds_per_step)
    if n_steps < MIN_STEPS or seconds_read > (1 - MIN_SHARE) * budget.seconds:
        raise InputError(fit.refusal)
    return replace(prepared, plan=prepared.plan.with_steps(n_steps)), fit


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
