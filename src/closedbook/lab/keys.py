"""Random keys, and the attention weights that queries give them.

Letters: S samples, H heads (one query each), N keys, D dimensions, F keys whose length varies.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from closedbook.model.attention import attention_weights

# Numbers per chunk: few enough to stay in the processor's cache, and a million samples need no more memory.
_CHUNK_SIZE = 1 << 20


def seeded(seed: int) -> torch.Generator:
    """A generator of random numbers with this seed."""
    return torch.Generator().manual_seed(seed)


def normal(generator: torch.Generator, *size: int) -> Tensor:
    """Independent standard normal numbers, in float64."""
    return torch.randn(*size, generator=generator, dtype=torch.float64)


def weights(
    q: Float[Tensor, "*S H D"], k: Float[Tensor, "*S N D"], mask: Bool[Tensor, "H N"] | None = None
) -> Float[Tensor, "*S H N"]:
    """softmax(q . k), without the 1 / sqrt(D) of `model.attention`; `mask` is True where a query may attend.

    The lab's experiments vary the length of a query, so this undoes that division, once for all of them.
    """
    return attention_weights(q * math.sqrt(q.size(-1)), k, mask)


def orthonormal(n: int, d: int, generator: torch.Generator) -> Float[Tensor, "{n} {d}"]:
    """n orthonormal vectors, rotated at random so that no axis is special; needs d >= n."""
    q, r = torch.linalg.qr(normal(generator, d, n))
    rotated: Tensor = q * r.diagonal().sign()
    return rotated.T.contiguous()


def chunks(n_samples: int, n_numbers_each: int) -> Iterator[int]:
    """Chunk sizes that add up to `n_samples`, each small enough to be computed at once."""
    most = max(1, _CHUNK_SIZE // n_numbers_each)
    for start in range(0, n_samples, most):
        yield min(most, n_samples - start)


@dataclass(frozen=True)
class DrawnWeights:
    """Attention weights of drawn keys, and the eps of the keys whose length varies."""

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

    def draw(self, queries: Float[Tensor, "H D"], n_samples: int, generator: torch.Generator) -> DrawnWeights:
        """Draw new keys for each sample; all queries of a sample attend to the same keys."""
        n, d = self.means.shape
        drawn, lengths = [], []
        for size in chunks(n_samples, n * d):
            eps = math.sqrt(self.spread) * normal(generator, size, self.n_fragile)  # S F
            keys = self.means + math.sqrt(self.alpha) * normal(generator, size, n, d)  # S N D
            keys[:, : self.n_fragile] += eps[..., None] * self.means[: self.n_fragile]
            drawn.append(weights(queries.expand(size, -1, -1), keys))
            lengths.append(eps)
        return DrawnWeights(torch.cat(drawn), torch.cat(lengths))
