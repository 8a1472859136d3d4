"""The configuration of a model. Imports no torch."""

from dataclasses import dataclass
from typing import Literal

from closedbook.errors import RecipeError

Variant = Literal["vanilla", "perceiver"]


@dataclass(frozen=True)
class ModelConfig:
    """A decoder-only transformer over characters; the defaults are the assignment's.

    Raises RecipeError if a value is out of its range, or values do not fit together.
    """

    variant: Variant = "vanilla"
    """vanilla: all blocks work on the characters; perceiver: the middle blocks work on a few latents."""
    n_layer: int = 4
    """Number of blocks; the Perceiver's first projects down and its last projects up."""
    n_head: int = 8
    """Attention heads per block."""
    n_embd: int = 256
    """Width: channels per position."""
    block_size: int = 128
    """The longest text the model reads, in characters."""
    bottleneck_dim: int = 32
    """Number of latents of the Perceiver; unused by vanilla."""
    latent_mask: Literal["triangular", "strided"] = "triangular"
    """Perceiver: triangular: latent j reads characters 0 to j; strided: latent j reads to the end of segment j."""
    segment_length: int = 0
    """Perceiver, strided: characters per segment; 0: block_size / bottleneck_dim, rounded up."""
    random_segment_offset: bool = False
    """Perceiver, strided: in training, shorten the first segment at random, so that nothing depends on its end."""
    positions: Literal["learned", "rotary"] = "learned"
    """learned: one vector per position, added to the embeddings; rotary: rotation of queries and keys."""
    prefix_table: bool = False
    """Prefix embedding table: one learned vector per distinct word prefix in the corpus, added to the embeddings."""
    name_table: bool = False
    """Name table: one learned vector per name of several words in the titles; there is none without prefix_table."""
    name_width: int = 0
    """Name table: channels per row, which a linear layer projects to n_embd; 0: n_embd, without that layer."""
    embd_pdrop: float = 0.1
    """Dropout on the embeddings."""
    resid_pdrop: float = 0.1
    """Dropout on the output of each attention and feed-forward layer."""
    attn_pdrop: float = 0.1
    """Dropout on the attention weights."""

    def __post_init__(self) -> None:
        for name in ("n_layer", "n_head", "n_embd", "bottleneck_dim"):
            if getattr(self, name) < 1:
                raise RecipeError(f"model.{name}: 1 or more is needed; received {getattr(self, name)}")
        for name in ("embd_pdrop", "resid_pdrop", "attn_pdrop"):
            if not 0 <= getattr(self, name) < 1:
                raise RecipeError(f"model.{name}: 0 or more and below 1 is needed; received {getattr(self, name)}")
        if self.n_embd % self.n_head:
            raise RecipeError(f"model.n_head: must divide n_embd ({self.n_embd}); received {self.n_head}")
        if self.positions == "rotary" and self.n_embd // self.n_head % 2:
            raise RecipeError(
                "model.positions: rotary rotates pairs of channels, so n_embd / n_head must be even; "
                f"received {self.n_embd // self.n_head}"
            )
        if self.block_size < 9:
            raise RecipeError(f"model.block_size: 9 at least, for a masked string to fit; received {self.block_size}")
        if self.variant == "perceiver" and self.n_layer < 2:
            raise RecipeError(
                f"model.n_layer: the Perceiver needs 2 at least, one down and one up; received {self.n_layer}"
            )
        for name in ("segment_length", "name_width"):
            if getattr(self, name) < 0:
                raise RecipeError(f"model.{name}: 0 or more is needed; received {getattr(self, name)}")
        if self.is_strided and self.segment_size * self.bottleneck_dim < self.block_size:
            raise RecipeError(
                f"model.segment_length: bottleneck_dim ({self.bottleneck_dim}) segments must cover block_size "
                f"({self.block_size}), so {-(-self.block_size // self.bottleneck_dim)} or more is needed, or 0; "
                f"received {self.segment_length}"
            )

    @property
    def has_names(self) -> bool:
        """Whether there is a name table; it finds words by their rows in the prefix table."""
        return self.name_table and self.prefix_table

    @property
    def is_strided(self) -> bool:
        """Whether this is the Perceiver whose latents summarize segments."""
        return self.variant == "perceiver" and self.latent_mask == "strided"

    @property
    def segment_size(self) -> int:
        """Characters per segment, under latent_mask strided."""
        return self.segment_length or -(-self.block_size // self.bottleneck_dim)
