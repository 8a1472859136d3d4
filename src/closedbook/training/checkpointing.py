"""Checkpointing: a run is saved as it goes, and the weights with the best validation accuracy are kept."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from closedbook.errors import InputError, PeerLost, RunError
from closedbook.evaluation.score import Score
from closedbook.storage.checkpoint import Checkpoint, load_best, save_checkpoint
from closedbook.storage.fingerprint import fingerprint
from closedbook.storage.run import Run
from closedbook.training.events import Doing, Ending, Event, Note, Saved
from closedbook.training.processes import noticing_lost_peers, was_begun_here
from closedbook.training.trainer import Trainer


@dataclass(frozen=True)
class Saving:
    """Where a run is saved, whether it is resumed, how often it is saved, and what its user says of it.

    With `may_exceed_memory` it is trained although it seems to need more memory than is free. A run that the same
    torchrun began, which has restarted this process, is resumed.
    """

    out: Path
    resume: bool = False
    every_seconds: float = 60.0
    recipe_is_given: bool = True
    may_exceed_memory: bool = False

    def __post_init__(self) -> None:
        if not self.every_seconds >= 0:
            raise InputError(f"--save-every: 0 or more seconds are needed; received {self.every_seconds}")
        if was_begun_here(self.out) and (self.out / "run.json").is_file():
            object.__setattr__(self, "resume", True)  # as dataclasses set the fields of a frozen one


class Checkpointer:
    """Saves a run as it goes, and stops it where the stage's patience runs out; only rank 0 writes.

    `open_epoch` is an epoch that ended with the last step, and what follows it, as an evaluation, has not been done.
    """

    def __init__(self, run: Run, trainer: Trainer, every_seconds: float, checkpoint: Checkpoint | None) -> None:
        self.run = run
        self.trainer = trainer
        self.patience = trainer.stage.patience
        self.every_seconds = every_seconds
        self.saved_at = time.perf_counter()
        self.saved_step = -1 if checkpoint is None else checkpoint.step
        # "watched" is what the first version called it.
        patience = {} if checkpoint is None else checkpoint.state["watched"]
        self.best: int = patience.get("best", -1)
        self.n_worse: int = patience.get("n_worse", 0)
        self.open_epoch: int | None = None if checkpoint is None else checkpoint.state.get("open_epoch")
        self._last: Score | None = None

    @property
    def is_out_of_patience(self) -> bool:
        """Whether accuracy has not risen for as many evaluations as the stage waits."""
        return 0 < self.patience <= self.n_worse

    @property
    def score(self) -> Score | None:
        """The last evaluation's, with patience the best one's; None where there was none since training continued."""
        return replace(self._last, n_correct=self.best) if self._last is not None and self.patience else self._last

    @property
    def last_saved(self) -> str:
        """From where the run can be resumed, in words."""
        if self.saved_step < 0:
            return "no checkpoint was saved yet"
        return f"the last good checkpoint is of step {self.saved_step}"

    @contextmanager
    def naming_last_saved(self) -> Iterator[None]:
        """Say in every RunError, such as that of a full disk, from where the run can be resumed."""
        try:
            yield
        except RunError as error:
            raise RunError(f"{error}; {self.last_saved}") from error

    def observe(self, score: Score) -> None:
        """Count an evaluation, after which the epoch is closed; with patience, save the weights of the best."""
        self._last, self.open_epoch = score, None
        self.n_worse += 1
        if score.n_correct > self.best:
            self.best, self.n_worse = score.n_correct, 0
            if self.patience:
                self.save(best=True)

    def save_if_due(self) -> Iterator[Saved]:
        """Save if the last save was `every_seconds` ago or more."""
        if time.perf_counter() - self.saved_at >= self.every_seconds and self.saved_step != self.trainer.step:
            self.save()
            yield Saved(self.trainer.step)

    def save(self, *, best: bool = False, again: bool = False) -> None:
        """Save now, unless this step was saved already and not `again`.

        Raises RunError, and NotFinite where the weights are not finite.
        """
        if self.saved_step == self.trainer.step and not best and not again:
            return
        self.trainer.check_weights()
        if self.trainer.fabric.is_global_zero:
            save_checkpoint(
                self.run.path,
                step=self.trainer.step,
                weights=self.trainer.model.state_dict(),
                optimizer=self.trainer.optimizer.state_dict(),
                state={
                    **self.trainer.state(),
                    "watched": {"best": self.best, "n_worse": self.n_worse},
                    "open_epoch": self.open_epoch,
                },
                fingerprint=fingerprint(self.run.info.precision, self.trainer.fabric.device),
                best=best,
            )
        self.saved_at, self.saved_step = time.perf_counter(), self.trainer.step

    @contextmanager
    def saved_if_stopped(self) -> Iterator[None]:
        """Save where KeyboardInterrupt stops what is inside the block, which changes nothing that is saved."""
        try:
            yield
        except KeyboardInterrupt:
            if self.trainer.step:
                self.save()
            raise

    def saved_when_closed(self, events: Iterator[Event]) -> Iterator[Event]:
        """The events, after each of which the run can be closed: its last step is saved then.

        Saves it too where another process has ended, and raises PeerLost.
        """
        try:
            with noticing_lost_peers():
                yield from events
        except GeneratorExit:
            if self.trainer.step:
                self.save()
            raise
        except PeerLost as error:
            try:
                yield Ending(self.trainer.fabric.is_global_zero)
            finally:
                if self.trainer.step:
                    self.save()
            raise PeerLost(f"{error}; --resume goes on from the last checkpoint") from error

    def finish(self, calibrate: Callable[[], None]) -> Iterator[Note | Doing]:
        """Save the final weights: the last, or with patience those of the best evaluation, which a note then says.

        `calibrate` is called once the trainer's model has these weights, before the run counts as finished.
        """
        if self.trainer.fabric.is_global_zero:  # the others might read what is being written
            yield from self._save_final(calibrate)
        try:
            with noticing_lost_peers():
                self.trainer.fabric.barrier()
        except PeerLost:
            if not self.run.is_finished:
                raise

    def _save_final(self, calibrate: Callable[[], None]) -> Iterator[Note | Doing]:
        best = load_best(self.run.path) if self.patience and self.best >= 0 else None
        if best is not None and self.n_worse:
            evaluations = f"{self.n_worse} evaluation{'s' * (self.n_worse > 1)}"
            epoch = best.state["epoch"]
            kept = f"after epoch {epoch}" if epoch else "that training started from"
            yield Note(f"accuracy has not risen for {evaluations}, so the weights {kept} are kept")
            self.save()  # before the model has other weights than those of the last step
        if best is not None:
            self.trainer.model.load_state_dict(best.weights)
        yield Doing("asking held-out questions")
        with self.saved_if_stopped():
            calibrate()
            yield Doing("saving", can_stop=False)
        self.run.finish(self.trainer.model.state_dict())
