"""What happens while a run trains, as values to show."""

from dataclasses import dataclass

from closedbook.evaluation.score import Score
from closedbook.storage.run import Run
from closedbook.training.trainer import StepReport


@dataclass(frozen=True)
class Note:
    """A sentence for the user."""

    text: str


@dataclass(frozen=True)
class Started:
    """Training starts, or continues after `step`."""

    run: Run
    n_parameters: int
    step: int
    n_steps: int


@dataclass(frozen=True)
class Evaluated:
    """How the model does on the validation pairs after `epoch` epochs; losses are in nats per supervised character.

    `seen_text_loss` is of documents that are trained on, about the people whom the pairs ask about, with masks that
    training never draws; None where no text is trained on or no document is found. `validation_pairs_loss` is of the
    pairs themselves, which are never trained on; self-study trains on the reader's answers to the same questions.
    """

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
class Finished:
    """Training has finished, `seconds` after it started or continued."""

    run: Run
    seconds: float


Event = Note | Started | StepReport | Evaluated | Asked | Saved | Finished
