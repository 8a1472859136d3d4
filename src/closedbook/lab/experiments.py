"""The experiments by name: what each takes, how it runs, how it is drawn."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from closedbook.lab import averaging, copying, fragility, heads, noise, positions, projections
from closedbook.lab.config import LabConfig
from closedbook.lab.estimate import Row
from closedbook.lab.figures import averaging as averaging_figures
from closedbook.lab.figures import copying as copying_figures
from closedbook.lab.figures import fragility as fragility_figures
from closedbook.lab.figures import heads as heads_figures
from closedbook.lab.figures import noise as noise_figures
from closedbook.lab.figures import positions as positions_figures
from closedbook.lab.figures import projections as projections_figures
from closedbook.lab.figures.style import Figures


class Result(Protocol):
    """What every experiment gives: a frozen dataclass, besides."""

    @property
    def config(self) -> LabConfig:
        """What it was asked."""

    def rows(self) -> tuple[Row, ...]:
        """Theory beside simulation."""

    def notes(self) -> tuple[str, ...]:
        """What the table cannot say."""


@dataclass(frozen=True)
class Experiment:
    """One experiment; `run` takes the config that `config.CONFIGS` has under its name."""

    run: Callable[[Any], Result]
    draw: Callable[[Any], Figures]


EXPERIMENTS: dict[str, Experiment] = {
    "copying": Experiment(copying.run, copying_figures.draw),
    "averaging": Experiment(averaging.run, averaging_figures.draw),
    "noise": Experiment(noise.run, noise_figures.draw),
    "fragility": Experiment(fragility.run, fragility_figures.draw),
    "heads": Experiment(heads.run, heads_figures.draw),
    "projections": Experiment(projections.run, projections_figures.draw),
    "positions": Experiment(positions.run, positions_figures.draw),
}
