"""The experiments by name: how each is run, and how its result is drawn."""

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
    """What every experiment returns: a frozen dataclass with these members."""

    @property
    def config(self) -> LabConfig:
        """The configuration it was run with."""

    def message(self) -> str:
        """The result in one sentence."""

    def rows(self) -> tuple[Row, ...]:
        """The table of theory and simulation."""

    def notes(self) -> tuple[str, ...]:
        """Lines to print under the table."""


@dataclass(frozen=True)
class Experiment:
    """One experiment; `run` takes its configuration from `config.CONFIGS`, `draw` takes its result."""

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
