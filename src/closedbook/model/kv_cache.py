"""What decoding keeps of the characters read so far, so that none is read twice.

Letters: B batch, H heads, T time, D head size.
"""

from jaxtyping import Bool, Float, Int64
from torch import Tensor


class Cache:
    """Keys and values of what one attention has read so far, in room that doubles when it is full."""

    def __init__(self) -> None:
        self._n_places = 0
        self._k: Tensor | None = None
        self._v: Tensor | None = None

    def __len__(self) -> int:
        return self._n_places

    def extend(self, k: Float[Tensor, "B H T D"], v: Float[Tensor, "B H T D"]) -> tuple[Tensor, Tensor]:
        """Put k and v behind what is there, and give all of it."""
        begin, end = self._n_places, self._n_places + k.size(-2)
        self._n_places = end
        self._k, self._v = _with_room(self._k, k, end), _with_room(self._v, v, end)
        self._k[:, :, begin:end], self._v[:, :, begin:end] = k, v
        return self._k[:, :, :end], self._v[:, :, :end]

    def keep(self, rows: Bool[Tensor, " B"]) -> None:
        """Forget the rows that are false."""
        if self._k is not None and self._v is not None:
            self._k, self._v = self._k[rows], self._v[rows]


def _with_room(
    held: Float[Tensor, "B H R D"] | None, new: Float[Tensor, "B H T D"], n_places: int
) -> Float[Tensor, "B H Q D"]:
    """What is held, with room for so many places."""
    if held is None:
        return new.new_empty(*new.shape[:2], n_places, new.size(-1))
    if n_places <= held.size(-2):
        return held
    room = new.new_empty(*new.shape[:2], 2 * n_places, new.size(-1))
    room[:, :, : held.size(-2)] = held
    return room


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
