"""Conditional logit: a linear model of which of several alternatives is right.

P(a) is the softmax of w . x(a) over the alternatives of one choice (McFadden 1974, 'Conditional logit analysis of
qualitative choice behavior'). Where several alternatives are right, the loss is minus the log of the sum of their
probabilities.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class Choices:
    """Choices and the features of their alternatives.

    Choice c has the alternatives starts[c] to starts[c + 1] - 1. Alternative a has the binary features
    features[feature_starts[a]:feature_starts[a + 1]], at least one, which are integers below `n_features`, and the real
    features dense[a].
    """

    starts: Integers
    feature_starts: Integers
    features: Integers
    dense: Floats
    n_features: int

    def __len__(self) -> int:
        return len(self.starts) - 1

    def take(self, which: Integers) -> "Choices":
        """Some of the choices, in the order of `which`."""
        alternatives = _ranges(self.starts[which], self.starts[which + 1])
        ends = self.feature_starts[alternatives + 1]
        return Choices(
            _starts(self.starts[which + 1] - self.starts[which]),
            _starts(ends - self.feature_starts[alternatives]),
            self.features[_ranges(self.feature_starts[alternatives], ends)],
            self.dense[alternatives],
            self.n_features,
        )


@dataclass(frozen=True)
class Weights:
    """One weight per binary feature and one per real feature."""

    binary: Floats
    dense: Floats

    def scores(self, choices: Choices) -> Floats:
        """w . x of every alternative."""
        binary: Floats = np.add.reduceat(self.binary[choices.features], choices.feature_starts[:-1])
        scores: Floats = binary + choices.dense @ self.dense
        return scores


@dataclass(frozen=True)
class ChoiceConfig:
    """How weights are fitted: Adagrad (Duchi, Hazan and Singer 2011) on batches of choices, with an L2 penalty."""

    epochs: int = 12
    batch_size: int = 64
    """Largest number of choices in a batch."""
    min_batches: int = 20
    """Smallest number of batches in an epoch, so that few choices still give enough steps."""
    learning_rate: float = 0.1
    penalty: float = 0.5
    """Factor of half the sum of squared weights, which is added to the loss summed over all choices."""


def softmax(scores: Floats, starts: Integers) -> Floats:
    """The probability of each alternative within its choice."""
    n = np.diff(starts)
    probabilities: Floats = np.exp(scores - np.repeat(np.maximum.reduceat(scores, starts[:-1]), n))
    probabilities /= np.repeat(np.add.reduceat(probabilities, starts[:-1]), n)
    return probabilities


def fit(choices: Choices, right: Booleans, config: ChoiceConfig, seed: int) -> Weights:
    """Weights that make the right alternatives likely; every choice must have at least one."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(choices))
    n_batches = min(len(choices), max(config.min_batches, -(-len(choices) // config.batch_size)))
    parts = np.array_split(order, n_batches)
    batches = [(choices.take(part), right[_ranges(choices.starts[part], choices.starts[part + 1])]) for part in parts]
    n_binary = choices.n_features
    weights = np.zeros(n_binary + choices.dense.shape[1])
    squares = np.full_like(weights, 1e-8)
    for _ in range(config.epochs):
        for i in random.permutation(n_batches):
            batch, batch_right = batches[i]
            gradient = _gradient(Weights(weights[:n_binary], weights[n_binary:]), batch, batch_right)
            gradient += config.penalty * len(batch) / len(choices) * weights
            squares += gradient * gradient
            weights -= config.learning_rate * gradient / np.sqrt(squares)
    return Weights(weights[:n_binary], weights[n_binary:])


def _gradient(weights: Weights, choices: Choices, right: Booleans) -> Floats:
    """The gradient of the loss, summed over the choices."""
    probabilities = softmax(weights.scores(choices), choices.starts)
    targets = np.where(right, np.maximum(probabilities, 1e-300), 0)
    targets /= np.repeat(np.add.reduceat(targets, choices.starts[:-1]), np.diff(choices.starts))
    errors = probabilities - targets
    binary = np.bincount(choices.features, np.repeat(errors, np.diff(choices.feature_starts)), choices.n_features)
    return np.concatenate([binary, errors @ choices.dense])


def _ranges(begins: Integers, ends: Integers) -> Integers:
    """The integers of each [begin, end), one range after another."""
    lengths = ends - begins
    offsets = np.repeat(begins - _starts(lengths)[:-1], lengths)
    return offsets + np.arange(lengths.sum())


def _starts(lengths: Integers) -> Integers:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
