"""When is the output the average of some of the values?

Orthonormal keys, k of them wanted, q = beta * (their sum): each wanted key has the logit beta, every other 0, so

    alpha = 1 / (k + (n-k) exp(-beta))        each wanted key's weight
    leak  = 1 - k alpha = (n-k) exp(-beta) / (k + (n-k) exp(-beta))

and with independent values of mean square length 1, E |c - average|^2 = leak^2 (1/k + 1/(n-k)).

Letters: S samples, P points of the sweep, N keys, D dimensions.
"""

import math
from dataclasses import dataclass

import torch

from closedbook.lab.config import AveragingConfig
from closedbook.lab.estimate import Estimate, Row, mean_of
from closedbook.lab.keys import chunks, normal, orthonormal, seeded, weights

BETAS = tuple(float(beta) for beta in range(0, 16, 2))


@dataclass(frozen=True)
class AveragingPoint:
    """One subset size at one beta."""

    n: int
    subset: int
    beta: float
    weight: Estimate
    """The smallest weight of a wanted key; nothing about it is random."""
    squared_error: Estimate
    """|c - average|^2."""


@dataclass(frozen=True)
class AveragingResult:
    """The sweep, the configured point, and the beta that the wanted error needs."""

    config: AveragingConfig
    sweep: tuple[AveragingPoint, ...]
    point: AveragingPoint
    beta_needed: float
    at_beta_needed: AveragingPoint

    def message(self) -> str:
        """How large beta has to be for an average."""
        return (
            f"Attention averages values when their scores are tied: for {self.config.subset} of {self.config.n} keys a "
            f"score of {self.beta_needed:.1f} brings the output within {self.config.wanted:g} of their average."
        )

    def rows(self) -> tuple[Row, ...]:
        """Weights, then errors, each for all points."""
        points = (self.point, self.at_beta_needed, *self.sweep)
        alphas = (Row("weight alpha_a", f"{p.subset} of {p.n}, beta {p.beta:.4g}", p.weight) for p in points)
        errors = (Row("|c - average|^2", f"{p.subset} of {p.n}, beta {p.beta:.4g}", p.squared_error) for p in points)
        return (*alphas, *errors)

    def notes(self) -> tuple[str, ...]:
        """The beta that the wanted error needs."""
        measured = math.sqrt(self.at_beta_needed.squared_error.simulation)
        return (
            f"beta needed for an error of {self.config.wanted:g} (root mean square), {self.config.subset} of "
            f"{self.config.n} keys: {self.beta_needed:.4f}; measured there: {measured:.6g}",
        )


def weight(n: int, subset: int, beta: float) -> float:
    """alpha of each wanted key."""
    return 1 / (subset + (n - subset) * math.exp(-beta))


def mean_squared_error(n: int, subset: int, beta: float) -> float:
    """E |c - average|^2: each wanted key has leak / k too little weight, each of the others leak / (n-k) too much."""
    leak = 1 - subset * weight(n, subset, beta)
    return leak**2 * (1 / subset + 1 / (n - subset))


def beta_needed(n: int, subset: int, wanted: float) -> float:
    """The beta at which the root mean square error is `wanted`: mean_squared_error(n, k, beta) = wanted^2.

    0 where equal weights on all keys already have an error that small.
    """
    if mean_squared_error(n, subset, 0.0) <= wanted**2:
        return 0.0
    leak = wanted / math.sqrt(1 / subset + 1 / (n - subset))
    return math.log((n - subset) * (1 - leak) / (subset * leak))


def run(config: AveragingConfig) -> AveragingResult:
    """Sweep beta for subsets of one key, of two, of the configured size, and of half of all keys."""
    subsets = sorted({1, min(2, config.n - 1), config.subset, config.n // 2})
    needed = beta_needed(config.n, config.subset, config.wanted)
    cases = [(config.subset, config.beta), (config.subset, needed)]
    cases += [(subset, beta) for subset in subsets for beta in BETAS]
    point, at_needed, *sweep = _points(config, cases)
    return AveragingResult(config, tuple(sweep), point, needed, at_needed)


def _points(config: AveragingConfig, cases: list[tuple[int, float]]) -> list[AveragingPoint]:
    """One point for each (subset, beta); all of them average the same draws of values."""
    n, d = config.n, config.d
    generator = seeded(config.seed)
    keys = orthonormal(n, d, generator)
    queries = torch.stack([beta * keys[:subset].sum(0) for subset, beta in cases])
    alpha = weights(queries, keys)  # P N
    targets = torch.zeros_like(alpha)
    for row, (subset, _) in enumerate(cases):
        targets[row, :subset] = 1 / subset
    drawn = []
    for size in chunks(config.samples, len(cases) * d):
        values = normal(generator, size, n, d) / math.sqrt(d)
        drawn.append(((alpha - targets) @ values).square().sum(-1))
    squared_errors = torch.cat(drawn)  # S P
    return [
        AveragingPoint(
            n=n,
            subset=subset,
            beta=beta,
            weight=Estimate(weight(n, subset, beta), float(alpha[row, :subset].min()), 0.0, 1),
            squared_error=mean_of(squared_errors[:, row], mean_squared_error(n, subset, beta)),
        )
        for row, (subset, beta) in enumerate(cases)
    ]
