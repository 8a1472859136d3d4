"""How do several heads help where one is fragile?

One head has the query beta (mu_a + mu_b), and its output varies with eps; two heads have beta mu_a and beta mu_b, and
c = (c_1 + c_2) / 2. Head 2 does not depend on eps, as mu_b is orthogonal to mu_a. Without noise head 1 gives v_a the
weight 1 / (1 + (n-1) exp(-beta (1 + eps))), nearly 1 while beta (1 + eps) is well above ln(n-1). If eps < -1, with
probability Phi(-1/s) for s^2 = spread, the key points away: q_1 . k_a < 0, and head 1 attends to all the other values
instead. The assignment leaves that case out; the theory in `noisy_heads` includes it.

Letters: S samples, H heads, N keys.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from closedbook.lab.config import MAX_NOISE, HeadsConfig
from closedbook.lab.estimate import Estimate, Row, mean_of, proportion_of, variance_of
from closedbook.lab.keys import DrawnWeights, NoisyKeys, orthonormal, seeded
from closedbook.lab.noisy_heads import NoisyHeads, expected_output, probability_flipped

BETAS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
N_BINS = 41  # odd, so that a half is in the middle of a bin
_MIN_FLIPPED = 30


@dataclass(frozen=True)
class HeadsPoint:
    """One number of heads at one beta."""

    subset: int
    heads: int
    beta: float
    squared_error: Estimate
    """|c - average|^2."""
    variance: Estimate
    """|c - E c|^2."""
    weight: Estimate
    """The weight of v_a, the first value, in c."""


@dataclass(frozen=True)
class WeightHistogram:
    """Distribution of w_a, the weight of v_a in c, for one number of heads."""

    heads: int
    proportions: tuple[float, ...]
    """Proportion of the samples in each of `N_BINS` equal bins from 0 to 1."""


@dataclass(frozen=True)
class HeadsResult:
    """One head compared with several on keys of the same distribution; then numbers of heads for a larger subset."""

    config: HeadsConfig
    one: HeadsPoint
    several: HeadsPoint
    flipped: Estimate
    """P(eps < -1) of the first key."""
    one_flipped: Estimate | None
    """|c - average|^2 of one head over the draws in which the first key is flipped; None if they are too few."""
    several_flipped: Estimate | None
    """The same for several heads."""
    histograms: tuple[WeightHistogram, WeightHistogram]
    """For one head, and for several."""
    sweep: tuple[HeadsPoint, ...]
    """One head and several, for each beta."""
    larger: tuple[HeadsPoint, ...]
    """Numbers of heads for the larger subset, all of whose keys vary in length."""

    def message(self) -> str:
        """The output's variance with one head and with several."""
        ratio = self.one.variance.simulation / max(self.several.variance.simulation, 1e-300)
        return (
            f"Heads that ask for one key each need no tie: the output's variance is "
            f"{self.one.variance.simulation:.3f} with one head, {self.several.variance.simulation:.3f} with "
            f"{self.several.heads}" + (f", {ratio:.1f} times less." if ratio > 1 else ".")
        )

    def rows(self) -> tuple[Row, ...]:
        """Flipped keys, then three quantities for each point."""
        rows = [Row("P(eps < -1)", "any", self.flipped)]
        for point, flipped in ((self.one, self.one_flipped), (self.several, self.several_flipped)):
            if flipped is not None:
                rows.append(Row("|c - average|^2 if eps < -1", _where(point), flipped))
        for point in (self.one, self.several, *self.sweep, *self.larger):
            rows.append(Row("|c - average|^2", _where(point), point.squared_error))
            rows.append(Row("Var(c)", _where(point), point.variance))
            rows.append(Row("E w_a", _where(point), point.weight))
        return tuple(rows)

    def notes(self) -> tuple[str, ...]:
        """Nothing more than the message says."""
        return ()


def _where(point: HeadsPoint) -> str:
    heads = "1 head" if point.heads == 1 else f"{point.heads} heads"
    return f"{heads}, {point.subset} keys, beta {point.beta:g}"


def run(config: HeadsConfig) -> HeadsResult:
    """Measure one head and several at one beta, sweep beta, and divide a larger subset among numbers of heads."""
    generator = seeded(config.seed)
    one, several = (noisy_heads(config, heads, config.beta) for heads in (1, config.heads))
    drawn = [_draw(config, heads, generator) for heads in (one, several)]
    betas = [beta for beta in BETAS if config.alpha * beta**2 <= MAX_NOISE]
    sweep = [replace(heads, beta=beta) for beta in betas for heads in (one, several)]
    divisors = [n_heads for n_heads in range(1, config.larger + 1) if config.larger % n_heads == 0]
    larger = [replace(one, subset=config.larger, fragile=config.larger, heads=n_heads) for n_heads in divisors]
    eps = torch.cat([draws.eps[:, 0] for draws in drawn])
    return HeadsResult(
        config,
        one=_point(one, drawn[0]),
        several=_point(several, drawn[1]),
        flipped=proportion_of(eps < -1, probability_flipped(config.spread)),
        one_flipped=_when_flipped(one, drawn[0]),
        several_flipped=_when_flipped(several, drawn[1]),
        histograms=(_histogram(one, drawn[0]), _histogram(several, drawn[1])),
        sweep=tuple(_point(heads, _draw(config, heads, generator)) for heads in sweep),
        larger=tuple(_point(heads, _draw(config, heads, generator)) for heads in larger),
    )


def noisy_heads(config: HeadsConfig, n_heads: int, beta: float) -> NoisyHeads:
    """That many heads at one beta, with the rest as configured."""
    return NoisyHeads(config.n, config.subset, n_heads, config.fragile, beta, config.alpha, config.spread)


def _draw(config: HeadsConfig, heads: NoisyHeads, generator: torch.Generator) -> DrawnWeights:
    means = orthonormal(config.n, config.d, generator)
    keys = NoisyKeys(means, heads.alpha, heads.spread, heads.fragile)
    return keys.draw(heads.queries(means), config.samples, generator)


def _squared_errors(heads: NoisyHeads, drawn: DrawnWeights) -> Float[Tensor, " S"]:
    """|c - average|^2 for orthonormal values."""
    return (drawn.weights.mean(1) - heads.target()).square().sum(1)


def _point(heads: NoisyHeads, drawn: DrawnWeights) -> HeadsPoint:
    theory = expected_output(heads)
    w = drawn.weights.mean(1)  # S N
    return HeadsPoint(
        subset=heads.subset,
        heads=heads.heads,
        beta=heads.beta,
        squared_error=mean_of(_squared_errors(heads, drawn), theory.squared_error),
        variance=variance_of(w, theory.variance),
        weight=mean_of(w[:, 0], theory.weights[0]),
    )


def _when_flipped(heads: NoisyHeads, drawn: DrawnWeights) -> Estimate | None:
    """The error over the draws whose first key is flipped; None if they are too few for a standard error."""
    flipped = drawn.eps[:, 0] < -1
    if int(flipped.sum()) < _MIN_FLIPPED:
        return None
    theory = expected_output(heads, flipped=True)
    return mean_of(_squared_errors(heads, drawn)[flipped], theory.squared_error)


def _histogram(heads: NoisyHeads, drawn: DrawnWeights) -> WeightHistogram:
    w = drawn.weights.mean(1)
    index = (w[:, 0] * N_BINS).long().clamp(max=N_BINS - 1)
    proportions = torch.bincount(index, minlength=N_BINS).double() / len(w)
    return WeightHistogram(heads.heads, tuple(proportions.tolist()))
