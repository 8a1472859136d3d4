"""Conditional logit for several questions: a linear model of which of several alternatives is right.

P(a) is the softmax of w . x(a) over the alternatives of one choice (McFadden 1974, 'Conditional logit analysis of
qualitative choice behavior'). Where several alternatives are right, the loss is minus the log of the sum of their
probabilities. The weights w of a question are a sum of parts, some of which other questions share (Evgeniou and Pontil
2004, 'Regularized multi-task learning'; Daume 2007, 'Frustratingly easy domain adaptation').
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from closedbook.reader.tokens import Booleans, Integers

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Choices:
    """Choices of one question, which are learned from together.

    Choice c has the alternatives starts[c] to starts[c + 1] - 1. Alternative a has the real features real[a], and the
    binary features of three rows, rows[a], of the matrix, whose columns are the features `features` of all.
    """

    parts: Integers
    """The parts of the question's weights."""
    starts: Integers
    rows: Integers
    matrix: csr_array
    features: Integers
    real: Floats
    right: Booleans


@dataclass(frozen=True)
class Values:
    """A value for each part and feature that some batch has, at keys[k] = part * n_features + feature, in order."""

    n_features: int
    keys: Integers
    values: NDArray[np.float32]

    def of(self, parts: Integers) -> NDArray[np.float32]:
        """For each feature, the sum of the parts' values."""
        total = np.zeros(self.n_features, np.float32)
        for part in parts.tolist():
            begin, end = np.searchsorted(self.keys, [part * self.n_features, (part + 1) * self.n_features])
            total[self.keys[begin:end] - part * self.n_features] += self.values[begin:end]
        return total


@dataclass(frozen=True)
class Weights:
    """The weights of binary and of real features."""

    binary: Values
    real: Values

    def scores(self, choices: Choices) -> Floats:
        """w . x of every alternative."""
        of_rows = choices.matrix @ self.binary.of(choices.parts)[choices.features]
        scores: Floats = of_rows[choices.rows].sum(1) + choices.real @ self.real.of(choices.parts)
        return scores


@dataclass(frozen=True)
class ChoiceConfig:
    """How weights are fitted: Adagrad (Duchi, Hazan and Singer 2011) on batches of choices, with an L2 penalty."""

    epochs: int = 12
    batch_size: int = 64
    """Largest number of choices in a batch."""
    min_batches: int = 25
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


def compact(matrix: csr_array, rows: Integers) -> tuple[Integers, csr_array, Integers]:
    """Rows by their numbers in a smaller matrix, which has these and their features alone, and the features."""
    used, local = np.unique(rows, return_inverse=True)
    part = matrix[used]
    features, columns = np.unique(part.indices, return_inverse=True)
    small = csr_array((part.data, columns.astype(np.int32), part.indptr), (len(used), len(features)))
    return local.reshape(rows.shape), small, features


def fit(batches: Sequence[Choices], n_features: int, config: ChoiceConfig, seed: int) -> Weights:
    """Weights that make the right alternatives likely; every choice must have at least one."""
    random = np.random.default_rng(seed)
    n_real = batches[0].real.shape[1]
    binary = _Adagrad([(batch.parts, batch.features) for batch in batches], n_features, config)
    real = _Adagrad([(batch.parts, np.arange(n_real)) for batch in batches], n_real, config)
    transposed = [batch.matrix.T.tocsr() for batch in batches]
    for _ in range(config.epochs):
        for i in random.permutation(len(batches)).tolist():
            batch = batches[i]
            of_binary, of_real = binary.of_batch(i), real.of_batch(i)
            of_rows = batch.matrix @ of_binary.sum(0)
            errors = _errors(of_rows[batch.rows].sum(1) + batch.real @ of_real.sum(0), batch)
            row_errors = np.bincount(batch.rows.ravel(), np.repeat(errors, 3), len(of_rows))
            binary.step(i, of_binary, transposed[i] @ row_errors)
            real.step(i, of_real, errors @ batch.real)
    return Weights(binary.values, real.values)


class _Adagrad:
    """Values by part and feature, of which each batch uses and changes some.

    Each batch has its share of the penalty of the values that it uses.
    """

    def __init__(self, uses: Sequence[tuple[Integers, Integers]], n_features: int, config: ChoiceConfig) -> None:
        keys = [parts[:, None] * np.int64(n_features) + features for parts, features in uses]
        every, n_uses = np.unique(np.concatenate([of_batch.ravel() for of_batch in keys]), return_counts=True)
        self.values = Values(n_features, every, np.zeros(len(every), np.float32))
        self._squares = np.full(len(every), 1e-8, np.float32)
        self._rate = config.learning_rate
        self._at = [np.searchsorted(every, of_batch).astype(np.int32) for of_batch in keys]
        self._penalty = [(config.penalty / n_uses[at]).astype(np.float32) for at in self._at]

    def of_batch(self, batch: int) -> NDArray[np.float32]:
        """The values that a batch uses: (parts, features)."""
        return self.values.values[self._at[batch]]

    def step(self, batch: int, values: NDArray[np.float32], gradient: Floats) -> None:
        """One step from a batch's values by the gradient of its loss, which all of its parts have."""
        gradients = gradient.astype(np.float32) + self._penalty[batch] * values
        squares = self._squares[self._at[batch]] + gradients * gradients
        self._squares[self._at[batch]] = squares
        self.values.values[self._at[batch]] = values - self._rate * gradients / np.sqrt(squares)


def _errors(scores: Floats, choices: Choices) -> Floats:
    """The gradient of the loss, summed over the choices, with respect to the scores."""
    probabilities = softmax(scores, choices.starts)
    targets = np.where(choices.right, np.maximum(probabilities, 1e-300), 0)
    targets /= np.repeat(np.add.reduceat(targets, choices.starts[:-1]), np.diff(choices.starts))
    return probabilities - targets
