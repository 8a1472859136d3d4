"""The blocks: self-attention, and the Perceiver's projections down to latents and up again.

Letters: B batch, T time, C channels, M latents.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from closedbook.model.attention import Attention, CausalCrossAttention, CausalSelfAttention
from closedbook.model.config import ModelConfig
from closedbook.model.kernels.dropout import Dropout
from closedbook.model.kv_cache import KVCache, LayerCache
from closedbook.model.strided import DownAttention, UpAttention


def feed_forward(config: ModelConfig) -> nn.Sequential:
    """Two linear layers with a GELU between, on four times the width."""
    return nn.Sequential(
        nn.Linear(config.n_embd, 4 * config.n_embd),
        nn.GELU(),
        nn.Linear(4 * config.n_embd, config.n_embd),
        Dropout(config.resid_pdrop),
    )


class Block(nn.Module):
    """Pre-LayerNorm block: self-attention, then a feed-forward part, each with a residual connection."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(config.n_embd)
        self.ln2 = nn.LayerNorm(config.n_embd)
        self.attn = CausalSelfAttention(config)
        self.mlp = feed_forward(config)

    def forward(self, x: Float[Tensor, "B T C"], cache: LayerCache | None = None) -> Float[Tensor, "B T C"]:
        """`x` are the positions after those in `cache`."""
        x = x + self.attn(self.ln1(x), cache)
        return x + self.mlp(self.ln2(x))


class DownProjectBlock(nn.Module):
    """From T characters to M latents: queries from the learned basis C, keys and values from the characters.

    Perceiver IO (Jaegle et al. 2021), section 3.1, with the assignment's causal mask.
    """

    attention: type[Attention] = CausalCrossAttention

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(config.n_embd)
        self.ln2 = nn.LayerNorm(config.n_embd)
        self.C = nn.Parameter(torch.empty(1, config.bottleneck_dim, config.n_embd))
        self.attn = self.attention(config)
        self.mlp = feed_forward(config)

    def forward(self, x_input: Float[Tensor, "B T C"]) -> Float[Tensor, "B M C"]:
        """The latents, for each row of the batch."""
        x = self.C + self.attn(x_input, self.ln1(self.C))
        return x + self.mlp(self.ln2(x))


class UpProjectBlock(nn.Module):
    """From M latents back to T characters: queries from the characters, keys and values from the latents.

    The first LayerNorm is applied to the latents, as in the assignment's handout; the queries' input is not normalized.
    """

    attention: type[Attention] = CausalCrossAttention

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(config.n_embd)
        self.ln2 = nn.LayerNorm(config.n_embd)
        self.attn = self.attention(config)
        self.mlp = feed_forward(config)

    def forward(self, y: Float[Tensor, "B M C"], x_input: Float[Tensor, "B T C"]) -> Float[Tensor, "B T C"]:
        """`y` are the latents, `x_input` the input of the down-projection."""
        x = x_input + self.attn(self.ln1(y), x_input)
        return x + self.mlp(self.ln2(x))


class StridedDownProjectBlock(DownProjectBlock):
    """A DownProjectBlock with one latent per segment of the text; it returns those of completed segments."""

    attention = DownAttention

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.segment_size = config.segment_size

    def forward(
        self, x_input: Float[Tensor, "B T C"], cache: KVCache | None = None, n_padding: int = 0
    ) -> Float[Tensor, "B M C"]:
        """The latents of the segments that are completed within `x_input`, the characters after the cached ones.

        The first `n_padding` positions are padding.
        """
        n_cached = 0 if cache is None else len(cache)
        latents = range(n_cached // self.segment_size, (n_cached + x_input.size(1)) // self.segment_size)
        basis = self.C[:, latents.start : latents.stop]
        x = basis + self.attn(x_input, self.ln1(basis), latents, cache, n_padding)
        return x + self.mlp(self.ln2(x))


class StridedUpProjectBlock(UpProjectBlock):
    """An UpProjectBlock whose characters attend to the latents of completed segments and to their own segment."""

    attention = UpAttention

    def forward(
        self,
        y: Float[Tensor, "B M C"],
        x_input: Float[Tensor, "B T C"],
        cache: KVCache | None = None,
        n_padding: int = 0,
    ) -> Float[Tensor, "B T C"]:
        """`y` are the latents and `x_input` the characters after the cached ones.

        The first `n_padding` positions are padding.
        """
        # One LayerNorm for both, since latents and characters are keys of one softmax.
        x = x_input + self.attn(self.ln1(y), self.ln1(x_input), cache, n_padding)
        return x + self.mlp(self.ln2(x))
