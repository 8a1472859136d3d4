"""When is the output a copy of one value?

Key j has the logit m + l, another key exactly l, and the n - 2 others stand lower by excesses e_i, Exp(1) each: a
crowd below a margin m. With Z = exp(m) + 1 + sum exp(-e_i) and values at right angles,

    1 - alpha_j  <=  (n-1) exp(-m) / (1 + (n-1) exp(-m))        equality where every excess is 0
    |c - v_j|^2  =   (1 - alpha_j)^2 + sum_{i != j} alpha_i^2

Letters: S samples, N keys, D dimensions.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from closedbook.lab.config import CopyingConfig
from closedbook.lab.estimate import Estimate, Row, mean_of
from closedbook.lab.moments import Logit, Moments, fixed, panels, softmax_moments
from closedbook.lab.scene import chunks, orthonormal, seeded, weights

MARGINS = tuple(float(margin) for margin in range(11))
_QUERY_LENGTH = 3.0  # any: the keys are made so that the logits come out as wanted
_WIDTH = math.sqrt(2)
"""The largest |v_i - v_j|, where values have length 1 and are at right angles."""


@dataclass(frozen=True)
class CopyingPoint:
    """One number of keys at one margin; the bounds hold for every draw."""

    n: int
    margin: float
    leak_bound: float
    distance_bound: float
    leak: Estimate
    """1 - alpha_j."""
    square: Estimate
    """|c - v_j|^2."""
    worst_leak: float
    """The largest that was drawn."""
    n_violations: int
    """Draws beyond a bound."""


@dataclass(frozen=True)
class CopyingResult:
    """The sweep, the point that was asked for, and the margin that a wanted distance needs."""

    config: CopyingConfig
    sweep: tuple[CopyingPoint, ...]
    point: CopyingPoint
    margin_needed: float
    at_margin_needed: float
    """|c - v_j| at that margin with no excess anywhere and all the other values alike: the worst case."""

    def rows(self) -> tuple[Row, ...]:
        """The table."""
        points = (self.point, *self.sweep)
        leaks = (Row("leak 1 - alpha_j", f"n {p.n}, margin {p.margin:g}", p.leak) for p in points)
        squares = (Row("|c - v_j|^2", f"n {p.n}, margin {p.margin:g}", p.square) for p in points)
        return (*leaks, *squares)

    def notes(self) -> tuple[str, ...]:
        """What the table cannot say."""
        n_draws = sum(point.leak.samples for point in (self.point, *self.sweep))
        n_violations = sum(point.n_violations for point in (self.point, *self.sweep))
        return (
            f"beyond the bound: {n_violations} of {n_draws:,} draws",
            f"margin needed for |c - v_j| <= {self.config.wanted:g} among {self.config.n} keys: "
            f"{self.margin_needed:.4f}; at it the worst case measures {self.at_margin_needed:.6g}",
        )


def leak_bound(n: int, margin: float) -> float:
    """The most that can be missing from alpha_j."""
    others = (n - 1) * math.exp(-margin)
    return others / (1 + others)


def margin_needed(n: int, wanted: float, width: float = _WIDTH) -> float:
    """The margin from which |c - v_j| <= wanted for certain, where no other value is further than `width` from v_j.

    leak_bound(n, m) * width = wanted, solved for m.
    """
    leak = wanted / width
    return math.log((n - 1) * (1 - leak) / leak)


def crowd_moments(n: int, margin: float) -> tuple[Moments, Moments, Moments]:
    """Of the copied key's weight, of the next one's, and of one of the crowd's."""
    excess, parts = panels(0.0, 40.0, 2.0)
    crowd = Logit(-excess, parts * torch.exp(-excess))
    copied, following, below = softmax_moments(((fixed(margin), 1), (fixed(0.0), 1), (crowd, n - 2)))
    return copied, following, below


def run(config: CopyingConfig) -> CopyingResult:
    """Sweep the margin for three numbers of keys up to n."""
    generator = seeded(config.seed)
    sizes = sorted({2, math.isqrt(config.n - 1) + 1, config.n})
    sweep = tuple(_point(config, n, margin, generator) for n in sizes for margin in MARGINS)
    needed = margin_needed(config.n, config.wanted)
    point = _point(config, config.n, config.margin, generator)
    return CopyingResult(config, sweep, point, needed, _worst_case(config, needed))


def _point(config: CopyingConfig, n: int, margin: float, generator: torch.Generator) -> CopyingPoint:
    copied, following, below = crowd_moments(n, margin)
    of_copied = max(
        0.0, 1 - 2 * copied.mean + copied.square
    )  # E (1 - alpha_j)^2; rounding makes it no less than nought
    squares = of_copied + following.square + (n - 2) * below.square
    alpha, c = _draw(config, n, margin, generator)
    leak = alpha[:, 1:].sum(1)
    square = (c - torch.eye(n, dtype=c.dtype)[0]).square().sum(1)
    bound = leak_bound(n, margin)
    slack = 1e-12  # rounding
    beyond = (leak > bound + slack) | (square.sqrt() > leak * _WIDTH + slack)
    return CopyingPoint(
        n=n,
        margin=margin,
        leak_bound=bound,
        distance_bound=bound * _WIDTH,
        leak=mean_of(leak, following.mean + (n - 2) * below.mean),
        square=mean_of(square, squares),
        worst_leak=float(leak.max()),
        n_violations=int(beyond.sum()),
    )


def _draw(
    config: CopyingConfig, n: int, margin: float, generator: torch.Generator
) -> tuple[Float[Tensor, "S N"], Float[Tensor, "S N"]]:
    """Weights, and outputs in the coordinates of the values, from keys that have the wanted logits along the query."""
    directions = orthonormal(n, config.d, generator)
    values = orthonormal(n, config.d, generator)
    q = _QUERY_LENGTH * directions[0]
    across = directions - torch.outer(directions @ q, q) / _QUERY_LENGTH**2  # the part that the query does not see
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
    """|c - v_j| where every other key stands exactly the margin below and has one and the same value."""
    directions = orthonormal(config.n, config.d, seeded(config.seed))
    q = margin * directions[0]
    values = directions[1].expand(config.n, -1).clone()
    values[0] = directions[0]
    c = weights(q[None], directions)[0] @ values
    return float((c - values[0]).norm())
