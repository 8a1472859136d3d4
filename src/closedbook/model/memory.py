"""Bytes that a model takes in training, from its configuration and a batch's shape alone. Imports no torch.

Estimates, compared with measured peaks by benchmarks/memory.py. Letters: N positions of a batch, C channels, M latents.
"""

from dataclasses import dataclass

from closedbook.model.config import ModelConfig

FLOAT = 4
_BFLOAT = 2
# Weight matrices of a block, in units of C x C, and its biases and LayerNorms, in units of C.
_MATRICES, _VECTORS = 12, 13
# What a block keeps for the backward pass, in numbers per position and channel. In float32: the inputs of LayerNorms
# (2) and of linear layers (6, the wide one's 4 included), queries, keys and values (3), queries scaled, attention's
# output and the same with heads merged (3), and the input of GELU (4). In bfloat16 all but the LayerNorms' are halved.
_KEPT_IN_FLOAT32, _KEPT_HALVED = 2, 16
# The gradients of a block's activations, most at its wide layer, and the embeddings added up.
_PASSING = 14
# Logits, the same in float32, their logarithms of probabilities and their gradient.
_LOGITS = 4


@dataclass(frozen=True)
class Shape:
    """A batch as a model computes it at once: rows, positions per row, and positions with a loss in all."""

    n_rows: int
    n_positions: int
    n_supervised: int


@dataclass(frozen=True)
class Parameters:
    """Numbers of trainable parameters, by where they are."""

    characters: int
    positions: int
    latents: int
    blocks: int
    prefix_table: int
    name_table: int

    @property
    def dense(self) -> int:
        """All outside of the tables, whose gradients are sparse."""
        return self.characters + self.positions + self.latents + self.blocks

    @property
    def tables(self) -> int:
        """Those of the tables."""
        return self.prefix_table + self.name_table

    @property
    def total(self) -> int:
        """All of them."""
        return self.dense + self.tables


def parameters(config: ModelConfig, vocab_size: int, n_prefixes: int = 0, n_names: int = 0) -> Parameters:
    """The parameters of a model whose tables have rows for these numbers of prefixes and names."""
    C, width = config.n_embd, config.name_width or config.n_embd
    can_rotate = config.variant == "vanilla" or config.is_strided
    is_learned = config.positions == "learned" or not can_rotate
    projection = width * C if config.has_names and width != C else 0
    return Parameters(
        characters=2 * vocab_size * C + 2 * C + projection,
        positions=config.block_size * C if is_learned else 0,
        latents=config.bottleneck_dim * C if config.variant == "perceiver" else 0,
        blocks=config.n_layer * (_MATRICES * C * C + _VECTORS * C),
        prefix_table=(n_prefixes + 1) * C if config.prefix_table else 0,
        name_table=n_names * width if config.has_names else 0,
    )


def in_matrices(config: ModelConfig) -> int:
    """How many parameters are in the blocks' weight matrices, which Muon updates."""
    return config.n_layer * _MATRICES * config.n_embd**2


def activations(config: ModelConfig, vocab_size: int, shape: Shape, *, is_bfloat16: bool) -> int:
    """Bytes of what a forward pass keeps for the backward pass, and of what both need on their way."""
    C, number = config.n_embd, _BFLOAT if is_bfloat16 else FLOAT
    N = shape.n_rows * shape.n_positions
    kept = C * (FLOAT * _KEPT_IN_FLOAT32 + number * _KEPT_HALVED)
    on_latents = shape.n_rows * _n_latents(config)
    blocks = config.n_layer * N if config.variant == "vanilla" else 2 * N + (config.n_layer - 2) * on_latents
    head = shape.n_supervised * (C + _LOGITS * vocab_size) * FLOAT
    attention = _attention(config, shape, number, _FUSED_FROM_IN_BFLOAT16 if is_bfloat16 else _FUSED_FROM)
    return blocks * kept + N * C * _PASSING * FLOAT + attention + head


def kv_cache(config: ModelConfig, n_rows: int, n_positions: int) -> int:
    """Bytes of the KV cache of a batch that is decoded; buffers that double have a quarter too much."""
    n_layers = config.n_layer if config.variant == "vanilla" else config.n_layer + 1
    return 2 * n_layers * n_rows * (n_positions + n_positions // 4) * config.n_embd * FLOAT


def _n_latents(config: ModelConfig) -> int:
    return config.bottleneck_dim if config.variant == "perceiver" else 0


def _attention(config: ModelConfig, shape: Shape, number: int, fused_from: int) -> int:
    """Bytes of attention weights: kept by each block, and three times on the way through one.

    Without dropout PyTorch's fused kernel makes none for long texts.
    """
    T, M, H = shape.n_positions, _n_latents(config), config.n_head
    if config.variant == "vanilla" and not config.attn_pdrop and fused_from <= T:
        return 0
    if config.variant == "vanilla":
        largest, all_blocks = T * T, config.n_layer * T * T
    else:
        segment = config.segment_size if config.is_strided else 0
        largest = T * (M + segment)
        all_blocks = M * T + (config.n_layer - 2) * M * M + largest
    # With dropout also what was kept, a byte each, and the result.
    kept = (2 * number + 1) if config.attn_pdrop else number
    return shape.n_rows * H * (all_blocks * kept + 3 * largest * number)


_FUSED_FROM, _FUSED_FROM_IN_BFLOAT16 = 96, 192
"""As in attention.py, which imports torch."""
