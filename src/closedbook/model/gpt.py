"""GPT: embeddings, blocks, head.

Letters: B batch, T time, C channels, V vocabulary.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from closedbook.model.blocks import (
    Block,
    DownProjectBlock,
    StridedDownProjectBlock,
    StridedUpProjectBlock,
    UpProjectBlock,
)
from closedbook.model.config import ModelConfig
from closedbook.model.kernels.dropout import Dropout
from closedbook.model.kv_cache import KVCache
from closedbook.model.name_table import NameTable, NameTrie
from closedbook.model.prefix_table import PrefixTable, PrefixTrie


class GPT(nn.Module):
    """A decoder-only transformer over characters: for each position, logits of the next character.

    | parameter             | initial value     |
    | --------------------- | ----------------- |
    | linear, embeddings    | N(0, 0.02)        |
    | biases                | 0                 |
    | LayerNorm             | weight 1, bias 0  |
    | learned positions     | 0                 |
    | the basis C           | Xavier uniform    |
    | tables                | 0                 |
    """

    def __init__(
        self,
        config: ModelConfig,
        vocab_size: int,
        prefixes: PrefixTrie | None = None,
        titles: Sequence[Sequence[int]] = (),
    ) -> None:
        """`prefixes` are those of the corpus's words, `titles` its titles as token ids: the tables need them."""
        super().__init__()
        self.config = config
        self.vocab_size = vocab_size
        self.tok_emb = nn.Embedding(vocab_size, config.n_embd)
        # The assignment's cross-attention is not rotary, so it needs learned positions in any case.
        can_rotate = config.variant == "vanilla" or config.is_strided
        self.learned_positions = config.positions == "learned" or not can_rotate
        if self.learned_positions:
            self.pos_emb = nn.Parameter(torch.zeros(1, config.block_size, config.n_embd))
        if config.prefix_table:
            assert prefixes is not None, "a prefix table needs the corpus's prefixes"
            self.prefix_table = PrefixTable(prefixes, config.n_embd)
        if config.has_names:
            names = NameTrie.of_titles(titles, self.prefix_table)
            self.name_table = NameTable(names, config.n_embd, config.name_width or config.n_embd)
        self.drop = Dropout(config.embd_pdrop)
        if config.variant == "perceiver":
            self.down_block = (StridedDownProjectBlock if config.is_strided else DownProjectBlock)(config)
            self.up_block = (StridedUpProjectBlock if config.is_strided else UpProjectBlock)(config)
        n_middle = config.n_layer - (2 if config.variant == "perceiver" else 0)
        self.blocks = nn.ModuleList(Block(config) for _ in range(n_middle))
        self.ln_f = nn.LayerNorm(config.n_embd)
        self.head = nn.Linear(config.n_embd, vocab_size, bias=False)
        self.apply(_initialize)
        if config.variant == "perceiver":
            nn.init.xavier_uniform_(self.down_block.C)

    @property
    def n_parameters(self) -> int:
        """Number of trainable parameters."""
        return sum(parameter.numel() for parameter in self.parameters())

    @property
    def n_table_parameters(self) -> int:
        """How many of them the tables have; a training step reads and updates only a few of their rows."""
        tables = [module for module in self.modules() if isinstance(module, nn.Embedding) and module.sparse]
        return sum(table.weight.numel() for table in tables)

    @property
    def has_kv_cache(self) -> bool:
        """Whether decoding can use a KVCache; in the assignment's Perceiver a new character may change earlier ones."""
        return self.config.variant == "vanilla" or self.config.is_strided

    def forward(self, idx: Int64[Tensor, "B T"]) -> Float[Tensor, "B T V"]:
        """Logits of the next character at each position."""
        return self.logits(self.hidden(idx))

    def hidden(self, idx: Int64[Tensor, "B T"], cache: KVCache | None = None) -> Float[Tensor, "B T C"]:
        """The head's input at each position; `idx` are the positions after those in `cache`."""
        x = self.embed(idx, cache)
        x = self.through_latents(x, cache) if self.config.variant == "perceiver" else self.through_blocks(x, cache)
        if cache is not None:
            cache.n_positions += idx.size(1)
        return x

    def embed(self, idx: Int64[Tensor, "B T"], cache: KVCache | None = None) -> Float[Tensor, "B T C"]:
        """All embeddings of the positions after those in `cache`, added up."""
        x = self.embed_characters(idx, cache)
        if self.config.prefix_table:
            x = self.add_rows(x, idx, cache)
        return self.drop(x)

    def add_rows(
        self, x: Float[Tensor, "B T C"], idx: Int64[Tensor, "B T"], cache: KVCache | None = None
    ) -> Float[Tensor, "B T C"]:
        """x with what the tables have for each position."""
        before = None if cache is None else cache.prefix
        rows = self.prefix_table.rows(idx, before)
        x = x + self.prefix_table(rows)
        if cache is not None:
            cache.prefix = rows[:, -1]
        if not self.config.has_names:
            return x
        found, words = self.name_table.find(rows, before, None if cache is None else cache.words)
        if cache is not None:
            cache.words = words
        return self.name_table(x, found)

    def embed_characters(self, idx: Int64[Tensor, "B T"], cache: KVCache | None = None) -> Float[Tensor, "B T C"]:
        """Character embeddings, plus position embeddings where they are learned."""
        first = 0 if cache is None else len(cache)
        end = first + idx.size(1)
        assert end <= self.config.block_size, f"{end} characters exceed {self.config.block_size}"
        x = self.tok_emb(idx)
        return x + self.pos_emb[:, first:end] if self.learned_positions else x

    def through_blocks(self, x: Float[Tensor, "B T C"], cache: KVCache | None = None) -> Float[Tensor, "B T C"]:
        """Through the self-attention blocks."""
        for number, block in enumerate(self.blocks):
            x = block(x, None if cache is None else cache.blocks[number])
        return x

    def through_latents(self, x_input: Float[Tensor, "B T C"], cache: KVCache | None = None) -> Float[Tensor, "B T C"]:
        """Down to the latents, through the middle blocks, and up again."""
        if self.config.is_strided:
            return self.through_segments(x_input, cache)
        assert cache is None, "the assignment's Perceiver decodes without a cache"
        return self.up_block(self.through_blocks(self.down_block(x_input)), x_input)

    def through_segments(self, x_input: Float[Tensor, "B T C"], cache: KVCache | None = None) -> Float[Tensor, "B T C"]:
        """The strided Perceiver; in training the first segment may be shorter by a random offset."""
        has_offset = self.training and self.config.random_segment_offset
        offset = self.draw_segment_offset(x_input.size(1)) if has_offset else 0
        x_input = functional.pad(x_input, (0, 0, offset, 0))
        y = self.through_blocks(self.down_block(x_input, cache, offset), cache)
        return self.up_block(y, x_input, cache, offset)[:, offset:]

    def draw_segment_offset(self, n_positions: int) -> int:
        """A random number below the segment size, limited so that the latents cover it and `n_positions`."""
        n_covered = self.config.segment_size * self.config.bottleneck_dim
        offset = int(torch.randint(self.config.segment_size, ()))
        return min(offset, n_covered - n_positions)

    def logits(self, hidden: Float[Tensor, "*B C"]) -> Float[Tensor, "*B V"]:
        """The final LayerNorm and the head, for any selection of positions."""
        return self.head(self.ln_f(hidden))


def _initialize(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, mean=0.0, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
    # Children come first, so this replaces what a table's embedding and projection have as such.
    if isinstance(module, PrefixTable | NameTable):
        nn.init.zeros_(module.table.weight)
    if isinstance(module, NameTable) and isinstance(module.projection, nn.Linear):
        # So that a step changes the embedding by as much as it changes the row.
        nn.init.normal_(module.projection.weight, std=module.projection.in_features**-0.5)


def last_block(model: GPT) -> Block | UpProjectBlock:
    """The block before the head."""
    block = model.up_block if model.config.variant == "perceiver" else model.blocks[-1]
    assert isinstance(block, Block | UpProjectBlock)
    return block
