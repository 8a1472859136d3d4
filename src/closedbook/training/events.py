"""What happens while a run trains, as values to show."""

from dataclasses import dataclass

from closedbook.evaluation.score import Score
from closedbook.storage.run import Run
from closedbook.training.trainer import StepReport


@dataclass(frozen=True)
class Note:
    """Something to be told."""

    text: str


@dataclass(frozen=True)
class Started:
    """A run begins, or goes on behind `step`."""

    run: Run
    n_parameters: int
    step: int
    n_steps: int


@dataclass(frozen=True)
class Evaluated:
    """Accuracy on the dev pairs after so many epochs."""

    epoch: int
    score: Score


@dataclass(frozen=True)
class Saved:
    """A checkpoint."""

    step: int


@dataclass(frozen=True)
class Finished:
    """A run came to its end."""

    run: Run
    seconds: float


Event = Note | Started | StepReport | Evaluated | Saved | Finished
