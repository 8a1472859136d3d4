"""GPT: the stem, the blocks, the head.

Letters: B batch, T time, C channels, V vocabulary.
"""

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
from closedbook.model.kv_cache import Past
from closedbook.model.prefix_table import WordMemory, WordTrie


class GPT(nn.Module):
    """Characters in, for each a logit of every character that may come next.

    | parameter          | at the start                |
    | ------------------ | --------------------------- |
    | maps, embeddings   | normal, deviation 0.02      |
    | biases             | 0                           |
    | LayerNorms         | weight 1, bias 0            |
    | learned positions  | 0                           |
    | the basis C        | Xavier uniform              |
    | the word memory    | 0                           |
    """

    def __init__(self, config: ModelConfig, vocab_size: int, words: WordTrie | None = None) -> None:
        """`words` are those of the corpus, which the word memory needs."""
        super().__init__()
        self.config = config
        self.vocab_size = vocab_size
        self.tok_emb = nn.Embedding(vocab_size, config.n_embd)
        # The assignment's cross-attention turns nothing, so it needs the places at its stem in any case.
        turned = config.variant == "vanilla" or config.is_strided
        self.learned_positions = config.positions == "learned" or not turned
        if self.learned_positions:
            self.pos_emb = nn.Parameter(torch.zeros(1, config.block_size, config.n_embd))
        if config.word_memory:
            assert words is not None, "a word memory is of some words"
            self.memory = WordMemory(words, config.n_embd)
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
        """Numbers that are learnt."""
        return sum(parameter.numel() for parameter in self.parameters())

    @property
    def can_go_on(self) -> bool:
        """Whether it takes a Past; in the assignment's Perceiver every new character may change what is past."""
        return self.config.variant == "vanilla" or self.config.is_strided

    def forward(self, idx: Int64[Tensor, "B T"]) -> Float[Tensor, "B T V"]:
        """Logits of the next character at each place."""
        return self.logits(self.hidden(idx))

    def hidden(self, idx: Int64[Tensor, "B T"], past: Past | None = None) -> Float[Tensor, "B T C"]:
        """What the head reads, at each place; `idx` are the places after those in `past`."""
        x = self.stem(idx, past)
        x = self.through_latents(x, past) if self.config.variant == "perceiver" else self.through_blocks(x, past)
        if past is not None:
            past.n_places += idx.size(1)
        return x

    def stem(self, idx: Int64[Tensor, "B T"], past: Past | None = None) -> Float[Tensor, "B T C"]:
        """Embeddings of the places after those in `past`."""
        x = self.embedded(idx, past)
        if self.config.word_memory:
            nodes = self.memory.nodes(idx, None if past is None else past.node)
            if past is not None:
                past.node = nodes[:, -1]
            x = x + self.memory(nodes)
        return self.drop(x)

    def embedded(self, idx: Int64[Tensor, "B T"], past: Past | None = None) -> Float[Tensor, "B T C"]:
        """The characters' vectors and, where places have some, theirs."""
        first = 0 if past is None else len(past)
        n_places = first + idx.size(1)
        assert n_places <= self.config.block_size, f"{n_places} characters exceed {self.config.block_size}"
        x = self.tok_emb(idx)
        return x + self.pos_emb[:, first:n_places] if self.learned_positions else x

    def through_blocks(self, x: Float[Tensor, "B T C"], past: Past | None = None) -> Float[Tensor, "B T C"]:
        """Through the blocks that attend to themselves."""
        for number, block in enumerate(self.blocks):
            x = block(x, None if past is None else past.blocks[number])
        return x

    def through_latents(self, x_input: Float[Tensor, "B T C"], past: Past | None = None) -> Float[Tensor, "B T C"]:
        """Down to the latents, through the middle blocks, and up again."""
        if self.config.is_strided:
            return self.through_stretches(x_input, past)
        assert past is None, "the assignment's Perceiver decodes without a cache"
        return self.up_block(self.through_blocks(self.down_block(x_input)), x_input)

    def through_stretches(self, x_input: Float[Tensor, "B T C"], past: Past | None = None) -> Float[Tensor, "B T C"]:
        """The same where latents stand for stretches, the first of which may be shorter by a random phase."""
        phase = self.random_phase(x_input.size(1)) if self.training and self.config.phases else 0
        x_input = functional.pad(x_input, (0, 0, phase, 0))
        y = self.through_blocks(self.down_block(x_input, past, phase), past)
        return self.up_block(y, x_input, past, phase)[:, phase:]

    def random_phase(self, n_places: int) -> int:
        """Less than a stretch, and no more than the latents can cover besides."""
        n_covered = self.config.stretch_length * self.config.bottleneck_dim
        phase = int(torch.randint(self.config.stretch_length, ()))
        return min(phase, n_covered - n_places)

    def logits(self, hidden: Float[Tensor, "*B C"]) -> Float[Tensor, "*B V"]:
        """The head, at whatever places are wanted."""
        return self.head(self.ln_f(hidden))


def _initialize(module: nn.Module) -> None:
    if isinstance(module, WordMemory):
        nn.init.zeros_(module.table.weight)
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, mean=0.0, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
