"""Theory: mean and mean square of softmax weights whose logits are independent random numbers.

With alpha_i = exp(x_i) / Z, Z = sum_j exp(x_j), and 1/Z = int_0^inf exp(-tZ) dt, 1/Z^2 = int_0^inf t exp(-tZ) dt,
independence turns the mean over all logits into a product of means over one each:

    E alpha_i   = int   E[exp(x_i)  exp(-t exp(x_i))]  prod_{j != i} E[exp(-t exp(x_j))]  dt
    E alpha_i^2 = int t E[exp(2x_i) exp(-t exp(x_i))]  prod_{j != i} E[exp(-t exp(x_j))]  dt

With t = exp(u) every integrand is analytic in a strip and decays fast, so the trapezoidal rule is exact to rounding
(Trefethen and Weideman 2014, theorem 5.1).

Letters: X nodes of a logit's distribution, U nodes of the integral over u.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

# The strip's half width is pi / 2, so a spacing of 0.3 leaves an error of exp(-pi^2 / 0.3), about 5e-15.
_SPACING = 0.3
_N_STDS = 8.5  # beyond lie 2e-17 of a normal distribution
_CHUNK_SIZE = 1 << 21
_LEFT, _RIGHT = 37.0, 4.0  # exp(-37) and exp(-exp(4)) vanish in double precision


@dataclass(frozen=True)
class LogitDistribution:
    """The distribution of one logit: values and their probabilities."""

    values: Float[Tensor, " X"]
    probabilities: Float[Tensor, " X"]


@dataclass(frozen=True)
class Moments:
    """Mean and mean square of one weight."""

    mean: float
    mean_square: float

    @property
    def variance(self) -> float:
        """E alpha^2 - (E alpha)^2, at least zero in spite of rounding."""
        return max(0.0, self.mean_square - self.mean**2)


def constant_logit(value: float) -> LogitDistribution:
    """A logit that does not vary."""
    return LogitDistribution(torch.tensor([value], dtype=torch.float64), torch.ones(1, dtype=torch.float64))


def normal_logit(mean: float, variance: float) -> LogitDistribution:
    """A normal logit on evenly spaced values, on which integrals of smooth functions are exact to rounding."""
    if variance == 0:
        return constant_logit(mean)
    std = math.sqrt(variance)
    spacing = min(0.7 * std, _SPACING)
    n = math.ceil(_N_STDS * std / spacing)
    steps = torch.arange(-n, n + 1, dtype=torch.float64) * spacing
    probabilities = torch.exp(-0.5 * (steps / std) ** 2)
    return LogitDistribution(mean + steps, probabilities / probabilities.sum())


def quadrature(low: float, high: float, width: float) -> tuple[Float[Tensor, " X"], Float[Tensor, " X"]]:
    """Nodes and weights of an integral from low to high: sixteen Gauss-Legendre nodes per panel of `width` or less."""
    nodes, parts = _gauss_legendre(16)
    edges = torch.linspace(low, high, max(1, math.ceil((high - low) / width)) + 1, dtype=torch.float64)
    half = (edges[1:] - edges[:-1])[:, None] / 2
    middle = (edges[1:] + edges[:-1])[:, None] / 2
    return (middle + half * nodes).flatten(), (half * parts).flatten()


def sum_of_independent(one: LogitDistribution, other: LogitDistribution) -> LogitDistribution:
    """The distribution of the sum of two independent random numbers."""
    values = one.values[:, None] + other.values
    return LogitDistribution(values.flatten(), (one.probabilities[:, None] * other.probabilities).flatten())


def softmax_moments(groups: Sequence[tuple[LogitDistribution, int]]) -> tuple[Moments, ...]:
    """For each group, a distribution and the number of logits that have it: the moments of one member's weight.

    A group may be empty; its moments are then zero and mean nothing.
    """
    filled = [(logit, n) for logit, n in groups if n > 0]
    low = -max(float(logit.values.max()) for logit, _ in filled) - _LEFT
    high = -max(float(logit.values.min()) for logit, _ in filled) + _RIGHT
    u = torch.arange(low, high, _SPACING, dtype=torch.float64)
    means = [_means(logit, u) if n else None for logit, n in groups]
    found = []
    for i, each in enumerate(means):
        if each is None:
            found.append(Moments(0.0, 0.0))
            continue
        rest = torch.ones_like(u)
        for j, (other, (_, n)) in enumerate(zip(means, groups, strict=True)):
            if other is not None:
                rest = rest * other[0] ** (n - 1 if i == j else n)
        mean, mean_square = (float(_SPACING * (each[power] * rest).sum()) for power in (1, 2))
        found.append(Moments(mean, mean_square))
    return tuple(found)


def _means(logit: LogitDistribution, u: Float[Tensor, " U"]) -> Float[Tensor, "3 U"]:
    """E[y^p exp(-y)] with y = exp(u + x), for p = 0, 1, 2."""
    found = torch.zeros(3, u.numel(), dtype=torch.float64)
    n_values = max(1, _CHUNK_SIZE // u.numel())
    for first in range(0, logit.values.numel(), n_values):
        part = slice(first, first + n_values)
        log_y = (u[:, None] + logit.values[part]).clamp(max=700)  # U X; exp(700) is still finite
        y = log_y.exp()
        decay = (-y).exp()
        for power, factor in enumerate((decay, y * decay, y * (y * decay))):
            found[power] += factor @ logit.probabilities[part]
    return found


def _gauss_legendre(n: int) -> tuple[Float[Tensor, " {n}"], Float[Tensor, " {n}"]]:
    """Nodes and weights on [-1, 1], from the eigenvalues of Jacobi's matrix (Golub and Welsch 1969)."""
    k = torch.arange(1, n, dtype=torch.float64)
    off = k / (4 * k**2 - 1).sqrt()
    nodes, vectors = torch.linalg.eigh(torch.diag(off, 1) + torch.diag(off, -1))
    return nodes, 2 * vectors[0] ** 2
