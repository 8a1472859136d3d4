"""What happens to the average when one key's length varies?

Sigma_a = alpha I + spread mu_a mu_a^T, so k_a = (1 + eps) mu_a + noise with eps ~ N(0, spread); all other keys have the
noise alone. With q = beta (mu_a + mu_b) the logits of a and b differ by

    Delta = beta eps + noise  ~  N(0, beta^2 (spread + 4 alpha))

and as beta grows the share sigmoid(Delta) tends to 0 or 1, like a fair coin: what sharpens attention magnifies eps too.

Letters: S samples, N keys.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from closedbook.lab.config import MAX_NOISE, FragilityConfig
from closedbook.lab.estimate import Estimate, Row, mean_of, proportion_of, variance_of
from closedbook.lab.keys import NoisyKeys, orthonormal, seeded
from closedbook.lab.logit_normal import LogitNormal
from closedbook.lab.noisy_heads import NoisyHeads, expected_output, probability_flipped
from closedbook.lab.shares import Bin, histogram, logit_difference

BETAS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)


@dataclass(frozen=True)
class FragilityPoint:
    """One beta."""

    beta: float
    difference: Estimate
    """The variance of Delta."""
    share: Estimate
    """The variance of the share."""
    within: Estimate
    """P(the share is close to a half)."""
    squared_error: Estimate
    """|c - average|^2, with the weights of all other keys."""
    histogram: tuple[Bin, ...]
    """Distribution of the share."""


@dataclass(frozen=True)
class FragilityResult:
    """The configured point, and the sweep over beta."""

    config: FragilityConfig
    point: FragilityPoint
    flipped: Estimate
    """P(eps < -1): k_a points away from mu_a, and q . k_a < 0."""
    logit_when_flipped: Estimate
    """E[min(1 + eps, 0)]: the part of q . k_a / beta that is below zero."""
    sweep: tuple[FragilityPoint, ...]

    def message(self) -> str:
        """The share's variance compared with a fair coin's."""
        return (
            f"If one key's length varies, one head returns either value: at a score of {self.point.beta:g} the share's "
            f"variance is {self.point.share.simulation:.2f}, and a fair coin's is 0.25."
        )

    def rows(self) -> tuple[Row, ...]:
        """Flipped keys, then four quantities for each beta."""
        rows = [
            Row("P(eps < -1)", "any beta", self.flipped),
            Row("E[min(1 + eps, 0)]", "any beta", self.logit_when_flipped),
        ]
        for p in (self.point, *self.sweep):
            where = f"beta {p.beta:g}"
            rows += [
                Row("Var(logit a - logit b)", where, p.difference),
                Row("Var(share)", where, p.share),
                Row(f"P(share within {self.config.within:.0%})", where, p.within),
                Row("|c - average|^2", where, p.squared_error),
            ]
        return tuple(rows)

    def notes(self) -> tuple[str, ...]:
        """Nothing more than the message says."""
        return ()


def difference_variance(alpha: float, beta: float, spread: float) -> float:
    """Variance of q . k_a - q . k_b: beta eps, and the noise of two keys along q."""
    return beta**2 * (spread + 4 * alpha)


def mean_when_flipped(spread: float) -> float:
    """E[(1 + eps) 1(eps < -1)] = Phi(-1/s) - s phi(1/s), s the root of spread: how far below zero q . k_a falls."""
    if spread == 0:
        return 0.0
    density = math.exp(-1 / (2 * spread)) / math.sqrt(2 * math.pi)
    return probability_flipped(spread) - math.sqrt(spread) * density


def run(config: FragilityConfig) -> FragilityResult:
    """Measure the configured beta, then sweep beta as far as alpha beta^2 is allowed."""
    generator = seeded(config.seed)
    point, eps = _point(config, config.beta, generator)
    betas = [beta for beta in BETAS if config.alpha * beta**2 <= MAX_NOISE]
    return FragilityResult(
        config,
        point,
        flipped=proportion_of(eps < -1, probability_flipped(config.spread)),
        logit_when_flipped=mean_of((1 + eps).clamp(max=0), mean_when_flipped(config.spread)),
        sweep=tuple(_point(config, beta, generator)[0] for beta in betas),
    )


def _point(
    config: FragilityConfig, beta: float, generator: torch.Generator
) -> tuple[FragilityPoint, Float[Tensor, " S"]]:
    """One beta, and the drawn eps."""
    head = NoisyHeads(config.n, 2, 1, fragile=1, beta=beta, alpha=config.alpha, spread=config.spread)
    means = orthonormal(config.n, config.d, generator)
    drawn = NoisyKeys(means, config.alpha, config.spread, 1).draw(head.queries(means), config.samples, generator)
    a, b = drawn.weights[:, 0, 0], drawn.weights[:, 0, 1]
    share = a / (a + b)
    theory = LogitNormal(difference_variance(config.alpha, beta, config.spread))
    squared_error = (drawn.weights[:, 0] - head.target()).square().sum(1)
    point = FragilityPoint(
        beta=beta,
        difference=variance_of(logit_difference(a, b), theory.logit_variance),
        share=variance_of(share, theory.variance),
        within=proportion_of((share - 0.5).abs() <= config.within / 2, theory.within(config.within)),
        squared_error=mean_of(squared_error, expected_output(head).squared_error),
        histogram=histogram(share, theory),
    )
    return point, drawn.eps[:, 0]
