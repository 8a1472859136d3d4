"""What attention knows of order: nothing, until positions tell it.

Self-attention f with maps Q, K, V and no positions treats tokens as a set: permute them and the outputs are permuted
and otherwise the same, f(P x) = P f(x), since every output is a sum over all tokens. Three ways to break that:

    sinusoid   p_i added to x_i, p_i = (cos(w_1 i), ..., sin(w_1 i), ...), w_r = 10000^(-2r/d)   (Vaswani et al. 2017)
    learned    p_i added to x_i, a free vector a place; here, before any learning, N(0, I)
    rotary     q_i and k_j turned by their places' angles                                        (Su et al. 2021)

Of rotary positions the logit q_i . k_j depends on i - j alone, whatever the content; of the sum, the logit of two given
tokens depends on both places. Over contents x ~ N(0, I), a token and its copy at places i and j have the mean logit

    none  d       sinusoid  d + sum_r cos(w_r (i-j))        learned  d + p_i . p_j        rotary  2 sum_r cos(w_r (i-j))

Letters: S samples, T tokens (n of them), D dimensions.
"""

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from closedbook.lab.config import PositionsConfig
from closedbook.lab.estimate import Estimate, Measured, Row, mean_of, measured
from closedbook.lab.scene import chunks, normal, seeded, weights
from closedbook.model.attention import causal_mask
from closedbook.model.kernels.rotary import rotate

KINDS = ("none", "sinusoid", "learned", "rotary")
MASK = "causal mask"
"""No positions, but token i reads tokens 0 to i alone: that too tells order."""


@dataclass(frozen=True)
class Order:
    """|f(P x) - P f(x)|^2 / |f(x)|^2, where P reads the sequence backwards: what order changes of what is said."""

    kind: str
    change: Measured


@dataclass(frozen=True)
class PositionsPoint:
    """The logits of one kind of positions."""

    kind: str
    sliding: Estimate
    """The mean square by which the logit of two tokens changes as both move on and their distance stays."""
    similarity: tuple[Estimate, ...]
    """The mean logit of a token and its copy, for each distance."""


@dataclass(frozen=True)
class PositionsResult:
    """Every kind of positions."""

    config: PositionsConfig
    orders: tuple[Order, ...]
    distance: int
    moved: int
    """How far the two tokens of `sliding` stand apart, and by how much both move."""
    points: tuple[PositionsPoint, ...]

    def rows(self) -> tuple[Row, ...]:
        """The table."""
        rows = []
        for point in self.points:
            rows.append(Row("change of logit^2, moved together", point.kind, point.sliding))
            shown = sorted({0, 1, self.distance, self.config.n - 1})
            rows += [Row(f"E logit, distance {away}", point.kind, point.similarity[away]) for away in shown]
        return tuple(rows)

    def notes(self) -> tuple[str, ...]:
        """What the table cannot say."""
        changes = ", ".join(
            f"{order.kind} {order.change.value:.3g} +- {order.change.standard_error:.1g}" for order in self.orders
        )
        return (f"|f(backwards) - backwards f|^2 / |f|^2: {changes}",)


def frequencies(d: int) -> Float[Tensor, " {d}//2"]:
    """w_r, the same for sinusoid and rotary."""
    return torch.pow(10_000.0, -torch.arange(d // 2, dtype=torch.float64) / (d // 2))


def sinusoid(n: int, d: int) -> Float[Tensor, "{n} {d}"]:
    """p_i for each place."""
    angle = torch.arange(n, dtype=torch.float64)[:, None] * frequencies(d)
    return torch.cat((angle.cos(), angle.sin()), dim=-1)


def run(config: PositionsConfig) -> PositionsResult:
    """What order changes, and what the logits depend on, for each kind of positions."""
    generator = seeded(config.seed)
    added = {"sinusoid": sinusoid(config.n, config.d), "learned": normal(generator, config.n, config.d)}
    distance, moved = max(1, config.n // 4), max(1, config.n // 2)
    orders = [Order(kind, _order(config, kind, added, generator)) for kind in (*KINDS, MASK)]
    points = [
        PositionsPoint(
            kind,
            _sliding(config, kind, added, (distance, moved), generator),
            _similarity(config, kind, added, generator),
        )
        for kind in KINDS
    ]
    return PositionsResult(config, tuple(orders), distance, moved, tuple(points))


def _placed(
    kind: str, added: dict[str, Tensor], q: Float[Tensor, "S T D"], k: Float[Tensor, "S T D"]
) -> tuple[Float[Tensor, "S T D"], Float[Tensor, "S T D"]]:
    """Queries and keys that know the places at which they stand."""
    if kind == "rotary":
        return rotate(q[:, None])[:, 0], rotate(k[:, None])[:, 0]
    if kind in added:
        return q + added[kind], k + added[kind]
    return q, k


def _order(config: PositionsConfig, kind: str, added: dict[str, Tensor], generator: torch.Generator) -> Measured:
    """Attention over random sequences, forwards and backwards, with one set of random maps."""
    n, d = config.n, config.d
    maps = normal(generator, 3, d, d) / math.sqrt(d)
    visible = causal_mask(n, n) if kind == MASK else None
    shift = added.get(kind, torch.zeros(n, d, dtype=torch.float64))

    def attention(x: Float[Tensor, "S T D"]) -> Float[Tensor, "S T D"]:
        q, k, v = ((x + shift) @ each for each in maps)
        if kind == "rotary":
            q, k = _placed(kind, added, q, k)
        c: Tensor = weights(q / math.sqrt(d), k, visible) @ v
        return c

    changes = []
    for size in chunks(config.samples, n * (n + d)):
        x = normal(generator, size, n, d)
        straight = attention(x)
        difference = attention(x.flip(1)) - straight.flip(1)
        changes.append(difference.square().sum((1, 2)) / straight.square().sum((1, 2)))
    return measured(torch.cat(changes))


def _sliding(
    config: PositionsConfig,
    kind: str,
    added: dict[str, Tensor],
    places: tuple[int, int],
    generator: torch.Generator,
) -> Estimate:
    """Two random tokens at places 0 and `distance`, then both moved on."""
    (distance, moved), n, d = places, config.n, config.d
    changes = []
    for size in chunks(config.samples, 4 * n * d):
        x, y = (normal(generator, size, 1, d).expand(-1, n, -1) for _ in range(2))
        q, k = _placed(kind, added, x, y)
        logits = [(q[:, start + distance] * k[:, start]).sum(-1) for start in (0, moved)]
        changes.append((logits[1] - logits[0]).square())
    found = mean_of(torch.cat(changes), _sliding_theory(kind, added, distance, moved))
    # `rotate` knows its angles in single precision: an error of n 2^-24 at the last place, in each of d products.
    return replace(found, rounding=16 * d * (n * 2.0**-23) ** 2) if kind == "rotary" else found


def _sliding_theory(kind: str, added: dict[str, Tensor], distance: int, moved: int) -> float:
    """E of the square of x . (k' - k) + y . (q' - q) + (q' . k' - q . k), where q and k are the places' vectors."""
    if kind not in added:
        return 0.0
    p = added[kind]
    q, k, q_moved, k_moved = p[distance], p[0], p[distance + moved], p[moved]
    constant = float(q_moved @ k_moved - q @ k)
    return float((k_moved - k).square().sum() + (q_moved - q).square().sum()) + constant**2


def _similarity(
    config: PositionsConfig, kind: str, added: dict[str, Tensor], generator: torch.Generator
) -> tuple[Estimate, ...]:
    """A random token at place 0 and its copy at each place."""
    n, d = config.n, config.d
    logits = []
    for size in chunks(config.samples, 4 * n * d):
        x = normal(generator, size, 1, d).expand(-1, n, -1)
        q, k = _placed(kind, added, x, x)
        logits.append((q * k[:, :1]).sum(-1))
    drawn = torch.cat(logits)  # S T
    waves = torch.cos(torch.arange(n, dtype=torch.float64)[:, None] * frequencies(d)).sum(-1)
    if kind == "rotary":
        theory = 2 * waves
    elif kind == "sinusoid":
        theory = d + waves
    else:
        theory = d + (added[kind] @ added[kind][0] if kind in added else torch.zeros(n, dtype=torch.float64))
    # Of rotary's angles again: what single precision leaves of a cosine, d times.
    rounding = d * n * 2.0**-23 if kind == "rotary" else 1e-11
    return tuple(replace(mean_of(drawn[:, i], float(theory[i])), rounding=rounding) for i in range(n))
