"""Batches with little padding, each with the position that resumes after it.

The order of an epoch is drawn from (seed, epoch); consecutive indices of it make a window of some batches; the rows
of a window are sorted by length and cut into batches, which come in an order drawn again; a batch's rows are cut to
the longest of them. A padded column changes no logit before it, for every variant is causal, so cutting it changes
no result. A window of one batch sorts nothing.

Letters: B batch, T time, U time once cut.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor
from torch.utils.data import DataLoader

from closedbook.examples.datasets import EpochDataset, Example, draw_generator
from closedbook.text.vocabulary import PAD_ID

# Each width has kernels of its own, which PyTorch makes and keeps: with few widths they are soon all made.
_SORTED_WIDTHS = 8


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
    """A dataset's batches, epoch by epoch; of `n_processes`, process `rank` gets every n-th row of each.

    `window` batches are sorted by length together.
    """

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
        window: int = 1,
    ) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.n_workers = n_workers
        self.rank = rank
        self.n_processes = n_processes
        self.window = window

    @property
    def n_steps(self) -> int:
        """Steps an epoch; the last may be a smaller one."""
        return -(-len(self.dataset) // self.batch_size)

    def epoch(self, start: Position) -> Iterator[Batch]:
        """The batches of epoch `start.epoch` from its step `start.step` on."""
        self.dataset.epoch = start.epoch
        first = start.step // self.window
        windows = self._windows(start.epoch)[first:]
        loader: DataLoader[Example] = DataLoader(
            self.dataset,  # type: ignore[arg-type]  # anything with len and [] will do
            batch_sampler=windows,
            num_workers=self.n_workers,
            collate_fn=list,
            # The loader draws a seed for its workers at each epoch; not from torch's global generator, which is
            # its user's.
            generator=torch.Generator().manual_seed(0),
        )
        step = first * self.window
        for number, examples in enumerate(loader, first):
            # A window of one batch stays in its order, whatever its lengths.
            n_used = [used(y) if self.window > 1 else 0 for _, y in examples]
            for places in self._parts(n_used, start.epoch, number):
                step += 1
                if step <= start.step:
                    continue
                after = Position(start.epoch + 1, 0) if step == self.n_steps else Position(start.epoch, step)
                yield self._batch([examples[place] for place in places], after)

    def rows(self, epoch: int, n_steps: int) -> list[int]:
        """The indices that the first `n_steps` of an epoch learn from."""
        self.dataset.epoch = epoch
        rows: list[int] = []
        for number, window in enumerate(self._windows(epoch)):
            left = n_steps - number * self.window
            if left <= 0:
                break
            # Which rows of a window a step has is known once they are drawn.
            n_used = [0] * len(window) if left >= self.window else [used(self.dataset[i][1]) for i in window]
            parts = self._parts(n_used, epoch, number)
            rows += [window[place] for places in parts[:left] for place in places]
        return rows

    def _windows(self, epoch: int) -> list[list[int]]:
        order, size = self.order(epoch), self.batch_size * self.window
        return [order[i : i + size] for i in range(0, len(order), size)]

    def _parts(self, n_used: list[int], epoch: int, number: int) -> list[list[int]]:
        """Which places of a window make a batch, batch by batch."""
        places = sorted(range(len(n_used)), key=n_used.__getitem__)
        parts = [places[i : i + self.batch_size] for i in range(0, len(places), self.batch_size)]
        draw_generator(self.seed, epoch, number).shuffle(parts)
        return parts

    def _batch(self, examples: list[Example], after: Position) -> Batch:
        """This process's rows; one without a row of its own takes the first, and has it padded away."""
        own = examples[self.rank :: self.n_processes] or examples[:1]
        x, y = (torch.stack(column) for column in zip(*own, strict=True))
        x, y = trim(x, y, _SORTED_WIDTHS if self.window > 1 else 1)
        if self.rank >= len(examples):
            x, y = torch.full_like(x, PAD_ID), torch.full_like(y, PAD_ID)
        return Batch(x, y, len(examples), after)

    def order(self, epoch: int) -> list[int]:
        """The indices of the dataset in the order of an epoch."""
        if not self.shuffle:
            return list(range(len(self.dataset)))
        # Distinct epochs need unrelated generators, and torch takes one number of 64 bits.
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + epoch) % 2**63)
        return torch.randperm(len(self.dataset), generator=generator).tolist()


def trim(
    x: Int64[Tensor, "B T"], y: Int64[Tensor, "B T"], multiple: int = 1
) -> tuple[Int64[Tensor, "B U"], Int64[Tensor, "B U"]]:
    """Cut the columns behind the last that any row learns from, down to a multiple where there are as many."""
    n_columns = max(1, used(y.amax(dim=0)))  # PAD is the least of all numbers
    n_columns = -(-n_columns // multiple) * multiple
    return x[:, :n_columns], y[:, :n_columns]


def by_length(x: Int64[Tensor, "B T"], y: Int64[Tensor, "B T"], n_parts: int) -> list[tuple[Tensor, Tensor]]:
    """At most so many parts of a batch, rows of like lengths together, each part cut to its longest."""
    if n_parts == 1:
        return [(x, y)]
    order = (y.flip(1).cumsum(1) > 0).sum(1).argsort(stable=True)
    parts = zip(x[order].chunk(n_parts), y[order].chunk(n_parts), strict=True)
    return [trim(part_x, part_y) for part_x, part_y in parts]


def used(y: Int64[Tensor, " T"]) -> int:
    """How many columns of a row it takes to reach the last that is learnt from."""
    learnt = (y != PAD_ID).nonzero()
    return int(learnt[-1]) + 1 if len(learnt) else 0
