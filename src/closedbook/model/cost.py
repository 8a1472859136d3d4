"""What a model costs: multiply-adds, by its shape alone. Imports no torch.

Letters: T time, M latents, S a segment's length, C channels.
"""

from dataclasses import dataclass

from closedbook.model.config import ModelConfig

# The gradients by a product's two factors take as much as the product itself, each.
_TRAINING = 3
# Maps of C x C: queries, keys, values and what is read; and two four times as wide.
_BLOCK = 4 + 8


@dataclass(frozen=True)
class Cost:
    """Multiply-adds a character in training, of a text as long as the block.

    Counted are matrix products as they are computed, forward and backward: attention's with the entries that a mask
    hides, the head's at every place. Nothing else is counted, nor are the queries of the Perceiver's basis, which are
    computed once a batch.
    """

    maps: float
    """By the maps of the blocks and by the head."""
    attention: float
    """By products of queries with keys, and of weights with values."""


def cost(config: ModelConfig, vocab_size: int) -> Cost:
    """Of a model over so many characters.

    | pairs of query and key | down                | each middle block | up          |
    | ---------------------- | ------------------- | ----------------- | ----------- |
    | vanilla                |                     | T x T             |             |
    | Perceiver              | M x T               | M x M             | T x M       |
    | Perceiver, strided     | M x T               | M x M             | T x (M + S) |
    """
    count = _vanilla if config.variant == "vanilla" else _strided if config.is_strided else _perceiver
    n_maps, n_pairs = count(config)
    T, C = config.block_size, config.n_embd
    maps, attention = n_maps * C * C + T * C * vocab_size, n_pairs * 2 * C
    return Cost(_TRAINING * maps / T, _TRAINING * attention / T)


def _vanilla(config: ModelConfig) -> tuple[int, int]:
    """How often a map of C x C is applied to a text, and pairs of query and key."""
    T = config.block_size
    return config.n_layer * _BLOCK * T, config.n_layer * T * T


def _perceiver(config: ModelConfig) -> tuple[int, int]:
    T, M, n_middle = config.block_size, config.bottleneck_dim, config.n_layer - 2
    # Two maps make keys and values: down of characters, up of latents. The basis asks once a batch.
    down, up = 2 * T + (_BLOCK - 3) * M, 2 * M + (_BLOCK - 2) * T
    return down + n_middle * _BLOCK * M + up, M * T + n_middle * M * M + T * M


def _strided(config: ModelConfig) -> tuple[int, int]:
    T, S, n_middle = config.block_size, config.segment_size, config.n_layer - 2
    M, n_segments = T // S, -(-T // S)  # those that have ended, and with the one that has not
    down, up = 2 * T + (_BLOCK - 3) * M, 2 * (M + T) + (_BLOCK - 2) * T
    return down + n_middle * _BLOCK * M + up, M * M * S + n_middle * M * M + n_segments * S * (M + S)
