"""GPT: the stem, the blocks, the head.

Letters: B batch, T time, C channels, V vocabulary.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from closedbook.model.attention import Cache
from closedbook.model.blocks import Block, DownProjectBlock, UpProjectBlock
from closedbook.model.config import ModelConfig


class GPT(nn.Module):
    """Characters in, for each a logit of every character that may come next.

    | parameter          | at the start                |
    | ------------------ | --------------------------- |
    | maps, embeddings   | normal, deviation 0.02      |
    | biases             | 0                           |
    | LayerNorms         | weight 1, bias 0            |
    | learned positions  | 0                           |
    | the basis C        | Xavier uniform              |
    """

    def __init__(self, config: ModelConfig, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        self.vocab_size = vocab_size
        self.tok_emb = nn.Embedding(vocab_size, config.n_embd)
        # Cross-attention turns nothing, so the Perceiver needs the places at its stem in any case.
        self.learned_positions = config.positions == "learned" or config.variant == "perceiver"
        if self.learned_positions:
            self.pos_emb = nn.Parameter(torch.zeros(1, config.block_size, config.n_embd))
        self.drop = nn.Dropout(config.embd_pdrop)
        if config.variant == "perceiver":
            self.down_block = DownProjectBlock(config)
            self.up_block = UpProjectBlock(config)
        n_middle = config.n_layer - (2 if config.variant == "perceiver" else 0)
        self.blocks = nn.ModuleList(Block(config) for _ in range(n_middle))
        self.ln_f = nn.LayerNorm(config.n_embd)
        self.head = nn.Linear(config.n_embd, vocab_size, bias=False)
        self.apply(_initialize)
        if config.variant == "perceiver":
            nn.init.xavier_uniform_(self.down_block.C)

    @property
    def n_parameters(self) -> int:
        """Numbers that are learnt."""
        return sum(parameter.numel() for parameter in self.parameters())

    def forward(self, idx: Int64[Tensor, "B T"]) -> Float[Tensor, "B T V"]:
        """Logits of the next character at each place."""
        return self.logits(self.hidden(idx))

    def hidden(self, idx: Int64[Tensor, "B T"], caches: list[Cache] | None = None) -> Float[Tensor, "B T C"]:
        """What the head reads, at each place; `idx` are the places after those in `caches`, one a block."""
        x = self.stem(idx, 0 if caches is None else len(caches[0]))
        if self.config.variant == "perceiver":
            assert caches is None, "the assignment's Perceiver decodes without a cache"
            return self.through_latents(x)
        for number, block in enumerate(self.blocks):
            x = block(x, None if caches is None else caches[number])
        return x

    def stem(self, idx: Int64[Tensor, "B T"], first: int = 0) -> Float[Tensor, "B T C"]:
        """Embeddings, of which the first stands at place `first`."""
        n_places = first + idx.size(1)
        assert n_places <= self.config.block_size, f"{n_places} characters exceed {self.config.block_size}"
        x = self.tok_emb(idx)
        if self.learned_positions:
            x = x + self.pos_emb[:, first:n_places]
        return self.drop(x)

    def through_latents(self, x_input: Float[Tensor, "B T C"]) -> Float[Tensor, "B T C"]:
        """Down to the latents, through the middle blocks, and up again."""
        y = self.down_block(x_input)
        for block in self.blocks:
            y = block(y)
        return self.up_block(y, x_input)

    def logits(self, hidden: Float[Tensor, "*B C"]) -> Float[Tensor, "*B V"]:
        """The head, at whatever places are wanted."""
        return self.head(self.ln_f(hidden))


def _initialize(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, mean=0.0, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
