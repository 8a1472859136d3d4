"""When is the output the average of some of the values?

Orthonormal keys, k of them wanted, q = beta * (their sum): each wanted key has the logit beta, every other 0, so

    alpha = 1 / (k + (n-k) exp(-beta))        each wanted key's weight
    leak  = 1 - k alpha = (n-k) exp(-beta) / (k + (n-k) exp(-beta))

and with independent values of mean square length 1, E |c - average|^2 = leak^2 (1/k + 1/(n-k)).

Letters: S samples, P places of the sweep, N keys, D dimensions.
"""

import math
from dataclasses import dataclass

import torch

from closedbook.lab.config import AveragingConfig
from closedbook.lab.estimate import Estimate, Row, mean_of
from closedbook.lab.scene import chunks, normal, orthonormal, seeded, weights

BETAS = tuple(float(beta) for beta in range(0, 16, 2))


@dataclass(frozen=True)
class AveragingPoint:
    """One subset at one beta."""

    n: int
    subset: int
    beta: float
    weight: Estimate
    """alpha of the wanted key that has least; nothing about it is random."""
    square: Estimate
    """|c - average|^2."""


@dataclass(frozen=True)
class AveragingResult:
    """The sweep, the point that was asked for, and the beta that a wanted error needs."""

    config: AveragingConfig
    sweep: tuple[AveragingPoint, ...]
    point: AveragingPoint
    beta_needed: float
    at_beta_needed: AveragingPoint

    def rows(self) -> tuple[Row, ...]:
        """The table."""
        points = (self.point, self.at_beta_needed, *self.sweep)
        alphas = (Row("weight alpha_a", f"{p.subset} of {p.n}, beta {p.beta:.4g}", p.weight) for p in points)
        squares = (Row("|c - average|^2", f"{p.subset} of {p.n}, beta {p.beta:.4g}", p.square) for p in points)
        return (*alphas, *squares)

    def notes(self) -> tuple[str, ...]:
        """What the table cannot say."""
        measured = math.sqrt(self.at_beta_needed.square.simulation)
        return (
            f"beta needed for an error of {self.config.wanted:g} (root mean square), {self.config.subset} of "
            f"{self.config.n} keys: {self.beta_needed:.4f}; measured there: {measured:.6g}",
        )


def weight(n: int, subset: int, beta: float) -> float:
    """alpha of each wanted key."""
    return 1 / (subset + (n - subset) * math.exp(-beta))


def mean_square(n: int, subset: int, beta: float) -> float:
    """E |c - average|^2: the wanted keys lack leak / k each, the others have leak / (n-k) each."""
    leak = 1 - subset * weight(n, subset, beta)
    return leak**2 * (1 / subset + 1 / (n - subset))


def beta_needed(n: int, subset: int, wanted: float) -> float:
    """The beta at which the error's root mean square is `wanted`: mean_square(n, k, beta) = wanted^2, solved for beta.

    0 where even attention to all keys alike would do.
    """
    if mean_square(n, subset, 0.0) <= wanted**2:
        return 0.0
    leak = wanted / math.sqrt(1 / subset + 1 / (n - subset))
    return math.log((n - subset) * (1 - leak) / (subset * leak))


def run(config: AveragingConfig) -> AveragingResult:
    """Sweep beta for subsets of one key, of two, of those asked for, and of half of all."""
    subsets = sorted({1, min(2, config.n - 1), config.subset, config.n // 2})
    needed = beta_needed(config.n, config.subset, config.wanted)
    places = [(config.subset, config.beta), (config.subset, needed)]
    places += [(subset, beta) for subset in subsets for beta in BETAS]
    point, at_needed, *sweep = _points(config, places)
    return AveragingResult(config, tuple(sweep), point, needed, at_needed)


def _points(config: AveragingConfig, places: list[tuple[int, float]]) -> list[AveragingPoint]:
    """A point a subset and beta; all of them average the same draws of values."""
    n, d = config.n, config.d
    generator = seeded(config.seed)
    keys = orthonormal(n, d, generator)
    queries = torch.stack([beta * keys[:subset].sum(0) for subset, beta in places])
    alpha = weights(queries, keys)  # P N
    targets = torch.zeros_like(alpha)
    for row, (subset, _) in enumerate(places):
        targets[row, :subset] = 1 / subset
    drawn = []
    for size in chunks(config.samples, len(places) * d):
        values = normal(generator, size, n, d) / math.sqrt(d)
        drawn.append(((alpha - targets) @ values).square().sum(-1))
    squares = torch.cat(drawn)  # S P
    return [
        AveragingPoint(
            n=n,
            subset=subset,
            beta=beta,
            weight=Estimate(weight(n, subset, beta), float(alpha[row, :subset].min()), 0.0, 1),
            square=mean_of(squares[:, row], mean_square(n, subset, beta)),
        )
        for row, (subset, beta) in enumerate(places)
    ]
