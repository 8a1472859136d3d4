"""Why attention projects x to queries, keys and values.

u_a, u_b, u_c, u_d orthogonal, each of length beta, and three tokens

    x_1 = u_d + u_b        x_2 = u_a        x_3 = u_c + u_b

First k = q = v = x. A token's logit with itself is |x|^2, and for tokens of equal length |x_i|^2 - x_i . x_j =
|x_i - x_j|^2 / 2 >= 0, so each token copies itself. Other weights would not help: c_2 = w_1 x_1 + w_2 x_2 + w_3 x_3
gets u_b only from x_1 and x_3, which also contain u_d and u_c. The weights w = (2/5, 1/5, 2/5) come nearest, with
|c_2 - u_b|^2 = beta^2 (w_1^2 + 2 w_2^2 + w_3^2) = 2/5 beta^2; with u_d or u_c added to x_2 the minimum is 1/2 beta^2.

Then k = K x, q = Q x, v = V x with K = I and

    V = (u_b u_b^T - u_c u_c^T) / beta^2        v_1 = u_b,  v_2 = 0,  v_3 = u_b - u_c
    Q = (u_d u_a^T + u_c u_d^T) / beta^2        q_1 = u_c,  q_2 = u_d,  q_3 = 0

Token 2 looks for u_d, attends to token 1 and gets u_b; token 1 looks for u_c, attends to token 3 and gets u_b - u_c;
token 3 has a query of zero and gets the mean of all three values. Each of two other tokens gets the weight
leak = exp(-beta^2) / (1 + 2 exp(-beta^2)).

Letters: S samples, T tokens, D dimensions.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from closedbook.lab.config import ProjectionsConfig
from closedbook.lab.estimate import Estimate, Row, mean_of
from closedbook.lab.keys import chunks, normal, orthonormal, seeded, weights

BETAS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 3.0, 4.0)
ADDED = ("nothing", "u_d", "u_c")
"""What is added to x_2, to see whether c_2 becomes u_b."""
NEAREST = math.sqrt(0.4)
"""The smallest |c_2 - u_b| / beta of any weights without projections, whatever of these is added to x_2."""
_N_RANDOM_WEIGHTS = 10_000


@dataclass(frozen=True)
class Directions:
    """The four directions, and the tokens and matrices made of them."""

    u: Float[Tensor, "4 D"]
    """u_a, u_b, u_c, u_d."""

    def tokens(self, added: str = "nothing") -> Float[Tensor, "3 D"]:
        """x_1, x_2, x_3, with one of `ADDED` added to x_2."""
        a, b, c, d = self.u
        more = {"nothing": torch.zeros_like(a), "u_d": d, "u_c": c}[added]
        return torch.stack((d + b, a + more, c + b))

    def value_matrix(self) -> Float[Tensor, "D D"]:
        """V: keeps u_b, negates u_c, and drops everything else."""
        _, b, c, _ = self.u
        return (torch.outer(b, b) - torch.outer(c, c)) / self.u[0].square().sum()

    def query_matrix(self) -> Float[Tensor, "D D"]:
        """Q: a token with u_a looks for u_d, a token with u_d looks for u_c."""
        a, _, c, d = self.u
        return (torch.outer(d, a) + torch.outer(c, d)) / self.u[0].square().sum()


@dataclass(frozen=True)
class ProjectionsPoint:
    """One beta, without noise; distances in units of beta."""

    beta: float
    copied: Estimate
    """|c_2 - x_2| without projections."""
    missed: Estimate
    """|c_2 - u_b| without projections."""
    token_2: Estimate
    """|c_2 - u_b| with projections."""
    token_1: Estimate
    """|c_1 - (u_b - u_c)| with projections."""
    token_3: Estimate
    """|c_3 - (2 u_b - u_c) / 3| with projections; (2 u_b - u_c) / 3 is the mean of all values."""


@dataclass(frozen=True)
class ProjectionsResult:
    """Weights without and with projections, the sweep over beta, and errors with noise in x."""

    config: ProjectionsConfig
    added: tuple[tuple[str, tuple[float, ...], float], ...]
    """Without projections: what is added to x_2, the weights of token 2, and |c_2 - u_b| / beta."""
    nearest_to_b: float
    """The smallest |c_2 - u_b| / beta of many random weights, whatever is added."""
    plain: tuple[tuple[float, ...], ...]
    """Weights of tokens 1 to 3 (rows) on tokens 1 to 3 without projections."""
    projected: tuple[tuple[float, ...], ...]
    """The same with projections."""
    sweep: tuple[ProjectionsPoint, ...]
    noisy_2: Estimate
    """|c_2 - u_b|^2 with projections and noise in every x."""
    noisy_1: Estimate
    """|c_1 - (u_b - u_c)|^2, likewise."""
    noisy_plain: Estimate
    """|c_2 - u_a|^2 without projections, where u_a is the mean of x_2: the token copies its noise too."""

    def message(self) -> str:
        """How far token 2 is from what it should return, without projections and with them."""
        last = self.sweep[-1]
        return (
            f"Without projections a token returns itself: token 2 is {last.missed.simulation:.2f} away from what it "
            f"should return, and {last.token_2.simulation:.2g} with a query and a value projection."
        )

    def rows(self) -> tuple[Row, ...]:
        """Distances without noise for each beta, then squared errors with noise."""
        rows = []
        for p in self.sweep:
            where = f"beta {p.beta:g}, no noise"
            rows += [
                Row("|c_2 - x_2| / beta, without projections", where, p.copied),
                Row("|c_2 - u_b| / beta, without projections", where, p.missed),
                Row("|c_2 - u_b| / beta, with projections", where, p.token_2),
                Row("|c_1 - (u_b - u_c)| / beta, with projections", where, p.token_1),
                Row("|c_3 - mean of v| / beta, with projections", where, p.token_3),
            ]
        where = f"beta {self.config.beta:g}, alpha {self.config.alpha:g}"
        return (
            *rows,
            Row("|c_2 - u_b|^2, with projections", where, self.noisy_2),
            Row("|c_1 - (u_b - u_c)|^2, with projections", where, self.noisy_1),
            Row("|c_2 - u_a|^2, without projections", where, self.noisy_plain),
        )

    def notes(self) -> tuple[str, ...]:
        """What adding u_d or u_c to x_2 changes, and how near random weights come."""
        tried = ", ".join(f"{what}: {distance:.4f}" for what, _, distance in self.added)
        return (
            f"without projections, |c_2 - u_b| / beta after adding to x_2 ({tried}); the minimum of "
            f"{3 * _N_RANDOM_WEIGHTS:,} random weights is {self.nearest_to_b:.4f}, "
            f"and none can be below {NEAREST:.4f}",
        )


def leak(beta: float) -> float:
    """The weight of each of two tokens whose logits are beta^2 lower than the third's."""
    return math.exp(-(beta**2)) / (1 + 2 * math.exp(-(beta**2)))


def random_directions(beta: float, d: int, generator: torch.Generator) -> Directions:
    """Four random orthogonal directions of length beta."""
    return Directions(beta * orthonormal(4, d, generator))


def run(config: ProjectionsConfig) -> ProjectionsResult:
    """Compute weights and distances without and with projections, then simulate noise."""
    generator = seeded(config.seed)
    u = random_directions(config.beta, config.d, generator)
    x = u.tokens()
    noisy_2, noisy_1, noisy_plain = _noisy(config, u, generator)
    return ProjectionsResult(
        config,
        added=tuple(_with_added(u, what) for what in ADDED),
        nearest_to_b=min(_nearest(u, what, generator) for what in ADDED),
        plain=_rows_of(weights(x, x)),
        projected=_rows_of(weights(x @ u.query_matrix().T, x)),
        sweep=tuple(_point(random_directions(beta, config.d, generator), beta) for beta in BETAS),
        noisy_2=noisy_2,
        noisy_1=noisy_1,
        noisy_plain=noisy_plain,
    )


def with_projections(directions: Directions, x: Float[Tensor, "*S 3 D"]) -> Float[Tensor, "*S 3 D"]:
    """c of every token, with Q and V, and K the identity."""
    return weights(x @ directions.query_matrix().T, x) @ (x @ directions.value_matrix().T)


def _with_added(directions: Directions, what: str) -> tuple[str, tuple[float, ...], float]:
    x = directions.tokens(what)
    alpha = weights(x, x)[1]
    distance = (alpha @ x - directions.u[1]).norm() / directions.u[1].norm()
    return what, tuple(alpha.tolist()), float(distance)


def _nearest(directions: Directions, what: str, generator: torch.Generator) -> float:
    """The smallest distance to u_b of random mixtures of the tokens, sparse ones among them."""
    w = normal(generator, _N_RANDOM_WEIGHTS, 3) ** 4
    c = w / w.sum(-1, keepdim=True) @ directions.tokens(what)
    return float((c - directions.u[1]).norm(dim=-1).min() / directions.u[1].norm())


def _point(directions: Directions, beta: float) -> ProjectionsPoint:
    a, b, c, _ = directions.u
    x = directions.tokens()
    plain, projected = weights(x, x) @ x, with_projections(directions, x)
    lost = leak(beta)

    def distance(got: Tensor, wanted: Tensor, theory: float) -> Estimate:
        return Estimate(theory, float((got - wanted).norm()) / beta, 0.0, 1)

    return ProjectionsPoint(
        beta=beta,
        # c_2 - u_a = leak (u_d + 2 u_b + u_c - 2 u_a)
        copied=distance(plain[1], a, lost * math.sqrt(10)),
        # c_2 - u_b = leak (u_d + u_c) + (2 leak - 1) u_b + (1 - 2 leak) u_a
        missed=distance(plain[1], b, math.sqrt(2 * lost**2 + 2 * (1 - 2 * lost) ** 2)),
        # c_2 - u_b = -leak (u_b + u_c)
        token_2=distance(projected[1], b, lost * math.sqrt(2)),
        # c_1 - (u_b - u_c) = leak (-u_b + 2 u_c)
        token_1=distance(projected[0], b - c, lost * math.sqrt(5)),
        token_3=distance(projected[2], (2 * b - c) / 3, 0.0),
    )


def _noisy(
    config: ProjectionsConfig, directions: Directions, generator: torch.Generator
) -> tuple[Estimate, Estimate, Estimate]:
    """Squared errors with x_i + N(0, alpha I): where weights are saturated, c is V of one token with its noise.

    V keeps two of d directions, so the error is 2 alpha; without projections it is d alpha.
    """
    a, b, c, _ = directions.u
    squares: tuple[list[Tensor], ...] = ([], [], [])
    for size in chunks(config.samples, 12 * config.d):
        x = directions.tokens() + math.sqrt(config.alpha) * normal(generator, size, 3, config.d)
        projected, plain = with_projections(directions, x), weights(x, x) @ x
        for kept, error in zip(squares, (projected[:, 1] - b, projected[:, 0] - (b - c), plain[:, 1] - a), strict=True):
            kept.append(error.square().sum(-1))
    noisy_2, noisy_1, noisy_plain = (torch.cat(kept) for kept in squares)
    return (
        mean_of(noisy_2, 2 * config.alpha),
        mean_of(noisy_1, 2 * config.alpha),
        mean_of(noisy_plain, config.d * config.alpha),
    )


def _rows_of(matrix: Float[Tensor, "T T"]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in matrix.tolist())
