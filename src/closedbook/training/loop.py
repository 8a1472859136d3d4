"""The loop of training: steps, and what is done between them."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from closedbook.training.checkpointing import Checkpointer
from closedbook.training.device import give_back_memory
from closedbook.training.events import Doing, Event, Note
from closedbook.training.metrics import MetricsLog
from closedbook.training.rewinding import Rewinder
from closedbook.training.rounds import Rounds
from closedbook.training.trainer import Trainer
from closedbook.training.validation import Validation

_N_EVALUATIONS = 10


@dataclass(frozen=True)
class Loop:
    """The steps of a run that are left, with evaluations, rounds and checkpoints between them."""

    trainer: Trainer
    validation: Validation | None
    checkpointer: Checkpointer
    metrics: MetricsLog
    rounds: Rounds | None
    rewinder: Rewinder

    def steps(self, *, is_new: bool) -> Iterator[Event]:
        """Train until the last step, or until patience runs out; raises NotFinite where rewinding is off or no help."""
        yield from self.rewinder.around(self._steps, is_new=is_new)

    def _steps(self, *, is_new: bool) -> Iterator[Event]:
        trainer, checkpointer = self.trainer, self.checkpointer
        if is_new:
            yield from self._evaluate(0)
            self.rewinder.keep(is_first=True)
        if checkpointer.open_epoch is not None:
            yield from self._after_epoch(checkpointer.open_epoch)
        if checkpointer.is_out_of_patience:
            return
        for report in trainer.run():
            checkpointer.open_epoch = report.epoch if report.ends_epoch else None
            yield from map(Note, self.metrics.step(report))
            if report.ends_epoch:
                give_back_memory()
                trainer.check_weights()
                yield from self._after_epoch(report.epoch)
            yield from checkpointer.save_if_due()
            yield report
            if checkpointer.is_out_of_patience:
                return

    def _after_epoch(self, ended: int) -> Iterator[Event]:
        """Ask and evaluate where that is due; a checkpoint of the epoch's last step says whether it was done."""
        trainer = self.trainer
        if self.rounds is not None:
            with self.checkpointer.saved_if_stopped():
                yield from self.rounds.after(ended)
        if trainer.step == trainer.n_steps or (ended + 1) % _epochs_between_evaluations(trainer) == 0:
            yield from self._evaluate(ended + 1)
            self.rewinder.keep()
        self.checkpointer.open_epoch = None

    def _evaluate(self, epoch: int) -> Iterator[Event]:
        if self.validation is None:
            return
        yield Doing("evaluating")
        with self.checkpointer.saved_if_stopped():
            evaluated = self.validation.evaluate(self.trainer, epoch)
            yield evaluated
        self.metrics.evaluation(self.trainer.step, evaluated)
        self.checkpointer.observe(evaluated.score)


def _epochs_between_evaluations(trainer: Trainer) -> int:
    """The recipe's, or what makes about ten evaluations in the run; patience needs one each epoch."""
    stage = trainer.stage
    n_epochs = ceil(trainer.n_steps / trainer.batches.n_steps)
    return stage.evaluate_every or (1 if stage.patience else ceil(n_epochs / _N_EVALUATIONS))
