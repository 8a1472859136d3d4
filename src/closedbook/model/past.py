"""What decoding keeps of the characters read so far, so that none is read twice.

Letters: B batch, H heads, T time, D head size.
"""

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor


class Cache:
    """Keys and values of what one attention has read so far."""

    def __init__(self) -> None:
        self.k: Tensor | None = None
        self.v: Tensor | None = None

    def __len__(self) -> int:
        return 0 if self.k is None else self.k.size(-2)

    def extend(self, k: Float[Tensor, "B H T D"], v: Float[Tensor, "B H T D"]) -> tuple[Tensor, Tensor]:
        """Put k and v behind what is there, and give all of it."""
        self.k = k if self.k is None else torch.cat((self.k, k), dim=-2)
        self.v = v if self.v is None else torch.cat((self.v, v), dim=-2)
        return self.k, self.v

    def keep(self, rows: Bool[Tensor, " B"]) -> None:
        """Forget the rows that are false."""
        if self.k is not None and self.v is not None:
            self.k, self.v = self.k[rows], self.v[rows]


class Past:
    """Keys and values of every attention of a model, the word begun, and how many characters were read.

    `blocks` are those of the blocks that attend to themselves; the others are the strided Perceiver's.
    """

    def __init__(self, n_blocks: int) -> None:
        self.n_places = 0
        self.blocks = [Cache() for _ in range(n_blocks)]
        self.down = Cache()
        self.up_latents = Cache()
        self.up_characters = Cache()
        self.node: Int64[Tensor, " B"] | None = None

    def __len__(self) -> int:
        return self.n_places

    def keep(self, rows: Bool[Tensor, " B"]) -> None:
        """Forget the rows that are false."""
        for cache in (*self.blocks, self.down, self.up_latents, self.up_characters):
            cache.keep(rows)
        if self.node is not None:
            self.node = self.node[rows]
