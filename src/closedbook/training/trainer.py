"""Trainer: the training loop of pretraining, self-study and finetuning alike.

It logs, saves and evaluates nothing: `run` yields a report after each step, and its caller does that.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from lightning_fabric import Fabric
from torch import Tensor

from closedbook.errors import NotFinite
from closedbook.examples.batches import Batch, Batches, Position, micro_batches
from closedbook.model.gpt import GPT
from closedbook.recipe.recipe import Precision, StageConfig
from closedbook.text.vocabulary import PAD_ID
from closedbook.training.loss import SummedLoss
from closedbook.training.optim.optimizer import make_optimizer
from closedbook.training.optim.tables import average_rows, sparse_tables, without_gradients
from closedbook.training.schedule import Schedule

_MOST_TIMES_RATE = 2
"""Muon multiplies its rate by the root of a matrix's height by its width."""


@dataclass(frozen=True)
class StepReport:
    """One step: `loss` in nats per supervised character; `n_characters` counts each row up to its last of these."""

    step: int
    n_steps: int
    epoch: int
    ends_epoch: bool
    loss: float
    n_supervised: int
    n_characters: int
    learning_rate: float
    grad_norm: float
    seconds: float


class RateSchedule(Protocol):
    """What a Trainer needs from a schedule."""

    def rate(self, step: int, n_rows: int) -> float:
        """The learning rate of step `step` (from 0), after which `n_rows` examples have been seen."""
        ...


class Trainer:
    """A model, its batches and its optimizer, after `step` steps of a run."""

    def __init__(
        self,
        fabric: Fabric,
        model: GPT,
        batches: Batches,
        stage: StageConfig,
        *,
        n_documents: int,
        seed: int,
        precision: Precision = "float32",
    ) -> None:
        self.fabric = fabric
        self.model = model
        self.batches = batches
        self.stage = stage
        self.seed = seed
        self.n_steps = stage.steps or stage.epochs * batches.n_steps
        self.schedule: RateSchedule = Schedule(stage, n_documents, model.config.block_size, self.n_steps)
        self.step = 0
        self.rewinds: list[int] = []  # the steps that the run went back to
        self.n_rows = 0
        self.position = Position(0, 0)
        self.tables = tuple(sparse_tables(model).values())
        optimizer = make_optimizer(model, stage, precision)
        with without_gradients(self.tables):
            self.loss, self.optimizer = fabric.setup(SummedLoss(model), optimizer)

    def run(self) -> Iterator[StepReport]:
        """Take the steps that are left, and report each.

        Raises NotFinite where loss or gradient is infinite or NaN, with the weights as they were before the step.
        """
        while self.step < self.n_steps:
            epoch = self.position.epoch
            start = time.perf_counter()
            for batch in self.batches.epoch(self.position):
                report = self._step(epoch, batch, start)
                self.step, self.position = report.step, batch.after
                yield report
                if self.step == self.n_steps:
                    return
                start = time.perf_counter()

    def _step(self, epoch: int, batch: Batch, start: float) -> StepReport:
        """One update. Dropout is seeded by the step, so that a resumed run has no random state to restore."""
        torch.manual_seed(_step_seed(self.seed, self.fabric.global_rank, self.step))
        self.model.train()
        n_rows = self.n_rows + batch.n_rows
        rate = self.schedule.rate(self.step, n_rows) * 0.5 ** len(self.rewinds)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["ratio"]
            if _MOST_TIMES_RATE * group["lr"] > torch.finfo(torch.float32).max:
                raise NotFinite(f"step {self.step + 1}: learning rate {group['lr']:g} is infinite in float32")
        nats, n_supervised, n_characters = self._gradients(batch)
        # Without the tables, whose rows move by the same length whatever the gradient's norm.
        dense = [p for p in self.model.parameters() if p.grad is not None and not p.grad.is_sparse]
        norm = torch.nn.utils.clip_grad_norm_(dense, self.stage.grad_norm_clip).item()
        loss = nats / max(1, n_supervised)
        if not (math.isfinite(loss) and math.isfinite(norm)):
            found = f"loss {loss}, norm of the gradient {norm}, at learning rate {rate:g}"
            raise NotFinite(f"step {self.step + 1}: {found}; no update was made")
        self.optimizer.step()
        self.n_rows = n_rows
        return StepReport(
            step=self.step + 1,
            n_steps=self.n_steps,
            epoch=epoch,
            ends_epoch=batch.after.epoch > epoch or self.step + 1 == self.n_steps,
            loss=loss,
            n_supervised=n_supervised,
            n_characters=n_characters,
            learning_rate=rate,
            grad_norm=norm,
            seconds=time.perf_counter() - start,
        )

    def _gradients(self, batch: Batch) -> tuple[float, int, int]:
        """Compute the gradients of the mean loss over the whole step; return nats and counts of all processes."""
        x, y = batch.x.to(self.fabric.device), batch.y.to(self.fabric.device)
        # Characters after a row's last supervised one are padding, whose number depends on the batch's other rows.
        counts = self._total(torch.stack(((y != PAD_ID).sum(), (y.flip(1).cumsum(1) > 0).sum())))
        n_supervised, n_characters = int(counts[0]), int(counts[1])
        self.optimizer.zero_grad(set_to_none=True)
        nats = torch.zeros((), device=self.fabric.device)
        batches = micro_batches(x, y, self.stage.accumulate)
        for number, (micro_x, micro_y) in enumerate(batches, 1):
            with self.fabric.no_backward_sync(self.loss, enabled=number < len(batches)):
                micro_nats, _ = self.loss(micro_x, micro_y)
                # Times the number of processes, because these average their gradients and the sum is wanted.
                self.fabric.backward(micro_nats * (self.fabric.world_size / max(1, n_supervised)))
            nats += micro_nats.detach()
        for table in self.tables:
            average_rows(table, self.fabric.world_size)
        return self._total(nats).item(), n_supervised, n_characters

    def _total(self, values: Tensor) -> Tensor:
        if self.fabric.world_size == 1:
            return values
        total = self.fabric.all_reduce(values, reduce_op="sum")
        assert isinstance(total, Tensor)
        return total

    def check_weights(self) -> None:
        """Raise NotFinite where the last update made a weight infinite or NaN, which no later step can mend."""
        for name, weights in self.model.named_parameters():
            if not bool(torch.isfinite(weights).all()):
                raise NotFinite(f"step {self.step}: its update left {name} with weights that are infinite or NaN")

    def state(self) -> dict[str, Any]:
        """What resuming needs besides weights and optimizer, as JSON values."""
        return {
            "step": self.step,
            "n_rows": self.n_rows,
            "epoch": self.position.epoch,
            "step_of_epoch": self.position.step,
            "seed": self.seed,
            "rewinds": list(self.rewinds),
        }

    def resume(self, weights: dict[str, Tensor], optimizer: dict[str, Any], state: dict[str, Any]) -> None:
        """Continue after the step at which `state` was taken."""
        self.model.load_state_dict(weights)
        self.optimizer.load_state_dict(optimizer)
        self.step, self.n_rows, self.seed = state["step"], state["n_rows"], state["seed"]
        self.rewinds = list(state.get("rewinds", ()))  # which older runs do not have
        self.position = Position(state["epoch"], state["step_of_epoch"])


def _step_seed(seed: int, rank: int, step: int) -> int:
    """The seed of dropout, distinct for each process and step of a run."""
    return ((seed * 1_000_003 + rank) * 1_000_000_007 + step) % 2**63
