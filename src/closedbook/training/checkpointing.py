"""Keeper: saves a run as it goes, and knows which state of it was the best on the pairs that it looks at."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from closedbook.errors import InputError
from closedbook.evaluation.predict import predict
from closedbook.evaluation.score import score
from closedbook.storage.checkpoint import Checkpoint, load_best, save_checkpoint
from closedbook.storage.fingerprint import fingerprint
from closedbook.storage.run import Run
from closedbook.text.questions import Questions
from closedbook.training.events import Evaluated, Event, Note, Saved
from closedbook.training.metrics import MetricsLog
from closedbook.training.trainer import Trainer


@dataclass(frozen=True)
class Saving:
    """How a run is kept: where, whether it goes on, and how often it is saved."""

    out: Path
    resume: bool = False
    every_seconds: float = 60.0
    recipe_is_given: bool = True

    def __post_init__(self) -> None:
        if not self.every_seconds >= 0:
            raise InputError(f"--save-every: 0 or more seconds are needed; received {self.every_seconds}")


class Keeper:
    """Saves a run as it goes, and knows which state of it was the best on the dev pairs, or on those held out."""

    def __init__(
        self, run: Run, trainer: Trainer, dev: Questions | None, every_seconds: float, checkpoint: Checkpoint | None
    ) -> None:
        self.run = run
        self.trainer = trainer
        self.patience = trainer.stage.patience
        self.dev = dev
        self.every_seconds = every_seconds
        self.saved_at = time.perf_counter()
        self.saved_step = -1 if checkpoint is None else checkpoint.step
        watched = {} if checkpoint is None else checkpoint.state["watched"]
        self.best: int = watched.get("best", -1)
        self.n_worse: int = watched.get("n_worse", 0)

    @property
    def is_over(self) -> bool:
        """Whether patience has run out."""
        return 0 < self.patience <= self.n_worse

    @property
    def last_saved(self) -> str:
        """Where to go on from, in words."""
        if self.saved_step < 0:
            return "no checkpoint was saved yet"
        return f"the last good checkpoint is of step {self.saved_step}"

    def evaluate(self, metrics: MetricsLog, epoch: int) -> Iterator[Event]:
        """Accuracy on the dev pairs, where there are any; the best so far is kept."""
        if self.dev is None:
            return
        answers = self.dev.answers()
        questions = [item.text for item in self.dev.items]
        predictions = predict(self.trainer.model, self.run.info.vocabulary, questions)
        result = score([prediction.answer for prediction in predictions], answers)
        metrics.evaluation(self.trainer.step, epoch, result.accuracy)
        self.n_worse += 1
        if result.n_correct > self.best:
            self.best, self.n_worse = result.n_correct, 0
            if self.patience:
                self.save(best=True)
        yield Evaluated(epoch, result)

    def save_if_due(self) -> Iterator[Event]:
        """Save where the last time was long enough ago."""
        if time.perf_counter() - self.saved_at >= self.every_seconds and self.saved_step != self.trainer.step:
            self.save()
            yield Saved(self.trainer.step)

    def save(self, *, best: bool = False) -> None:
        """Save now; what was saved already is not saved again."""
        if self.saved_step == self.trainer.step and not best:
            return
        self.saved_at, self.saved_step = time.perf_counter(), self.trainer.step
        if self.trainer.fabric.is_global_zero:
            save_checkpoint(
                self.run.path,
                step=self.trainer.step,
                weights=self.trainer.model.state_dict(),
                optimizer=self.trainer.optimizer.state_dict(),
                state={**self.trainer.state(), "watched": {"best": self.best, "n_worse": self.n_worse}},
                fingerprint=fingerprint(self.run.info.precision, self.trainer.fabric.device),
                best=best,
            )

    def what_is_kept(self) -> Iterator[Note]:
        """Which weights the run ends with, where patience makes them others than the last."""
        if self.patience and self.dev is not None and self.n_worse:
            epochs = f"{self.n_worse} epoch{'s' * (self.n_worse > 1)}"
            best = self.trainer.position.epoch - self.n_worse
            kept = f"of epoch {best}" if best else "that it began with"
            yield Note(f"held-out accuracy has not risen for {epochs}, so the weights {kept} are kept")

    def finish(self) -> None:
        """Keep the weights that the run came to: the best on the dev pairs, if it watched them, else the last."""
        if self.trainer.fabric.is_global_zero:
            best = load_best(self.run.path) if self.patience and self.dev else None
            self.run.finish(self.trainer.model.state_dict() if best is None else best.weights)
        self.trainer.fabric.barrier()
