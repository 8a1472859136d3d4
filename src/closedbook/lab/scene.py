"""What every experiment looks at: keys at right angles, keys with noise, and the weights that a query gives them.

Letters: S samples, H heads (queries), N keys, D dimensions, F keys whose length varies.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from closedbook.model.attention import attention_weights

# So many numbers are worked on at once: they stay near the processor, and a million samples need no more memory.
_AT_ONCE = 1 << 20


def seeded(seed: int) -> torch.Generator:
    """The source of an experiment's draws."""
    return torch.Generator().manual_seed(seed)


def normal(generator: torch.Generator, *size: int) -> Tensor:
    """Independent standard normal numbers."""
    return torch.randn(*size, generator=generator, dtype=torch.float64)


def weights(
    q: Float[Tensor, "*S H D"], k: Float[Tensor, "*S N D"], visible: Bool[Tensor, "H N"] | None = None
) -> Float[Tensor, "*S H N"]:
    """softmax(q . k), without the 1 / sqrt(D) by which the formula of `model.attention` divides.

    The one place where the lab undoes that division: here a query's length is what an experiment is about.
    """
    return attention_weights(q * math.sqrt(q.size(-1)), k, visible)


def orthonormal(n: int, d: int, generator: torch.Generator) -> Float[Tensor, "{n} {d}"]:
    """n vectors of length 1 at right angles, turned at random, so that no axis is special."""
    q, r = torch.linalg.qr(normal(generator, d, n))
    turned: Tensor = q * r.diagonal().sign()
    return turned.T.contiguous()


def chunks(samples: int, numbers_each: int) -> Iterator[int]:
    """Sizes that add up to `samples`, each small enough to be worked on at once."""
    most = max(1, _AT_ONCE // numbers_each)
    for start in range(0, samples, most):
        yield min(most, samples - start)


@dataclass(frozen=True)
class Draws:
    """Weights that were drawn, and the eps of the keys whose length varies."""

    weights: Float[Tensor, "S H N"]
    eps: Float[Tensor, "S F"]


@dataclass(frozen=True)
class NoisyKeys:
    """k_i = (1 + eps_i) mu_i + noise: noise ~ N(0, alpha I); eps_i ~ N(0, spread) for the first keys, 0 for the rest.

    So Cov(k_i) = alpha I + spread mu_i mu_i^T for those first keys, and alpha I for the rest.
    """

    means: Float[Tensor, "N D"]
    alpha: float
    spread: float
    n_fragile: int

    def draw(self, queries: Float[Tensor, "H D"], samples: int, generator: torch.Generator) -> Draws:
        """Draw keys anew for each sample, and let every query look at the same ones."""
        n, d = self.means.shape
        drawn, lengths = [], []
        for size in chunks(samples, n * d):
            eps = math.sqrt(self.spread) * normal(generator, size, self.n_fragile)  # S F
            keys = self.means + math.sqrt(self.alpha) * normal(generator, size, n, d)  # S N D
            keys[:, : self.n_fragile] += eps[..., None] * self.means[: self.n_fragile]
            drawn.append(weights(queries.expand(size, -1, -1), keys))
            lengths.append(eps)
        return Draws(torch.cat(drawn), torch.cat(lengths))
