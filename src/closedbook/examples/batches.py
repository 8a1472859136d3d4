"""Batches with little padding, each with the position from which to resume after it.

The order of an epoch is drawn from (seed, epoch) and cut into windows of several batches. The rows of a window are
sorted by length and cut into batches, which come in an order drawn anew. The columns that only hold padding are cut
off; this changes no result, since every variant is causal: a column changes no logit before it. A window of one batch
is not sorted.

Letters: B batch, N examples, T time, U time after cutting.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor
from torch.utils.data import DataLoader

from closedbook.examples.datasets import EpochDataset, Example, draw_generator
from closedbook.text.vocabulary import PAD_ID

# Widths of sorted batches are multiples of this: kernels are compiled and cached per shape.
_WIDTH_MULTIPLE = 8


@dataclass(frozen=True)
class Position:
    """A position in the stream of batches: n whole epochs, and n steps of the next."""

    epoch: int
    step: int


@dataclass(frozen=True)
class Batch:
    """One process's rows of a step; `n_rows` counts those of all processes, `after` is where to resume."""

    x: Int64[Tensor, "B T"]
    y: Int64[Tensor, "B T"]
    n_rows: int
    after: Position


class Batches:
    """A dataset's batches, epoch by epoch.

    `window` is the number of batches that are sorted by length together. With several processes, process `rank` gets
    every n-th row of each batch.
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
        """Steps per epoch; the last batch may be smaller."""
        return -(-len(self.dataset) // self.batch_size)

    def epoch(self, start: Position) -> Iterator[Batch]:
        """The batches of epoch `start.epoch` from its step `start.step` on."""
        self.dataset.epoch = start.epoch
        first = start.step // self.window
        loader: DataLoader[Example] = DataLoader(
            self.dataset,  # type: ignore[arg-type]  # anything with len and [] will do
            batch_sampler=self._windows(start.epoch, first),
            num_workers=self.n_workers,
            collate_fn=_stacked,
            # The loader draws a seed for its workers in each epoch, and must leave torch's global generator alone.
            generator=torch.Generator().manual_seed(0),
        )
        step = first * self.window
        for number, (x, y) in enumerate(loader, first):
            # Equal lengths keep a window of one batch in its order.
            lengths = used_lengths(y).tolist() if self.window > 1 else [0] * len(y)
            for members in self._sorted_batches(lengths, start.epoch, number):
                step += 1
                if step <= start.step:
                    continue
                after = Position(start.epoch + 1, 0) if step == self.n_steps else Position(start.epoch, step)
                yield self._batch(x, y, members, after)

    def rows(self, epoch: int, n_steps: int) -> Iterator[int]:
        """The indices of the examples in the first `n_steps` steps of an epoch."""
        self.dataset.epoch = epoch
        for number, window in enumerate(self._windows(epoch)):
            left = n_steps - number * self.window
            if left <= 0:
                break
            if left >= self.window:
                yield from window
                continue
            # Only here the lengths matter, which say what batches come first.
            lengths = used_lengths(torch.stack([self.dataset[row][1] for row in window])).tolist()
            for members in self._sorted_batches(lengths, epoch, number)[:left]:
                yield from (window[member] for member in members)

    def _windows(self, epoch: int, first: int = 0) -> Iterator[list[int]]:
        """The rows of each window from number `first` on."""
        order, size = self.order(epoch), self.batch_size * self.window
        for i in range(first * size, len(order), size):
            yield order[i : i + size].tolist()

    def _sorted_batches(self, lengths: list[int], epoch: int, number: int) -> list[list[int]]:
        """The members of each batch of window `number`, whose rows have these lengths."""
        members = sorted(range(len(lengths)), key=lengths.__getitem__)
        batches = [members[i : i + self.batch_size] for i in range(0, len(members), self.batch_size)]
        draw_generator(self.seed, epoch, number).shuffle(batches)
        return batches

    def _batch(self, x: Int64[Tensor, "B T"], y: Int64[Tensor, "B T"], members: list[int], after: Position) -> Batch:
        """This process's rows of a batch, some of x and y; a process without any gets one row of padding."""
        own = members[self.rank :: self.n_processes] or members[:1]
        x, y = trim(x[own], y[own], _WIDTH_MULTIPLE if self.window > 1 else 1)
        if self.rank >= len(members):
            x, y = torch.full_like(x, PAD_ID), torch.full_like(y, PAD_ID)
        return Batch(x, y, len(members), after)

    def order(self, epoch: int) -> Int64[Tensor, " N"]:
        """The dataset's indices in the order of an epoch."""
        if not self.shuffle:
            return torch.arange(len(self.dataset))
        # Epochs need unrelated generators, and torch takes one seed of 64 bits.
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + epoch) % 2**63)
        return torch.randperm(len(self.dataset), generator=generator)


def _stacked(examples: list[Example]) -> tuple[Int64[Tensor, "B T"], Int64[Tensor, "B T"]]:
    x, y = (torch.stack(column) for column in zip(*examples, strict=True))
    return x, y


def trim(
    x: Int64[Tensor, "B T"], y: Int64[Tensor, "B T"], multiple: int = 1
) -> tuple[Int64[Tensor, "B U"], Int64[Tensor, "B U"]]:
    """Cut off the columns after the last that counts in any row's loss, keeping a multiple of `multiple` columns."""
    n_columns = max(1, used_length(y.amax(dim=0)))  # PAD is the smallest id
    n_columns = -(-n_columns // multiple) * multiple
    return x[:, :n_columns], y[:, :n_columns]


def micro_batches(x: Int64[Tensor, "B T"], y: Int64[Tensor, "B T"], max_batches: int) -> list[tuple[Tensor, Tensor]]:
    """A batch as at most `max_batches` micro-batches of rows sorted by length, each cut to its longest row."""
    if max_batches == 1:
        return [(x, y)]
    order = used_lengths(y).argsort(stable=True)
    chunks = zip(x[order].chunk(max_batches), y[order].chunk(max_batches), strict=True)
    return [trim(chunk_x, chunk_y) for chunk_x, chunk_y in chunks]


def used_length(y: Int64[Tensor, " T"]) -> int:
    """Number of columns up to the last that counts in the loss."""
    return int(used_lengths(y[None]))


def used_lengths(y: Int64[Tensor, "B T"]) -> Int64[Tensor, " B"]:
    """For each row the number of columns up to the last that counts in the loss."""
    return ((y != PAD_ID) * torch.arange(1, y.size(1) + 1, device=y.device)).amax(1)
