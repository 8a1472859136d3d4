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
from closedbook.lab.estimate import Estimate, Row, mean_of, share_of, variance_of
from closedbook.lab.logit_normal import Share
from closedbook.lab.looking import Looking, expected
from closedbook.lab.scene import NoisyKeys, orthonormal, seeded
from closedbook.lab.shares import Bin, bins, logit_difference

MAP_ALPHAS = tuple(10 ** (-4 + 3.5 * i / 14) for i in range(15))
MAP_BETAS = tuple(10 ** (1.6 * i / 14) for i in range(15))
_MEASURED = (2, 7, 12)
"""Which rows and columns of the map are measured as well."""


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
    """P(the share is as good as a half)."""
    square: Estimate
    """|c - average|^2, other keys' weights counted."""


@dataclass(frozen=True)
class NoiseResult:
    """The point that was asked for with the distribution of its share, and the map over alpha and beta."""

    config: NoiseConfig
    point: NoisePoint
    histogram: tuple[Bin, ...]
    alphas: tuple[float, ...]
    betas: tuple[float, ...]
    map: tuple[tuple[float, ...], ...]
    """Theory: the root of E |c - average|^2 for each alpha (rows) and beta (columns)."""
    measured: tuple[NoisePoint, ...]
    """Some of the map's places, simulated."""

    def rows(self) -> tuple[Row, ...]:
        """The table."""
        rows = []
        for p in (self.point, *self.measured):
            where = f"alpha {p.alpha:.3g}, beta {p.beta:.3g}"
            rows += [
                Row("Var(logit a - logit b)", where, p.difference),
                Row("Var(share)", where, p.share),
                Row(f"P(share within {self.config.within:.0%})", where, p.within),
                Row("|c - average|^2", where, p.square),
            ]
        return tuple(rows)

    def notes(self) -> tuple[str, ...]:
        """What the table cannot say."""
        product = self.config.alpha * self.config.beta**2
        best = min(range(len(self.betas)), key=lambda column: self.map[self._row][column])
        return (
            f"alpha beta^2 = {product:.4g} (the average survives while that is far below 1)",
            f"at alpha {self.alphas[self._row]:.3g} the best beta of the map is {self.betas[best]:.3g}",
        )

    @property
    def _row(self) -> int:
        """The map's row that is nearest to the alpha asked for."""
        wanted = math.log(max(self.config.alpha, 1e-12))
        return min(range(len(self.alphas)), key=lambda row: abs(math.log(self.alphas[row]) - wanted))


def difference_variance(alpha: float, beta: float) -> float:
    """Of q . k_a - q . k_b: twice alpha |q|^2, where |q|^2 = 2 beta^2."""
    return 4 * alpha * beta**2


def run(config: NoiseConfig) -> NoiseResult:
    """Measure one point, and some places of the map; compute the rest of it."""
    generator = seeded(config.seed)
    point, histogram = measure(config, config.alpha, config.beta, generator)
    measured = tuple(
        measure(config, MAP_ALPHAS[row], MAP_BETAS[column], generator)[0] for row in _MEASURED for column in _MEASURED
    )
    theory = tuple(
        tuple(math.sqrt(expected(_looking(config.n, alpha, beta)).square) for beta in MAP_BETAS) for alpha in MAP_ALPHAS
    )
    return NoiseResult(config, point, histogram, MAP_ALPHAS, MAP_BETAS, theory, measured)


def _looking(n: int, alpha: float, beta: float) -> Looking:
    return Looking(n=n, subset=2, heads=1, fragile=0, beta=beta, alpha=alpha, spread=0.0)


def measure(
    config: NoiseConfig, alpha: float, beta: float, generator: torch.Generator
) -> tuple[NoisePoint, tuple[Bin, ...]]:
    """Simulate one alpha and one beta; the histogram is of the share."""
    looking = _looking(config.n, alpha, beta)
    means = orthonormal(config.n, config.d, generator)
    drawn = NoisyKeys(means, alpha, 0.0, 0).draw(looking.queries(means), config.samples, generator)
    a, b = drawn.weights[:, 0, 0], drawn.weights[:, 0, 1]
    difference = logit_difference(a, b)
    share = a / (a + b)
    theory = Share(difference_variance(alpha, beta))
    point = NoisePoint(
        alpha=alpha,
        beta=beta,
        difference=variance_of(difference, theory.logit_variance),
        share=variance_of(share, theory.variance),
        within=share_of((share - 0.5).abs() <= config.within / 2, theory.within(config.within)),
        square=mean_of((drawn.weights[:, 0] - looking.target()).square().sum(1), expected(looking).square),
    )
    return point, bins(share, theory)
