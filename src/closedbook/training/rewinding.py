"""Rewinding: a run whose loss is no longer finite goes back to an earlier state, and on with half the learning rate.

RUN/rewind/ has the states that a run can go back to: the first and the last. They are of steps that the recipe decides,
while checkpoints come by the clock: so a run that was killed goes back to the state to which an undisturbed one would.
The last may be too near the end of what is finite already. So the second time it is the first. A checkpoint has the
steps that its run went back to, for each of which the rate is halved.
"""

import shutil
from collections.abc import Callable, Iterator

from closedbook.errors import NotFinite
from closedbook.storage.checkpoint import load_best, load_latest, save_checkpoint
from closedbook.storage.fingerprint import fingerprint
from closedbook.training.checkpointing import Checkpointer
from closedbook.training.events import Event, Note
from closedbook.training.metrics import MetricsLog
from closedbook.training.rounds import Rounds, learn_as_of

MAX_REWINDS = 5
"""After this many a run stops; its learning rate is a thirty-second of the recipe's then."""


class Rewinder:
    """Keeps states of a run, and goes back to the last where loss or gradient is not finite, unless it is off.

    Only rank 0 writes. All processes have the same loss, gradient and weights, so that all go back together.
    """

    def __init__(self, checkpointer: Checkpointer, metrics: MetricsLog, rounds: Rounds | None, *, is_on: bool) -> None:
        self.checkpointer = checkpointer
        self.trainer = checkpointer.trainer
        self.metrics = metrics
        self.rounds = rounds
        self.is_on = is_on
        self.folder = checkpointer.run.path / "rewind"

    def around(self, steps: Callable[..., Iterator[Event]], *, is_new: bool) -> Iterator[Event]:
        """The events of `steps(is_new=...)`, which takes the steps that are left, again each time that it went back.

        Raises NotFinite with what the user can do.
        """
        while True:
            try:
                yield from steps(is_new=is_new)
                break
            except NotFinite as error:
                try:
                    note = self._go_back(error)
                except NotFinite as last:
                    cure = "a smaller learning rate may help" + ", or --on-divergence rewind" * (not self.is_on)
                    raise NotFinite(f"{last}; {self.checkpointer.last_saved}, and {cure}") from None
            yield Note(note)
            is_new = False
        if self.trainer.fabric.is_global_zero:
            shutil.rmtree(self.folder, ignore_errors=True)

    def keep(self, *, is_first: bool = False) -> None:
        """Keep the state of now; raises RunError where it cannot be saved."""
        trainer = self.trainer
        if not self.is_on:
            return
        if trainer.fabric.is_global_zero:
            save_checkpoint(
                self.folder,
                step=trainer.step,
                weights=trainer.model.state_dict(),
                optimizer=trainer.optimizer.state_dict(),
                state=trainer.state(),
                fingerprint=fingerprint(self.checkpointer.run.info.precision, trainer.fabric.device),
                best=is_first,  # which is never removed
            )
        trainer.fabric.barrier()

    def _go_back(self, error: NotFinite) -> str:
        """Go back to the state kept last, halve the learning rate, and say so; raises NotFinite where it cannot."""
        trainer, checkpointer = self.trainer, self.checkpointer
        rewinds, kept = trainer.rewinds, load_latest(self.folder) if self.is_on else None
        if kept is not None and rewinds[-1:] == [kept.step]:
            kept = load_best(self.folder)
        if kept is None:
            raise error
        if len(rewinds) == MAX_REWINDS:
            raise NotFinite(f"{error}; the learning rate was halved {MAX_REWINDS} times already")
        trainer.resume(kept.weights, kept.optimizer, kept.state)
        trainer.rewinds = [*rewinds, kept.step]
        # The checkpoint comes first: a run killed in between begins from it, and cuts its metrics as this does.
        checkpointer.open_epoch = None
        checkpointer.save(again=True)
        self.metrics.cut(trainer.step)
        if self.rounds is not None:
            learn_as_of(self.rounds.asking, self.rounds.run, trainer.position.epoch)
        rate = f"1/{2 ** len(trainer.rewinds)} of the recipe's learning rate"
        return f"{error}; went back to step {trainer.step}, and goes on with {rate} (on_divergence)"
