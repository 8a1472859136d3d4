"""When is the output a copy of one value?

Key j has the logit m + l, one other key exactly l, and each of the remaining n - 2 the logit l - e_i with an excess
e_i ~ Exp(1). So m is the margin of key j. With Z = exp(m) + 1 + sum exp(-e_i) and orthonormal values,

    1 - alpha_j  <=  (n-1) exp(-m) / (1 + (n-1) exp(-m))        equality where every excess is 0
    |c - v_j|^2  =   (1 - alpha_j)^2 + sum_{i != j} alpha_i^2

Letters: S samples, N keys, D dimensions.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from closedbook.lab.config import CopyingConfig
from closedbook.lab.estimate import Estimate, Row, mean_of
from closedbook.lab.keys import chunks, orthonormal, seeded, weights
from closedbook.lab.moments import LogitDistribution, Moments, constant_logit, quadrature, softmax_moments

MARGINS = tuple(float(margin) for margin in range(11))
_QUERY_LENGTH = 3.0  # any positive length: the keys are made to give the intended logits
_MAX_DISTANCE = math.sqrt(2)
"""The largest |v_i - v_j| of orthonormal values."""


@dataclass(frozen=True)
class CopyingPoint:
    """One number of keys at one margin; the bounds hold for every draw."""

    n: int
    margin: float
    leak_bound: float
    distance_bound: float
    leak: Estimate
    """1 - alpha_j."""
    squared_error: Estimate
    """|c - v_j|^2."""
    max_leak: float
    """The largest leak of any draw."""
    n_violations: int
    """Draws beyond a bound."""


@dataclass(frozen=True)
class CopyingResult:
    """The sweep, the configured point, and the margin that the wanted distance needs."""

    config: CopyingConfig
    sweep: tuple[CopyingPoint, ...]
    point: CopyingPoint
    margin_needed: float
    at_margin_needed: float
    """|c - v_j| at that margin in the worst case: every excess is 0 and all other values are equal."""

    def message(self) -> str:
        """How large a margin copies a value."""
        return (
            f"Attention copies a value when one score leads: among {self.config.n} keys a margin of "
            f"{self.margin_needed:.1f} brings the output within {self.config.wanted:g} of it."
        )

    def rows(self) -> tuple[Row, ...]:
        """Leaks, then squared errors, each for all points."""
        points = (self.point, *self.sweep)
        leaks = (Row("leak 1 - alpha_j", f"n {p.n}, margin {p.margin:g}", p.leak) for p in points)
        errors = (Row("|c - v_j|^2", f"n {p.n}, margin {p.margin:g}", p.squared_error) for p in points)
        return (*leaks, *errors)

    def notes(self) -> tuple[str, ...]:
        """Violations of the bound, and the margin that the wanted distance needs."""
        n_draws = sum(point.leak.n_samples for point in (self.point, *self.sweep))
        n_violations = sum(point.n_violations for point in (self.point, *self.sweep))
        return (
            f"beyond the bound: {n_violations} of {n_draws:,} draws",
            f"margin needed for |c - v_j| <= {self.config.wanted:g} among {self.config.n} keys: "
            f"{self.margin_needed:.4f}; measured there in the worst case: {self.at_margin_needed:.6g}",
        )


def leak_bound(n: int, margin: float) -> float:
    """The largest possible 1 - alpha_j."""
    others = (n - 1) * math.exp(-margin)
    return others / (1 + others)


def margin_needed(n: int, wanted: float, max_distance: float = _MAX_DISTANCE) -> float:
    """The margin that guarantees |c - v_j| <= wanted if no other value is further than `max_distance` from v_j.

    Solves leak_bound(n, m) * max_distance = wanted.
    """
    leak = wanted / max_distance
    return math.log((n - 1) * (1 - leak) / leak)


class WeightMoments(NamedTuple):
    """Moments of the weights of the copied key, of the next one, and of one of the remaining n - 2."""

    copied: Moments
    following: Moments
    remaining: Moments


def weight_moments(n: int, margin: float) -> WeightMoments:
    """Theory of the weights at a margin."""
    excess, parts = quadrature(0.0, 40.0, 2.0)
    remaining = LogitDistribution(-excess, parts * torch.exp(-excess))
    groups = ((constant_logit(margin), 1), (constant_logit(0.0), 1), (remaining, n - 2))
    return WeightMoments(*softmax_moments(groups))


def run(config: CopyingConfig) -> CopyingResult:
    """Sweep the margin for three numbers of keys up to n."""
    generator = seeded(config.seed)
    sizes = sorted({2, math.isqrt(config.n - 1) + 1, config.n})
    sweep = tuple(_point(config, n, margin, generator) for n in sizes for margin in MARGINS)
    needed = margin_needed(config.n, config.wanted)
    point = _point(config, config.n, config.margin, generator)
    return CopyingResult(config, sweep, point, needed, _worst_case(config, needed))


def _point(config: CopyingConfig, n: int, margin: float, generator: torch.Generator) -> CopyingPoint:
    theory = weight_moments(n, margin)
    # E (1 - alpha_j)^2, at least zero in spite of rounding
    mean_squared_leak = max(0.0, 1 - 2 * theory.copied.mean + theory.copied.mean_square)
    mean_squared_error = mean_squared_leak + theory.following.mean_square + (n - 2) * theory.remaining.mean_square
    alpha, c = _draw(config, n, margin, generator)
    leak = alpha[:, 1:].sum(1)
    squared_error = (c - torch.eye(n, dtype=c.dtype)[0]).square().sum(1)
    bound = leak_bound(n, margin)
    rounding = 1e-12
    violates = (leak > bound + rounding) | (squared_error.sqrt() > leak * _MAX_DISTANCE + rounding)
    return CopyingPoint(
        n=n,
        margin=margin,
        leak_bound=bound,
        distance_bound=bound * _MAX_DISTANCE,
        leak=mean_of(leak, theory.following.mean + (n - 2) * theory.remaining.mean),
        squared_error=mean_of(squared_error, mean_squared_error),
        max_leak=float(leak.max()),
        n_violations=int(violates.sum()),
    )


def _draw(
    config: CopyingConfig, n: int, margin: float, generator: torch.Generator
) -> tuple[Float[Tensor, "S N"], Float[Tensor, "S N"]]:
    """Weights, and outputs in the coordinates of the values, from keys that give the intended logits."""
    directions = orthonormal(n, config.d, generator)
    values = orthonormal(n, config.d, generator)
    q = _QUERY_LENGTH * directions[0]
    across = directions - torch.outer(directions @ q, q) / _QUERY_LENGTH**2  # the part orthogonal to the query
    alphas, outputs = [], []
    for size in chunks(config.samples, n * config.d):
        logits = torch.zeros(size, n, dtype=torch.float64)
        logits[:, 0] = margin
        logits[:, 2:].exponential_(generator=generator).neg_()
        keys = across + logits[..., None] * q / _QUERY_LENGTH**2  # S N D
        alpha = weights(q.expand(size, 1, -1), keys)[:, 0]
        alphas.append(alpha)
        outputs.append(alpha @ values @ values.T)
    return torch.cat(alphas), torch.cat(outputs)


def _worst_case(config: CopyingConfig, margin: float) -> float:
    """|c - v_j| where every other key's logit is exactly `margin` lower and all the other values are equal."""
    directions = orthonormal(config.n, config.d, seeded(config.seed))
    q = margin * directions[0]
    values = directions[1].expand(config.n, -1).clone()
    values[0] = directions[0]
    c = weights(q[None], directions)[0] @ values
    return float((c - values[0]).norm())
