"""What happens while a run trains, as values to show."""

from dataclasses import dataclass

from closedbook.evaluation.score import Score
from closedbook.storage.run import Run
from closedbook.training.trainer import StepReport


@dataclass(frozen=True)
class Note:
    """A sentence for the user; a `Detail` is for those who want to see all."""

    text: str


@dataclass(frozen=True)
class Doing:
    """What is being done until the next event, besides steps.

    It can be stopped at any moment (KeyboardInterrupt) where it changes nothing of the run.
    """

    text: str
    can_stop: bool = True


@dataclass(frozen=True)
class Done:
    """What was done before training starts, in a line."""

    text: str


@dataclass(frozen=True)
class Started:
    """Training starts, or continues after `step`."""

    run: Run
    n_parameters: int
    n_table_parameters: int
    step: int
    n_steps: int


@dataclass(frozen=True)
class Evaluated:
    """How the model does on the validation pairs after `step` steps; losses are in nats per supervised character.

    `seen_text_loss` is of documents that are trained on, about the people whom the pairs ask about, with masks that
    training never draws; None where no text is trained on or no document is found. `validation_pairs_loss` is of the
    pairs themselves, which are never trained on; self-study trains on the reader's answers to the same questions.
    """

    step: int
    epoch: int
    score: Score
    seen_text_loss: float | None
    validation_pairs_loss: float


@dataclass(frozen=True)
class Asked:
    """After `epoch` epochs the model asked itself, in `seconds`, and learns `n_learned` of its answers from then on."""

    epoch: int
    n_learned: int
    seconds: float


@dataclass(frozen=True)
class Saved:
    """A checkpoint was saved after `step`."""

    step: int


@dataclass(frozen=True)
class Ending:
    """Another process of the training has ended; now the last step is saved, if this process `saves`, and all end."""

    saves: bool


@dataclass(frozen=True)
class Finished:
    """Training has finished, `seconds` after it started or continued.

    `score` is the accuracy of the weights that were kept on the validation pairs; None where there were none.
    """

    run: Run
    seconds: float
    score: Score | None = None


Event = Note | Doing | Done | Started | StepReport | Evaluated | Asked | Saved | Ending | Finished
