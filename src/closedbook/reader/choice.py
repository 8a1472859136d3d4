"""Conditional logit: a linear model of which of several alternatives is chosen.

P(a) is the softmax of w . x(a) over the alternatives of one choice (McFadden 1974, 'Conditional logit analysis of
qualitative choice behavior'). Where several are right, the sum of their probabilities is learnt.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class Choices:
    """Choices in a row: `starts` has each choice's first alternative and, last, their number.

    An alternative has binary features, the numbers columns[rows[a]:rows[a + 1]], of which there is one at least,
    and real ones, dense[a].
    """

    starts: Integers
    rows: Integers
    columns: Integers
    dense: Floats
    n_columns: int

    def __len__(self) -> int:
        return len(self.starts) - 1

    def take(self, which: Integers) -> "Choices":
        """Some of the choices, in the order of `which`."""
        alternatives = _ranges(self.starts[which], self.starts[which + 1])
        places = _ranges(self.rows[alternatives], self.rows[alternatives + 1])
        return Choices(
            _starts(self.starts[which + 1] - self.starts[which]),
            _starts(self.rows[alternatives + 1] - self.rows[alternatives]),
            self.columns[places],
            self.dense[alternatives],
            self.n_columns,
        )


@dataclass(frozen=True)
class Weights:
    """What was learnt: a weight a feature."""

    sparse: Floats
    dense: Floats

    def scores(self, choices: Choices) -> Floats:
        """w . x of every alternative."""
        sparse: Floats = np.add.reduceat(self.sparse[choices.columns], choices.rows[:-1])
        scores: Floats = sparse + choices.dense @ self.dense
        return scores


@dataclass(frozen=True)
class ChoiceConfig:
    """How weights are learnt: Adagrad (Duchi, Hazan and Singer 2011) over small batches, and an L2 penalty."""

    epochs: int = 12
    batch: int = 64
    """At most so many choices a batch."""
    n_batches: int = 20
    """At least so many batches, or few choices would be learnt in too few steps."""
    rate: float = 0.1
    penalty: float = 0.5
    """Of half the squared weights, against the loss summed over all choices."""


def softmax(scores: Floats, starts: Integers) -> Floats:
    """The probability of each alternative within its choice."""
    n = np.diff(starts)
    powers: Floats = np.exp(scores - np.repeat(np.maximum.reduceat(scores, starts[:-1]), n))
    powers /= np.repeat(np.add.reduceat(powers, starts[:-1]), n)
    return powers


def learn(choices: Choices, right: Booleans, config: ChoiceConfig, seed: int) -> Weights:
    """Weights that make the right alternatives likely; each choice has one at least."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(choices))
    n_batches = min(len(choices), max(config.n_batches, -(-len(choices) // config.batch)))
    parts = np.array_split(order, n_batches)
    batches = [(choices.take(part), right[_ranges(choices.starts[part], choices.starts[part + 1])]) for part in parts]
    n_sparse = choices.n_columns
    weights = np.zeros(n_sparse + choices.dense.shape[1])
    squares = np.full_like(weights, 1e-8)
    for _ in range(config.epochs):
        for number in random.permutation(n_batches):
            batch, wanted = batches[number]
            slope = _slope(Weights(weights[:n_sparse], weights[n_sparse:]), batch, wanted)
            slope += config.penalty * len(batch) / len(choices) * weights
            squares += slope * slope
            weights -= config.rate * slope / np.sqrt(squares)
    return Weights(weights[:n_sparse], weights[n_sparse:])


def _slope(weights: Weights, choices: Choices, right: Booleans) -> Floats:
    """The gradient of minus the log of the right alternatives' probability, summed over the choices."""
    chances = softmax(weights.scores(choices), choices.starts)
    wanted = np.where(right, np.maximum(chances, 1e-300), 0)
    wanted /= np.repeat(np.add.reduceat(wanted, choices.starts[:-1]), np.diff(choices.starts))
    pull = chances - wanted
    sparse = np.bincount(choices.columns, np.repeat(pull, np.diff(choices.rows)), choices.n_columns)
    return np.concatenate([sparse, pull @ choices.dense])


def _ranges(begins: Integers, ends: Integers) -> Integers:
    """The integers of each [begin, end) in turn."""
    lengths = ends - begins
    before = np.repeat(begins - _starts(lengths)[:-1], lengths)
    return before + np.arange(lengths.sum())


def _starts(lengths: Integers) -> Integers:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
