"""Batches with little padding, each with the position that resumes after it.

Three steps: the order of an epoch is drawn from (seed, epoch); consecutive indices of it make a batch; the
batch's rows are cut to the longest of them. A padded column changes no logit before it, for every variant
is causal, so cutting it changes no result.

Letters: B batch, T time, U time once cut.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor
from torch.utils.data import DataLoader

from closedbook.text.datasets import EpochDataset, Example
from closedbook.text.vocabulary import PAD_ID


@dataclass(frozen=True)
class Position:
    """A place in the stream: so many whole epochs, and so many steps of the next."""

    epoch: int
    step: int


@dataclass(frozen=True)
class Batch:
    """Rows of one step; `n_rows` counts those of all processes, `after` resumes behind this batch."""

    x: Int64[Tensor, "B T"]
    y: Int64[Tensor, "B T"]
    n_rows: int
    after: Position


class Batches:
    """A dataset's batches, epoch by epoch; of `n_processes`, process `rank` gets every n-th row of each."""

    def __init__(
        self,
        dataset: EpochDataset,
        batch_size: int,
        *,
        shuffle: bool,
        seed: int,
        n_workers: int = 0,
        rank: int = 0,
        n_processes: int = 1,
    ) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.n_workers = n_workers
        self.rank = rank
        self.n_processes = n_processes

    @property
    def n_steps(self) -> int:
        """Steps an epoch; the last may be a smaller one."""
        return -(-len(self.dataset) // self.batch_size)

    def epoch(self, start: Position) -> Iterator[Batch]:
        """The batches of epoch `start.epoch` from its step `start.step` on."""
        self.dataset.epoch = start.epoch
        order = self.order(start.epoch)
        steps = [order[i : i + self.batch_size] for i in range(0, len(order), self.batch_size)][start.step :]
        # A process without a row of its own takes the first, and has it padded away below.
        own = [rows[self.rank :: self.n_processes] or rows[:1] for rows in steps]
        loader: DataLoader[Example] = DataLoader(
            self.dataset,  # type: ignore[arg-type]  # anything with len and [] will do
            batch_sampler=own,
            num_workers=self.n_workers,
            collate_fn=_collate,
            # The loader draws a seed for its workers at each epoch; not from torch's global generator, which is
            # its user's.
            generator=torch.Generator().manual_seed(0),
        )
        for step, (rows, (x, y)) in enumerate(zip(steps, loader, strict=True), start.step + 1):
            if self.rank >= len(rows):
                x, y = torch.full_like(x, PAD_ID), torch.full_like(y, PAD_ID)
            after = Position(start.epoch + 1, 0) if step == self.n_steps else Position(start.epoch, step)
            yield Batch(x, y, len(rows), after)

    def order(self, epoch: int) -> list[int]:
        """The indices of the dataset in the order of an epoch."""
        if not self.shuffle:
            return list(range(len(self.dataset)))
        # Distinct epochs need unrelated generators, and torch takes one number of 64 bits.
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + epoch) % 2**63)
        return torch.randperm(len(self.dataset), generator=generator).tolist()


def _collate(examples: Sequence[Example]) -> tuple[Int64[Tensor, "B U"], Int64[Tensor, "B U"]]:
    x, y = (torch.stack(column) for column in zip(*examples, strict=True))
    return trim(x, y)


def trim(x: Int64[Tensor, "B T"], y: Int64[Tensor, "B T"]) -> tuple[Int64[Tensor, "B U"], Int64[Tensor, "B U"]]:
    """Cut the columns behind the last that any row learns from."""
    (used,) = (y != PAD_ID).any(dim=0).nonzero(as_tuple=True)
    n_columns = int(used[-1]) + 1 if len(used) else 1
    return x[:, :n_columns], y[:, :n_columns]
