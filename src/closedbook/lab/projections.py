"""Why queries, keys and values are three maps of the same x.

u_a, u_b, u_c, u_d at right angles, each of length beta, and three tokens

    x_1 = u_d + u_b        x_2 = u_a        x_3 = u_c + u_b

First k = q = v = x. A token meets itself with |x|^2, and for tokens of one length |x_i|^2 - x_i . x_j =
|x_i - x_j|^2 / 2 >= 0: it copies itself. Nor could other weights help: c_2 = w_1 x_1 + w_2 x_2 + w_3 x_3 has u_b from
x_1 and x_3 alone, which bring u_d and u_c along. Of all weights w = (2/5, 1/5, 2/5) comes nearest, where
|c_2 - u_b|^2 = beta^2 (w_1^2 + 2 w_2^2 + w_3^2) = 2/5 beta^2; with u_d or u_c added to x_2 the least is 1/2 beta^2.

Then k = K x, q = Q x, v = V x with K = I and

    V = (u_b u_b^T - u_c u_c^T) / beta^2        v_1 = u_b,  v_2 = 0,  v_3 = u_b - u_c
    Q = (u_d u_a^T + u_c u_d^T) / beta^2        q_1 = u_c,  q_2 = u_d,  q_3 = 0

Token 2 asks for what contains u_d, finds token 1 and gets u_b; token 1 asks for u_c, finds token 3 and gets u_b - u_c;
token 3 asks nothing and gets the mean of all three values. The weight that goes astray to each of two other tokens is
stray = exp(-beta^2) / (1 + 2 exp(-beta^2)).

Letters: S samples, T tokens, D dimensions.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from closedbook.lab.config import ProjectionsConfig
from closedbook.lab.estimate import Estimate, Row, mean_of
from closedbook.lab.scene import chunks, normal, orthonormal, seeded, weights

BETAS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 3.0, 4.0)
ADDED = ("nothing", "u_d", "u_c")
"""What is added to x_2, in the hope that c_2 becomes u_b."""
NEAREST = math.sqrt(0.4)
"""The least |c_2 - u_b| / beta of any weights without maps, whatever of these is added to x_2."""
_N_RANDOM_WEIGHTS = 10_000


@dataclass(frozen=True)
class Scene:
    """The four directions and what is made of them."""

    u: Float[Tensor, "4 D"]
    """u_a, u_b, u_c, u_d."""

    def tokens(self, added: str = "nothing") -> Float[Tensor, "3 D"]:
        """x_1, x_2, x_3, with something added to x_2."""
        a, b, c, d = self.u
        more = {"nothing": torch.zeros_like(a), "u_d": d, "u_c": c}[added]
        return torch.stack((d + b, a + more, c + b))

    def value_map(self) -> Float[Tensor, "D D"]:
        """V: keep u_b, turn u_c round, forget everything else."""
        _, b, c, _ = self.u
        return (torch.outer(b, b) - torch.outer(c, c)) / self.u[0].square().sum()

    def query_map(self) -> Float[Tensor, "D D"]:
        """Q: who has u_a asks for u_d, who has u_d asks for u_c."""
        a, _, c, d = self.u
        return (torch.outer(d, a) + torch.outer(c, d)) / self.u[0].square().sum()


@dataclass(frozen=True)
class ProjectionsPoint:
    """One beta, without noise; distances are in units of beta."""

    beta: float
    copied: Estimate
    """|c_2 - x_2| without maps."""
    missed: Estimate
    """|c_2 - u_b| without maps."""
    token_2: Estimate
    """|c_2 - u_b| with maps."""
    token_1: Estimate
    """|c_1 - (u_b - u_c)| with maps."""
    token_3: Estimate
    """|c_3 - (2 u_b - u_c) / 3| with maps: the mean of all values."""


@dataclass(frozen=True)
class ProjectionsResult:
    """Weights without and with maps, the sweep over beta, and what noise in x does."""

    config: ProjectionsConfig
    added: tuple[tuple[str, tuple[float, ...], float], ...]
    """Without maps: what is added to x_2, the weights of token 2, and |c_2 - u_b| / beta."""
    nearest_to_b: float
    """The least |c_2 - u_b| / beta of many random weights, whatever is added."""
    plain: tuple[tuple[float, ...], ...]
    """Weights of tokens 1 to 3 (rows) on tokens 1 to 3 without maps."""
    mapped: tuple[tuple[float, ...], ...]
    """Likewise with maps."""
    sweep: tuple[ProjectionsPoint, ...]
    noisy_2: Estimate
    """|c_2 - u_b|^2 with maps and noise in every x."""
    noisy_1: Estimate
    """|c_1 - (u_b - u_c)|^2 likewise."""
    noisy_plain: Estimate
    """|c_2 - x_2's own mean|^2 without maps: it copies its noise as well."""

    def rows(self) -> tuple[Row, ...]:
        """The table."""
        rows = []
        for p in self.sweep:
            where = f"beta {p.beta:g}, no noise"
            rows += [
                Row("|c_2 - x_2| / beta, no maps", where, p.copied),
                Row("|c_2 - u_b| / beta, no maps", where, p.missed),
                Row("|c_2 - u_b| / beta, maps", where, p.token_2),
                Row("|c_1 - (u_b - u_c)| / beta, maps", where, p.token_1),
                Row("|c_3 - mean of v| / beta, maps", where, p.token_3),
            ]
        where = f"beta {self.config.beta:g}, alpha {self.config.alpha:g}"
        return (
            *rows,
            Row("|c_2 - u_b|^2, maps", where, self.noisy_2),
            Row("|c_1 - (u_b - u_c)|^2, maps", where, self.noisy_1),
            Row("|c_2 - u_a|^2, no maps", where, self.noisy_plain),
        )

    def notes(self) -> tuple[str, ...]:
        """What the table cannot say."""
        tried = ", ".join(f"{what}: {distance:.4f}" for what, _, distance in self.added)
        return (
            f"without maps, |c_2 - u_b| / beta after adding to x_2 ({tried}); the nearest of "
            f"{3 * _N_RANDOM_WEIGHTS:,} random weights comes to {self.nearest_to_b:.4f}, "
            f"and none can come below {NEAREST:.4f}",
        )


def stray(beta: float) -> float:
    """The weight on each of two tokens whose logits stand beta^2 below the third's."""
    return math.exp(-(beta**2)) / (1 + 2 * math.exp(-(beta**2)))


def scene(beta: float, d: int, generator: torch.Generator) -> Scene:
    """Four directions at random, of length beta."""
    return Scene(beta * orthonormal(4, d, generator))


def run(config: ProjectionsConfig) -> ProjectionsResult:
    """Try without maps, then with them, then with noise."""
    generator = seeded(config.seed)
    here = scene(config.beta, config.d, generator)
    x = here.tokens()
    noisy_2, noisy_1, noisy_plain = _noisy(config, here, generator)
    return ProjectionsResult(
        config,
        added=tuple(_with_added(here, what) for what in ADDED),
        nearest_to_b=min(_nearest(here, what, generator) for what in ADDED),
        plain=_rows_of(weights(x, x)),
        mapped=_rows_of(weights(x @ here.query_map().T, x)),
        sweep=tuple(_point(scene(beta, config.d, generator), beta) for beta in BETAS),
        noisy_2=noisy_2,
        noisy_1=noisy_1,
        noisy_plain=noisy_plain,
    )


def with_maps(here: Scene, x: Float[Tensor, "*S 3 D"]) -> Float[Tensor, "*S 3 D"]:
    """c of every token, with the maps Q and V, and K the identity."""
    return weights(x @ here.query_map().T, x) @ (x @ here.value_map().T)


def _with_added(here: Scene, what: str) -> tuple[str, tuple[float, ...], float]:
    x = here.tokens(what)
    alpha = weights(x, x)[1]
    distance = (alpha @ x - here.u[1]).norm() / here.u[1].norm()
    return what, tuple(alpha.tolist()), float(distance)


def _nearest(here: Scene, what: str, generator: torch.Generator) -> float:
    """The least distance to u_b of random mixtures of the tokens; sparse ones are among them."""
    w = normal(generator, _N_RANDOM_WEIGHTS, 3) ** 4
    c = w / w.sum(-1, keepdim=True) @ here.tokens(what)
    return float((c - here.u[1]).norm(dim=-1).min() / here.u[1].norm())


def _point(here: Scene, beta: float) -> ProjectionsPoint:
    a, b, c, _ = here.u
    x = here.tokens()
    plain, mapped = weights(x, x) @ x, with_maps(here, x)
    lost = stray(beta)

    def distance(got: Tensor, wanted: Tensor, theory: float) -> Estimate:
        return Estimate(theory, float((got - wanted).norm()) / beta, 0.0, 1)

    return ProjectionsPoint(
        beta=beta,
        # c_2 - u_a = stray (u_d + 2 u_b + u_c - 2 u_a)
        copied=distance(plain[1], a, lost * math.sqrt(10)),
        # c_2 - u_b = stray (u_d + u_c) + (2 stray - 1) u_b + (1 - 2 stray) u_a
        missed=distance(plain[1], b, math.sqrt(2 * lost**2 + 2 * (1 - 2 * lost) ** 2)),
        # c_2 - u_b = -stray (u_b + u_c)
        token_2=distance(mapped[1], b, lost * math.sqrt(2)),
        # c_1 - (u_b - u_c) = stray (-u_b + 2 u_c)
        token_1=distance(mapped[0], b - c, lost * math.sqrt(5)),
        token_3=distance(mapped[2], (2 * b - c) / 3, 0.0),
    )


def _noisy(config: ProjectionsConfig, here: Scene, generator: torch.Generator) -> tuple[Estimate, Estimate, Estimate]:
    """Squared errors with x_i + N(0, alpha I): where weights have settled, c is V of one token, its noise with it.

    V keeps two directions of the d, so two parts of the noise come through: 2 alpha; without maps all d do: d alpha.
    """
    a, b, c, _ = here.u
    squares: tuple[list[Tensor], ...] = ([], [], [])
    for size in chunks(config.samples, 12 * config.d):
        x = here.tokens() + math.sqrt(config.alpha) * normal(generator, size, 3, config.d)
        mapped, plain = with_maps(here, x), weights(x, x) @ x
        for kept, error in zip(squares, (mapped[:, 1] - b, mapped[:, 0] - (b - c), plain[:, 1] - a), strict=True):
            kept.append(error.square().sum(-1))
    two, one, alone = (torch.cat(kept) for kept in squares)
    return (
        mean_of(two, 2 * config.alpha),
        mean_of(one, 2 * config.alpha),
        mean_of(alone, config.d * config.alpha),
    )


def _rows_of(matrix: Float[Tensor, "T T"]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in matrix.tolist())
