"""How do several heads help where one is fragile?

One head asks beta (mu_a + mu_b) and swings with eps; two heads ask beta mu_a and beta mu_b, and c = (c_1 + c_2) / 2.
Head 2 never sees eps, as mu_b is at right angles to mu_a. Without noise head 1 gives v_a the weight
1 / (1 + (n-1) exp(-beta (1 + eps))): all there is while beta (1 + eps) beats ln(n-1). Where eps < -1, which has the
probability Phi(-1/s), s^2 = spread, the key points away: q_1 . k_a < 0, and head 1 spreads over all the other values
instead. The assignment leaves that case out; the theory here (`looking`) counts it.

Letters: S samples, H heads, N keys.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from closedbook.lab.config import MOST_NOISE, HeadsConfig
from closedbook.lab.estimate import Estimate, Row, mean_of, share_of, variance_of
from closedbook.lab.looking import Looking, expected, probability_flipped
from closedbook.lab.scene import Draws, NoisyKeys, orthonormal, seeded

BETAS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
N_BINS = 41  # an odd number: a half lies in the middle of one
_FEWEST_FLIPPED = 30


@dataclass(frozen=True)
class HeadsPoint:
    """One number of heads at one beta."""

    subset: int
    heads: int
    beta: float
    square: Estimate
    """|c - average|^2."""
    variance: Estimate
    """|c - E c|^2."""
    weight: Estimate
    """The weight of v_a, the first value, in c."""


@dataclass(frozen=True)
class Cloud:
    """Where the outputs of one number of heads fall."""

    heads: int
    histogram: tuple[float, ...]
    """Of the samples the part in each of equal bins of w_a, the weight of v_a in c, from 0 to 1."""


@dataclass(frozen=True)
class HeadsResult:
    """One head beside several on the same keys; then numbers of heads for a larger subset."""

    config: HeadsConfig
    one: HeadsPoint
    several: HeadsPoint
    flipped: Estimate
    """P(eps < -1) of the first key."""
    one_flipped: Estimate | None
    """|c - average|^2 of one head, over the draws where the first key is flipped; none where they are too few."""
    several_flipped: Estimate | None
    """Likewise of several."""
    clouds: tuple[Cloud, Cloud]
    sweep: tuple[HeadsPoint, ...]
    """One head and several, for each beta."""
    larger: tuple[HeadsPoint, ...]
    """Numbers of heads for the larger subset, all of whose keys vary in length."""

    def rows(self) -> tuple[Row, ...]:
        """The table."""
        rows = [Row("P(eps < -1)", "any", self.flipped)]
        for point, flipped in ((self.one, self.one_flipped), (self.several, self.several_flipped)):
            if flipped is not None:
                rows.append(Row("|c - average|^2 if eps < -1", _where(point), flipped))
        for point in (self.one, self.several, *self.sweep, *self.larger):
            rows.append(Row("|c - average|^2", _where(point), point.square))
            rows.append(Row("Var(c)", _where(point), point.variance))
            rows.append(Row("E w_a", _where(point), point.weight))
        return tuple(rows)

    def notes(self) -> tuple[str, ...]:
        """What the table cannot say."""
        ratio = self.one.variance.simulation / max(self.several.variance.simulation, 1e-300)
        return (
            f"at beta {self.one.beta:g} the variance of c falls from {self.one.variance.simulation:.4f} with 1 head to "
            f"{self.several.variance.simulation:.4f} with {self.several.heads}: {ratio:.1f} times less",
        )


def _where(point: HeadsPoint) -> str:
    heads = "1 head" if point.heads == 1 else f"{point.heads} heads"
    return f"{heads}, {point.subset} keys, beta {point.beta:g}"


def run(config: HeadsConfig) -> HeadsResult:
    """Measure one head and several at one beta, sweep beta, and share a larger subset out."""
    generator = seeded(config.seed)
    here, there = (looking(config, heads, config.beta) for heads in (1, config.heads))
    drawn = [_draw(config, each, generator) for each in (here, there)]
    betas = [beta for beta in BETAS if config.alpha * beta**2 <= MOST_NOISE]
    sweep = [replace(each, beta=beta) for beta in betas for each in (here, there)]
    divisors = [heads for heads in range(1, config.larger + 1) if config.larger % heads == 0]
    larger = [replace(here, subset=config.larger, fragile=config.larger, heads=heads) for heads in divisors]
    eps = torch.cat([draws.eps[:, 0] for draws in drawn])
    return HeadsResult(
        config,
        one=_point(here, drawn[0]),
        several=_point(there, drawn[1]),
        flipped=share_of(eps < -1, probability_flipped(config.spread)),
        one_flipped=_when_flipped(here, drawn[0]),
        several_flipped=_when_flipped(there, drawn[1]),
        clouds=(_cloud(here, drawn[0]), _cloud(there, drawn[1])),
        sweep=tuple(_point(each, _draw(config, each, generator)) for each in sweep),
        larger=tuple(_point(each, _draw(config, each, generator)) for each in larger),
    )


def looking(config: HeadsConfig, heads: int, beta: float) -> Looking:
    """So many heads at one beta, and the rest as configured."""
    return Looking(config.n, config.subset, heads, config.fragile, beta, config.alpha, config.spread)


def _draw(config: HeadsConfig, setting: Looking, generator: torch.Generator) -> Draws:
    means = orthonormal(config.n, config.d, generator)
    keys = NoisyKeys(means, setting.alpha, setting.spread, setting.fragile)
    return keys.draw(setting.queries(means), config.samples, generator)


def _squares(setting: Looking, drawn: Draws) -> Float[Tensor, " S"]:
    """|c - average|^2, where the values are at right angles and of length 1."""
    return (drawn.weights.mean(1) - setting.target()).square().sum(1)


def _point(setting: Looking, drawn: Draws) -> HeadsPoint:
    theory = expected(setting)
    w = drawn.weights.mean(1)  # S N
    return HeadsPoint(
        subset=setting.subset,
        heads=setting.heads,
        beta=setting.beta,
        square=mean_of(_squares(setting, drawn), theory.square),
        variance=variance_of(w, theory.variance),
        weight=mean_of(w[:, 0], theory.weights[0]),
    )


def _when_flipped(setting: Looking, drawn: Draws) -> Estimate | None:
    """The error over the draws whose first key is flipped; none where they are too few for a standard error."""
    flipped = drawn.eps[:, 0] < -1
    if int(flipped.sum()) < _FEWEST_FLIPPED:
        return None
    theory = expected(setting, flipped=True)
    return mean_of(_squares(setting, drawn)[flipped], theory.square)


def _cloud(setting: Looking, drawn: Draws) -> Cloud:
    w = drawn.weights.mean(1)
    place = (w[:, 0] * N_BINS).long().clamp(max=N_BINS - 1)
    counts = torch.bincount(place, minlength=N_BINS).double() / len(w)
    return Cloud(setting.heads, tuple(counts.tolist()))
