"""Theory of heads that average a subset of noisy keys, some of which vary in length.

The subset's k keys are divided evenly among h heads. The query of head j is q_j = beta * (the sum of the means of its
keys), and the output is c = (c_1 + ... + c_h) / h. With Cov(k_i) = alpha I + spread mu_i mu_i^T for the first keys of
the subset and alpha I for all others, the logits in a head of g keys are independent and normal:

    its own key          N(beta, alpha beta^2 g), and spread beta^2 more variance where the key's length varies
    any other key        N(0,    alpha beta^2 g), whether or not the key's length varies: mu_i . q_j = 0

The queries of two heads are orthogonal, so their logits are independent too. `moments` gives the mean and the mean
square of each weight. With orthonormal values, and w_i the weight of value i in c,

    E |c - average|^2 = sum_i (E w_i - t_i)^2 + sum_i Var w_i,    t_i = 1/k in the subset, else 0.

Letters: H heads, N keys, D dimensions.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from closedbook.lab.moments import (
    LogitDistribution,
    Moments,
    normal_logit,
    quadrature,
    softmax_moments,
    sum_of_independent,
)


@dataclass(frozen=True)
class NoisyHeads:
    """How many heads divide the subset (the first keys) among them, and how the keys vary."""

    n: int
    subset: int
    heads: int
    fragile: int
    beta: float
    alpha: float
    spread: float

    @property
    def n_keys_each(self) -> int:
        """g, the number of keys in a head's query."""
        return self.subset // self.heads

    def queries(self, means: Float[Tensor, "N D"]) -> Float[Tensor, "H D"]:
        """q_j = beta times the sum of the means of head j's keys."""
        return self.beta * means[: self.subset].reshape(self.heads, self.n_keys_each, -1).sum(1)

    def target(self) -> Float[Tensor, " N"]:
        """t, the weights of the average."""
        t = torch.zeros(self.n, dtype=torch.float64)
        t[: self.subset] = 1 / self.subset
        return t

    def n_fragile_in(self, head: int) -> int:
        """How many of a head's keys vary in length."""
        return min(self.n_keys_each, max(0, self.fragile - head * self.n_keys_each))


@dataclass(frozen=True)
class ExpectedOutput:
    """Theory of the output c."""

    weights: tuple[float, ...]
    """E w_i, of each value."""
    squared_error: float
    """E |c - average|^2."""
    variance: float
    """E |c - E c|^2."""


def expected_output(heads: NoisyHeads, *, flipped: bool = False) -> ExpectedOutput:
    """Error and variance of c; with `flipped`, given that the first key points away from its mean (eps < -1)."""
    means = torch.zeros(heads.heads, heads.n, dtype=torch.float64)
    variances = torch.zeros_like(means)
    known: dict[tuple[int, bool], tuple[Moments, ...]] = {}  # equal heads are computed once
    for head in range(heads.heads):
        is_first_flipped = flipped and head == 0
        groups = _groups(heads, head, is_first_flipped)
        kind = (heads.n_fragile_in(head), is_first_flipped)
        if kind not in known:
            known[kind] = softmax_moments(groups)
        own = torch.arange(head * heads.n_keys_each, (head + 1) * heads.n_keys_each)
        is_other = torch.ones(heads.n, dtype=torch.bool)
        is_other[own] = False
        n_varying = groups[0][1] + groups[1][1]
        members = (own[: groups[0][1]], own[groups[0][1] : n_varying], own[n_varying:], is_other.nonzero()[:, 0])
        for moments, keys in zip(known[kind], members, strict=True):
            means[head, keys], variances[head, keys] = moments.mean, moments.variance
    w, variance = means.mean(0), float(variances.sum()) / heads.heads**2
    squared_bias = float((w - heads.target()).square().sum())
    return ExpectedOutput(tuple(w.tolist()), squared_bias + variance, variance)


def probability_flipped(spread: float) -> float:
    """P(eps < -1): the key points away from its mean, so its logit in its own head is negative."""
    return 0.5 * math.erfc(1 / math.sqrt(2 * spread)) if spread else 0.0


def _groups(heads: NoisyHeads, head: int, flipped: bool) -> tuple[tuple[LogitDistribution, int], ...]:
    """Logits of a head and their number: the flipped key, keys that vary in length, keys that do not, all others."""
    beta, g = heads.beta, heads.n_keys_each
    noise = heads.alpha * beta**2 * g
    n_fragile = heads.n_fragile_in(head)
    varying = normal_logit(beta, noise + heads.spread * beta**2)
    first = _flipped(beta, noise, heads.spread) if flipped else varying
    return (
        (first, int(flipped)),
        (varying, n_fragile - int(flipped)),
        (normal_logit(beta, noise), g - n_fragile),
        (normal_logit(0.0, noise), heads.n - g),
    )


def _flipped(beta: float, noise: float, spread: float) -> LogitDistribution:
    """The logit beta (1 + eps) + noise, given eps < -1; below -1 - 8 standard deviations nothing is left."""
    std = math.sqrt(spread)
    eps, parts = quadrature(-1 - 8 * std, -1.0, min(std, 4 / max(beta, 1.0)))
    density = parts * torch.exp(-0.5 * (eps / std).square())
    return sum_of_independent(LogitDistribution(beta * (1 + eps), density / density.sum()), normal_logit(0.0, noise))
