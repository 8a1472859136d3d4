"""The KV cache: keys and values of the characters read so far, so that decoding computes them once.

Letters: B batch, H heads, T time, R allocated positions, D head size.
"""

from jaxtyping import Bool, Float, Int64
from torch import Tensor


class LayerCache:
    """Keys and values of one attention layer, in a buffer that doubles when it is full."""

    def __init__(self) -> None:
        self._n_positions = 0
        self._k: Tensor | None = None
        self._v: Tensor | None = None

    def __len__(self) -> int:
        return self._n_positions

    def extend(self, k: Float[Tensor, "B H T D"], v: Float[Tensor, "B H T D"]) -> tuple[Tensor, Tensor]:
        """Append k and v, and return all cached keys and values."""
        begin, end = self._n_positions, self._n_positions + k.size(-2)
        self._n_positions = end
        self._k, self._v = _with_room(self._k, k, end), _with_room(self._v, v, end)
        self._k[:, :, begin:end], self._v[:, :, begin:end] = k, v
        return self._k[:, :, :end], self._v[:, :, :end]

    def keep(self, rows: Bool[Tensor, " B"]) -> None:
        """Drop the rows that are False."""
        if self._k is not None and self._v is not None:
            self._k, self._v = self._k[rows], self._v[rows]


def _with_room(
    buffer: Float[Tensor, "B H R D"] | None, new: Float[Tensor, "B H T D"], n_positions: int
) -> Float[Tensor, "B H Q D"]:
    """The buffer, reallocated if it holds fewer than `n_positions`."""
    if buffer is None:
        return new.new_empty(*new.shape[:2], n_positions, new.size(-1))
    if n_positions <= buffer.size(-2):
        return buffer
    larger = new.new_empty(*new.shape[:2], 2 * n_positions, new.size(-1))
    larger[:, :, : buffer.size(-2)] = buffer
    return larger


class KVCache:
    """The caches of all layers, the number of characters read, and what the tables need to go on.

    `blocks` belong to the self-attention blocks, the next three to the strided Perceiver. `prefix` is the last
    character's row in the prefix table, `words` are those of the last three words.
    """

    def __init__(self, n_blocks: int) -> None:
        self.n_positions = 0
        self.blocks = [LayerCache() for _ in range(n_blocks)]
        self.down = LayerCache()
        self.up_latents = LayerCache()
        self.up_characters = LayerCache()
        self.prefix: Int64[Tensor, " B"] | None = None
        self.words: Int64[Tensor, "B 3"] | None = None

    def __len__(self) -> int:
        return self.n_positions

    def keep(self, rows: Bool[Tensor, " B"]) -> None:
        """Drop the rows that are False."""
        for cache in (*self.blocks, self.down, self.up_latents, self.up_characters):
            cache.keep(rows)
        if self.prefix is not None:
            self.prefix = self.prefix[rows]
        if self.words is not None:
            self.words = self.words[rows]
