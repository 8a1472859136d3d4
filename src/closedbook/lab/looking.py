"""Theory of heads that look for the average of a subset among noisy keys, of which some vary in length.

The subset's k keys are shared out evenly among h heads; head j asks q_j = beta * (the sum of its means), and the output
is c = (c_1 + ... + c_h) / h. With Cov(k_i) = alpha I + spread mu_i mu_i^T for the first keys of the subset and alpha I
for all others, the logits in a head of g keys are independent and normal:

    its own key          N(beta, alpha beta^2 g)     and spread beta^2 more variance where its length varies
    any other key        N(0,    alpha beta^2 g)     whether or not its length varies: mu_i . q_j = 0

Queries of two heads are at right angles, so their logits are independent too. `moments` gives mean and mean square of
each weight; with values at right angles, of length 1, and w_i the weight of value i in c,

    E |c - average|^2 = sum_i (E w_i - t_i)^2 + sum_i Var w_i,    t_i = 1/k in the subset, else 0.

Letters: H heads, N keys, E places of an integral.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from closedbook.lab.moments import Logit, Moments, normal_logit, panels, softmax_moments, sum_of


@dataclass(frozen=True)
class Looking:
    """Heads, the subset they look for (the first keys), and how the keys vary."""

    n: int
    subset: int
    heads: int
    fragile: int
    beta: float
    alpha: float
    spread: float

    @property
    def keys_each(self) -> int:
        """g, the keys that a head looks for."""
        return self.subset // self.heads

    def queries(self, means: Float[Tensor, "N D"]) -> Float[Tensor, "H D"]:
        """q_j = beta times the sum of head j's means."""
        return self.beta * means[: self.subset].reshape(self.heads, self.keys_each, -1).sum(1)

    def target(self) -> Float[Tensor, " N"]:
        """t, the average's weights."""
        t = torch.zeros(self.n, dtype=torch.float64)
        t[: self.subset] = 1 / self.subset
        return t

    def n_fragile_in(self, head: int) -> int:
        """How many of a head's keys vary in length."""
        return min(self.keys_each, max(0, self.fragile - head * self.keys_each))


@dataclass(frozen=True)
class Expected:
    """What is expected of c."""

    weights: tuple[float, ...]
    """E w_i, of each value."""
    square: float
    """E |c - average|^2."""
    variance: float
    """E |c - E c|^2."""


def expected(looking: Looking, *, flipped: bool = False) -> Expected:
    """Error and variance of c; with `flipped`, given that the first key points away from its mean (eps < -1)."""
    means = torch.zeros(looking.heads, looking.n, dtype=torch.float64)
    variances = torch.zeros_like(means)
    known: dict[tuple[int, bool], tuple[Moments, ...]] = {}  # heads that are alike are worked out once
    for head in range(looking.heads):
        is_first_flipped = flipped and head == 0
        groups = _groups(looking, head, is_first_flipped)
        kind = (looking.n_fragile_in(head), is_first_flipped)
        if kind not in known:
            known[kind] = softmax_moments(groups)
        own = torch.arange(head * looking.keys_each, (head + 1) * looking.keys_each)
        is_other = torch.ones(looking.n, dtype=torch.bool)
        is_other[own] = False
        n_varying = groups[0][1] + groups[1][1]
        places = (own[: groups[0][1]], own[groups[0][1] : n_varying], own[n_varying:], is_other.nonzero()[:, 0])
        for moments, place in zip(known[kind], places, strict=True):
            means[head, place], variances[head, place] = moments.mean, moments.variance
    w, variance = means.mean(0), float(variances.sum()) / looking.heads**2
    bias = float((w - looking.target()).square().sum())
    return Expected(tuple(w.tolist()), bias + variance, variance)


def probability_flipped(spread: float) -> float:
    """P(eps < -1): the key points away from its mean, and its logit in the head that looks for it is below nought."""
    return 0.5 * math.erfc(1 / math.sqrt(2 * spread)) if spread else 0.0


def _groups(looking: Looking, head: int, flipped: bool) -> tuple[tuple[Logit, int], ...]:
    """Logits of a head: its key that is flipped, its others that vary in length, its firm ones, the rest."""
    beta, g = looking.beta, looking.keys_each
    noise = looking.alpha * beta**2 * g
    n_fragile = looking.n_fragile_in(head)
    varying = normal_logit(beta, noise + looking.spread * beta**2)
    first = _flipped(beta, noise, looking.spread) if flipped else varying
    return (
        (first, int(flipped)),
        (varying, n_fragile - int(flipped)),
        (normal_logit(beta, noise), g - n_fragile),
        (normal_logit(0.0, noise), looking.n - g),
    )


def _flipped(beta: float, noise: float, spread: float) -> Logit:
    """The logit beta (1 + eps) + noise, given eps < -1; from -1 on, eight standard deviations are enough."""
    deviation = math.sqrt(spread)
    eps, parts = panels(-1 - 8 * deviation, -1.0, min(deviation, 4 / max(beta, 1.0)))
    density = parts * torch.exp(-0.5 * (eps / deviation).square())
    return sum_of(Logit(beta * (1 + eps), density / density.sum()), normal_logit(0.0, noise))
