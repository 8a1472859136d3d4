"""When does the average survive noise in the keys?

k_i = mu_i + N(0, alpha I), mu_i orthonormal, q = beta (mu_a + mu_b), so |q|^2 = 2 beta^2. Each logit is normal with
variance alpha |q|^2 = 2 alpha beta^2, and the keys are independent, so the two wanted logits differ by

    Delta = q . k_a - q . k_b  ~  N(0, 4 alpha beta^2)

and the share alpha_a / (alpha_a + alpha_b) = sigmoid(Delta) is logit-normal: near a half while alpha beta^2 << 1.

Letters: S samples, N keys.
"""

import math
from dataclasses import dataclass

import torch

from closedbook.lab.config import NoiseConfig
from closedbook.lab.estimate import Estimate, Row, mean_of, proportion_of, variance_of
from closedbook.lab.keys import NoisyKeys, orthonormal, seeded
from closedbook.lab.logit_normal import LogitNormal
from closedbook.lab.noisy_heads import NoisyHeads, expected_output
from closedbook.lab.shares import Bin, histogram, logit_difference

GRID_ALPHAS = tuple(10 ** (-4 + 3.5 * i / 14) for i in range(15))
GRID_BETAS = tuple(10 ** (1.6 * i / 14) for i in range(15))
_SIMULATED = (2, 7, 12)
"""Indices of the grid's rows and columns that are simulated as well."""


@dataclass(frozen=True)
class NoisePoint:
    """One alpha and one beta."""

    alpha: float
    beta: float
    difference: Estimate
    """The variance of Delta."""
    share: Estimate
    """The variance of the share."""
    within: Estimate
    """P(the share is close to a half)."""
    squared_error: Estimate
    """|c - average|^2, with the weights of all other keys."""


@dataclass(frozen=True)
class NoiseResult:
    """The configured point with the distribution of its share, and the error on a grid of alpha and beta."""

    config: NoiseConfig
    point: NoisePoint
    histogram: tuple[Bin, ...]
    alphas: tuple[float, ...]
    betas: tuple[float, ...]
    errors: tuple[tuple[float, ...], ...]
    """Theory: the root of E |c - average|^2 for each alpha (rows) and beta (columns)."""
    simulated: tuple[NoisePoint, ...]
    """Some points of the grid, simulated."""

    def message(self) -> str:
        """How often the average survives at the configured point."""
        return (
            f"Noise in the keys breaks the tie: at a variance of {self.config.alpha:g} and a score of "
            f"{self.config.beta:g}, {self.point.within.simulation:.0%} of the draws weigh two values nearly equally."
        )

    def rows(self) -> tuple[Row, ...]:
        """Four quantities for each simulated point."""
        rows = []
        for p in (self.point, *self.simulated):
            where = f"alpha {p.alpha:.3g}, beta {p.beta:.3g}"
            rows += [
                Row("Var(logit a - logit b)", where, p.difference),
                Row("Var(share)", where, p.share),
                Row(f"P(share within {self.config.within:.0%})", where, p.within),
                Row("|c - average|^2", where, p.squared_error),
            ]
        return tuple(rows)

    def notes(self) -> tuple[str, ...]:
        """alpha beta^2, and the best beta of the grid for the configured alpha."""
        product = self.config.alpha * self.config.beta**2
        wanted = math.log(max(self.config.alpha, 1e-12))
        row = min(range(len(self.alphas)), key=lambda row: abs(math.log(self.alphas[row]) - wanted))
        best = min(range(len(self.betas)), key=lambda column: self.errors[row][column])
        return (
            f"alpha beta^2 = {product:.4g} (the average survives while that is far below 1)",
            f"at alpha {self.alphas[row]:.3g} the best beta of the grid is {self.betas[best]:.3g}",
        )


def difference_variance(alpha: float, beta: float) -> float:
    """Variance of q . k_a - q . k_b: twice alpha |q|^2, where |q|^2 = 2 beta^2."""
    return 4 * alpha * beta**2


def run(config: NoiseConfig) -> NoiseResult:
    """Simulate the configured point and some points of the grid; compute the theory of the whole grid."""
    generator = seeded(config.seed)
    point, histogram = simulate(config, config.alpha, config.beta, generator)
    simulated = tuple(
        simulate(config, GRID_ALPHAS[row], GRID_BETAS[column], generator)[0]
        for row in _SIMULATED
        for column in _SIMULATED
    )
    errors = tuple(
        tuple(math.sqrt(expected_output(_head(config.n, alpha, beta)).squared_error) for beta in GRID_BETAS)
        for alpha in GRID_ALPHAS
    )
    return NoiseResult(config, point, histogram, GRID_ALPHAS, GRID_BETAS, errors, simulated)


def _head(n: int, alpha: float, beta: float) -> NoisyHeads:
    return NoisyHeads(n=n, subset=2, heads=1, fragile=0, beta=beta, alpha=alpha, spread=0.0)


def simulate(
    config: NoiseConfig, alpha: float, beta: float, generator: torch.Generator
) -> tuple[NoisePoint, tuple[Bin, ...]]:
    """Simulate one alpha and one beta; also returns the histogram of the share."""
    head = _head(config.n, alpha, beta)
    means = orthonormal(config.n, config.d, generator)
    drawn = NoisyKeys(means, alpha, 0.0, 0).draw(head.queries(means), config.samples, generator)
    a, b = drawn.weights[:, 0, 0], drawn.weights[:, 0, 1]
    difference = logit_difference(a, b)
    share = a / (a + b)
    theory = LogitNormal(difference_variance(alpha, beta))
    squared_error = (drawn.weights[:, 0] - head.target()).square().sum(1)
    point = NoisePoint(
        alpha=alpha,
        beta=beta,
        difference=variance_of(difference, theory.logit_variance),
        share=variance_of(share, theory.variance),
        within=proportion_of((share - 0.5).abs() <= config.within / 2, theory.within(config.within)),
        squared_error=mean_of(squared_error, expected_output(head).squared_error),
    )
    return point, histogram(share, theory)
