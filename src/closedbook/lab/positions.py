"""What attention knows of order: nothing without positions.

Self-attention f with projections Q, K, V and no positions treats tokens as a set: permuted inputs give the same
outputs, permuted, f(P x) = P f(x), since every output is a sum over all tokens. Three ways to add order:

    sinusoid   p_i added to x_i, p_i = (cos(w_1 i), ..., sin(w_1 i), ...), w_r = 10000^(-2r/d)   (Vaswani et al. 2017)
    learned    p_i added to x_i, one free vector per position; here untrained, N(0, I)
    rotary     q_i and k_j rotated by the angles of their positions                              (Su et al. 2021)

With rotary positions the logit q_i . k_j depends on i - j alone, whatever the content; with added vectors, the logit of
two given tokens depends on both positions. Over contents x ~ N(0, I), a token at position i and its copy at position j
have the mean logit

    none  d       sinusoid  d + sum_r cos(w_r (i-j))        learned  d + p_i . p_j        rotary  2 sum_r cos(w_r (i-j))

Letters: S samples, T tokens (n of them), D dimensions.
"""

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from closedbook.lab.config import PositionsConfig
from closedbook.lab.estimate import Estimate, Measurement, Row, mean_of, measured_mean
from closedbook.lab.keys import chunks, normal, seeded, weights
from closedbook.model.attention import causal_mask
from closedbook.model.kernels.rotary import rotate

KINDS = ("none", "sinusoid", "learned", "rotary")
CAUSAL = "causal mask"
"""No positions, but token i attends to tokens 0 to i alone, which depends on order too."""


@dataclass(frozen=True)
class OrderChange:
    """|f(P x) - P f(x)|^2 / |f(x)|^2, where P reverses the sequence: how much the outputs depend on order."""

    kind: str
    change: Measurement


@dataclass(frozen=True)
class PositionsPoint:
    """The logits of one kind of positions."""

    kind: str
    shift_change: Estimate
    """The mean squared change of the logit of two tokens when both move by the same number of positions."""
    similarity: tuple[Estimate, ...]
    """The mean logit of a token and its copy, for each distance."""


@dataclass(frozen=True)
class PositionsResult:
    """All kinds of positions."""

    config: PositionsConfig
    orders: tuple[OrderChange, ...]
    distance: int
    shift: int
    """`distance` is how far apart the two tokens of `shift_change` are, `shift` is by how much both move."""
    points: tuple[PositionsPoint, ...]

    def message(self) -> str:
        """How much reversing the sequence changes the outputs, without positions and with rotary ones."""
        changes = {order.kind: order.change.value for order in self.orders}
        return (
            f"Without positions or a mask, attention sees no order: reversing a sequence changes its outputs by "
            f"{changes['none']:.0e}, and by {changes['rotary']:.2f} with rotary positions."
        )

    def rows(self) -> tuple[Row, ...]:
        """For each kind of positions, the change by a shift and some of the mean logits."""
        rows = []
        for point in self.points:
            rows.append(Row("change of logit^2, both moved", point.kind, point.shift_change))
            shown = sorted({0, 1, self.distance, self.config.n - 1})
            rows += [Row(f"E logit, distance {away}", point.kind, point.similarity[away]) for away in shown]
        return tuple(rows)

    def notes(self) -> tuple[str, ...]:
        """How much reversing the sequence changes the outputs."""
        changes = ", ".join(
            f"{order.kind} {order.change.value:.3g} +- {order.change.standard_error:.1g}" for order in self.orders
        )
        return (f"|f(reversed) - reversed f|^2 / |f|^2: {changes}",)


def frequencies(d: int) -> Float[Tensor, " {d}//2"]:
    """w_r, the same for sinusoid and rotary."""
    return torch.pow(10_000.0, -torch.arange(d // 2, dtype=torch.float64) / (d // 2))


def sinusoid(n: int, d: int) -> Float[Tensor, "{n} {d}"]:
    """p_i of the sinusoid for positions 0 to n - 1."""
    angle = torch.arange(n, dtype=torch.float64)[:, None] * frequencies(d)
    return torch.cat((angle.cos(), angle.sin()), dim=-1)


def run(config: PositionsConfig) -> PositionsResult:
    """For each kind of positions, how outputs depend on order and how logits depend on positions."""
    generator = seeded(config.seed)
    added = {"sinusoid": sinusoid(config.n, config.d), "learned": normal(generator, config.n, config.d)}
    distance, shift = max(1, config.n // 4), max(1, config.n // 2)
    orders = [OrderChange(kind, _order_change(config, kind, added, generator)) for kind in (*KINDS, CAUSAL)]
    points = [
        PositionsPoint(
            kind,
            _shift_change(config, kind, added, (distance, shift), generator),
            _similarity(config, kind, added, generator),
        )
        for kind in KINDS
    ]
    return PositionsResult(config, tuple(orders), distance, shift, tuple(points))


def _with_positions(
    kind: str, added: dict[str, Tensor], q: Float[Tensor, "S T D"], k: Float[Tensor, "S T D"]
) -> tuple[Float[Tensor, "S T D"], Float[Tensor, "S T D"]]:
    """Queries and keys with their positions rotated in or added."""
    if kind == "rotary":
        return rotate(q[:, None])[:, 0], rotate(k[:, None])[:, 0]
    if kind in added:
        return q + added[kind], k + added[kind]
    return q, k


def _order_change(
    config: PositionsConfig, kind: str, added: dict[str, Tensor], generator: torch.Generator
) -> Measurement:
    """Attention over random sequences and the same reversed, with one draw of random projections."""
    n, d = config.n, config.d
    projections = normal(generator, 3, d, d) / math.sqrt(d)
    mask = causal_mask(n, n) if kind == CAUSAL else None
    p = added.get(kind, torch.zeros(n, d, dtype=torch.float64))

    def attention(x: Float[Tensor, "S T D"]) -> Float[Tensor, "S T D"]:
        q, k, v = ((x + p) @ projection for projection in projections)
        if kind == "rotary":
            q, k = _with_positions(kind, added, q, k)
        c: Tensor = weights(q / math.sqrt(d), k, mask) @ v
        return c

    changes = []
    for size in chunks(config.samples, n * (n + d)):
        x = normal(generator, size, n, d)
        output = attention(x)
        difference = attention(x.flip(1)) - output.flip(1)
        changes.append(difference.square().sum((1, 2)) / output.square().sum((1, 2)))
    return measured_mean(torch.cat(changes))


def _shift_change(
    config: PositionsConfig,
    kind: str,
    added: dict[str, Tensor],
    distance_and_shift: tuple[int, int],
    generator: torch.Generator,
) -> Estimate:
    """Two random tokens at positions 0 and `distance`, then both moved by `shift`."""
    (distance, shift), n, d = distance_and_shift, config.n, config.d
    changes = []
    for size in chunks(config.samples, 4 * n * d):
        x, y = (normal(generator, size, 1, d).expand(-1, n, -1) for _ in range(2))
        q, k = _with_positions(kind, added, x, y)
        logits = [(q[:, start + distance] * k[:, start]).sum(-1) for start in (0, shift)]
        changes.append((logits[1] - logits[0]).square())
    found = mean_of(torch.cat(changes), _shift_change_theory(kind, added, distance, shift))
    # `rotate` computes angles in single precision: an error of n 2^-24 at the last position, in each of d products.
    return replace(found, rounding=16 * d * (n * 2.0**-23) ** 2) if kind == "rotary" else found


def _shift_change_theory(kind: str, added: dict[str, Tensor], distance: int, shift: int) -> float:
    """E of the square of x . (k' - k) + y . (q' - q) + (q' . k' - q . k), where q and k are position vectors."""
    if kind not in added:
        return 0.0
    p = added[kind]
    q, k, q_moved, k_moved = p[distance], p[0], p[distance + shift], p[shift]
    constant = float(q_moved @ k_moved - q @ k)
    return float((k_moved - k).square().sum() + (q_moved - q).square().sum()) + constant**2


def _similarity(
    config: PositionsConfig, kind: str, added: dict[str, Tensor], generator: torch.Generator
) -> tuple[Estimate, ...]:
    """A random token at position 0 and its copy at each position."""
    n, d = config.n, config.d
    logits = []
    for size in chunks(config.samples, 4 * n * d):
        x = normal(generator, size, 1, d).expand(-1, n, -1)
        q, k = _with_positions(kind, added, x, x)
        logits.append((q * k[:, :1]).sum(-1))
    drawn = torch.cat(logits)  # S T
    waves = torch.cos(torch.arange(n, dtype=torch.float64)[:, None] * frequencies(d)).sum(-1)
    if kind == "rotary":
        theory = 2 * waves
    elif kind == "sinusoid":
        theory = d + waves
    else:
        theory = d + (added[kind] @ added[kind][0] if kind in added else torch.zeros(n, dtype=torch.float64))
    # The single-precision angles of `rotate` again: an error in each of d products.
    rounding = d * n * 2.0**-23 if kind == "rotary" else 1e-11
    return tuple(replace(mean_of(drawn[:, i], float(theory[i])), rounding=rounding) for i in range(n))
