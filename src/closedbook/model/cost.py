"""Multiply-adds of a training step, from the model's configuration alone. Imports no torch.

Letters: T time, M latents, S characters per segment, C channels.
"""

from dataclasses import dataclass

from closedbook.model.config import ModelConfig

# Each product needs two more of its size in the backward pass, one per factor.
_TRAINING = 3
# Weight matrices of a block, in units of C x C: query, key, value and output projections, and two of C x 4C.
_BLOCK = 4 + 8


@dataclass(frozen=True)
class Cost:
    """Multiply-adds per character of training on texts of block_size characters.

    Only matrix products are counted, forward and backward, as they are computed: attention with the masked entries
    included, the head at every position. The queries of the Perceiver's basis, computed once per batch, are left out.
    """

    linear_layers: float
    """Products with the weight matrices of the blocks and of the head."""
    attention: float
    """Products of queries with keys, and of attention weights with values."""


def cost(config: ModelConfig, vocab_size: int) -> Cost:
    """The cost of a model with this vocabulary size.

    | pairs of query and key | down                | each middle block | up          |
    | ---------------------- | ------------------- | ----------------- | ----------- |
    | vanilla                |                     | T x T             |             |
    | Perceiver              | M x T               | M x M             | T x M       |
    | Perceiver, strided     | M x T               | M x M             | T x (M + S) |
    """
    count = _vanilla if config.variant == "vanilla" else _strided if config.is_strided else _perceiver
    n_matrices, n_pairs = count(config)
    T, C = config.block_size, config.n_embd
    linear_layers, attention = n_matrices * C * C + T * C * vocab_size, n_pairs * 2 * C
    return Cost(_TRAINING * linear_layers / T, _TRAINING * attention / T)


def _vanilla(config: ModelConfig) -> tuple[int, int]:
    """Products of a vector with a C x C matrix, and pairs of query and key, per text."""
    T = config.block_size
    return config.n_layer * _BLOCK * T, config.n_layer * T * T


def _perceiver(config: ModelConfig) -> tuple[int, int]:
    T, M, n_middle = config.block_size, config.bottleneck_dim, config.n_layer - 2
    # Keys and values are projections of the characters going down, of the latents going up.
    down, up = 2 * T + (_BLOCK - 3) * M, 2 * M + (_BLOCK - 2) * T
    return down + n_middle * _BLOCK * M + up, M * T + n_middle * M * M + T * M


def _strided(config: ModelConfig) -> tuple[int, int]:
    T, S, n_middle = config.block_size, config.segment_size, config.n_layer - 2
    M, n_segments = T // S, -(-T // S)  # completed segments, and all segments
    down, up = 2 * T + (_BLOCK - 3) * M, 2 * (M + T) + (_BLOCK - 2) * T
    return down + n_middle * _BLOCK * M + up, M * M * S + n_middle * M * M + n_segments * S * (M + S)
