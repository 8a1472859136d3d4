"""Block, DownProjectBlock and UpProjectBlock: what a variant is a list of.

Letters: B batch, T time, C channels, M latents.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from closedbook.model.attention import Attention, CausalCrossAttention, CausalSelfAttention
from closedbook.model.config import ModelConfig
from closedbook.model.kernels.dropout import Dropout
from closedbook.model.kv_cache import Cache, Past
from closedbook.model.strided import DownAttention, UpAttention


def feed_forward(config: ModelConfig) -> nn.Sequential:
    """Two maps, four times as wide between them."""
    return nn.Sequential(
        nn.Linear(config.n_embd, 4 * config.n_embd),
        nn.GELU(),
        nn.Linear(4 * config.n_embd, config.n_embd),
        Dropout(config.resid_pdrop),
    )


class Block(nn.Module):
    """Self-attention, then a feed-forward part, each behind a LayerNorm and added to its input."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(config.n_embd)
        self.ln2 = nn.LayerNorm(config.n_embd)
        self.attn = CausalSelfAttention(config)
        self.mlp = feed_forward(config)

    def forward(self, x: Float[Tensor, "B T C"], cache: Cache | None = None) -> Float[Tensor, "B T C"]:
        """`x` are the places after those in `cache`."""
        x = x + self.attn(self.ln1(x), cache)
        return x + self.mlp(self.ln2(x))


class DownProjectBlock(nn.Module):
    """From T characters to M latents: the learned basis C asks, the characters answer.

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
        """The latents of each row."""
        x = self.C + self.attn(x_input, self.ln1(self.C))
        return x + self.mlp(self.ln2(x))


class UpProjectBlock(nn.Module):
    """From M latents back to T characters: the characters ask, the latents answer.

    The first LayerNorm is the latents', as in the assignment's handout; the characters ask as they are.
    """

    attention: type[Attention] = CausalCrossAttention

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(config.n_embd)
        self.ln2 = nn.LayerNorm(config.n_embd)
        self.attn = self.attention(config)
        self.mlp = feed_forward(config)

    def forward(self, y: Float[Tensor, "B M C"], x_input: Float[Tensor, "B T C"]) -> Float[Tensor, "B T C"]:
        """`y` are the latents, `x_input` is what the down-projection read."""
        x = x_input + self.attn(self.ln1(y), x_input)
        return x + self.mlp(self.ln2(x))


class StridedDownProjectBlock(DownProjectBlock):
    """A DownProjectBlock whose latents stand for stretches; it gives those whose stretches have ended."""

    attention = DownAttention

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.stretch = config.stretch_length

    def forward(
        self, x_input: Float[Tensor, "B T C"], past: Past | None = None, n_hidden: int = 0
    ) -> Float[Tensor, "B M C"]:
        """The latents of the stretches that end in `x_input`, the characters behind those in `past`.

        Nobody reads the first `n_hidden` places.
        """
        n_read = 0 if past is None else len(past)
        latents = range(n_read // self.stretch, (n_read + x_input.size(1)) // self.stretch)
        basis = self.C[:, latents.start : latents.stop]
        x = basis + self.attn(x_input, self.ln1(basis), latents, past, n_hidden)
        return x + self.mlp(self.ln2(x))


class StridedUpProjectBlock(UpProjectBlock):
    """An UpProjectBlock whose characters ask the latents of ended stretches and the characters of their own."""

    attention = UpAttention

    def forward(
        self, y: Float[Tensor, "B M C"], x_input: Float[Tensor, "B T C"], past: Past | None = None, n_hidden: int = 0
    ) -> Float[Tensor, "B T C"]:
        """`y` are the latents and `x_input` the characters behind those in `past`.

        Nobody reads the first `n_hidden` places.
        """
        # One LayerNorm for both, as latents and characters are keys and values side by side.
        x = x_input + self.attn(self.ln1(y), self.ln1(x_input), past, n_hidden)
        return x + self.mlp(self.ln2(x))
