"""A closedbook model in plain PyTorch: token ids to logits of the next character at each position.

    model = load("FOLDER")                   # the folder of config.json and model.safetensors
    logits = model(torch.tensor([ids]))      # ids (B, T), logits (B, T, V)

It is written to be read: no dropout, no cache, every formula as papers write it. Masks are boolean; True means "may
attend". `config` is the `model` part of config.json.

Letters: B batch, T time, C channels, V vocabulary, H heads, Q queries, K keys, D head size, M latents.
"""

import json
import math
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

Config = dict[str, Any]


class GPT(nn.Module):
    """A decoder-only transformer over characters, with or without tables, or a Perceiver."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        n_embd = config["n_embd"]
        self.is_perceiver = config["variant"] == "perceiver"
        is_triangular = self.is_perceiver and config["latent_mask"] == "triangular"
        self.tok_emb = nn.Embedding(config["vocab_size"], n_embd)
        self.has_positions = config["positions"] == "learned" or is_triangular
        if self.has_positions:
            self.pos_emb = nn.Parameter(torch.zeros(1, config["block_size"], n_embd))
        self.has_prefixes, self.has_names = config["n_prefixes"] is not None, config["n_names"] is not None
        if self.has_prefixes:
            self.prefix_table = PrefixTable(config)
        if self.has_names:
            self.name_table = NameTable(config)
        if self.is_perceiver:
            self.down_block = DownBlock(config)
            self.up_block = UpBlock(config)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config["n_layer"] - 2 * self.is_perceiver))
        self.ln_f = nn.LayerNorm(n_embd)
        self.head = nn.Linear(n_embd, config["vocab_size"], bias=False)

    def forward(self, idx: Tensor) -> Tensor:
        """Logits (B, T, V) of the next character, from token ids (B, T)."""
        x = self.embed(idx)
        y = self.down_block(x) if self.is_perceiver else x
        for block in self.blocks:
            y = block(y)
        return self.head(self.ln_f(self.up_block(y, x) if self.is_perceiver else y))

    def embed(self, idx: Tensor) -> Tensor:
        """The sum of all embeddings (B, T, C)."""
        x = self.tok_emb(idx)
        if self.has_positions:
            x = x + self.pos_emb[:, : idx.size(1)]
        if self.has_prefixes:
            rows = [self.prefix_table.rows(ids) for ids in idx.tolist()]
            x = x + self.prefix_table.table(torch.tensor(rows, device=idx.device).clamp(min=0))
            if self.has_names:
                words = [self.prefix_table.words(ids, of) for ids, of in zip(idx.tolist(), rows, strict=True)]
                x = x + self.name_table(words, x)
        return x


def causal(n_queries: int, n_keys: int) -> Tensor:
    """The mask in which query i attends to keys 0 to i."""
    return torch.ones(n_queries, n_keys, dtype=torch.bool).tril()


def rotate(x: Tensor, positions: Tensor) -> Tensor:
    """Rotary position embedding of x (B, H, T, D): Su et al. 2021, RoFormer, equation 34, channel m with m + D/2."""
    half = x.size(-1) // 2
    angle = positions[:, None].float() * 10_000.0 ** (-torch.arange(half).float() / half)
    cos, sin = angle.cos().to(x), angle.sin().to(x)
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1)


class Attention(nn.Module):
    """softmax(q k / sqrt(D)) v of several heads (Vaswani et al. 2017, section 3.2)."""

    def __init__(self, config: Config, rotary: bool) -> None:
        super().__init__()
        n_embd = config["n_embd"]
        self.key, self.query = nn.Linear(n_embd, n_embd), nn.Linear(n_embd, n_embd)
        self.value, self.proj = nn.Linear(n_embd, n_embd), nn.Linear(n_embd, n_embd)
        self.n_head, self.rotary = config["n_head"], rotary

    def forward(self, x_q: Tensor, x_kv: Tensor, mask: Tensor, at_q: Tensor, at_kv: Tensor) -> Tensor:
        """`x_q` (B, Q, C) attends to `x_kv` (B, K, C); `at_q` and `at_kv` are their positions."""
        q, k, v = self.split(self.query(x_q)), self.split(self.key(x_kv)), self.split(self.value(x_kv))
        if self.rotary:
            q, k = rotate(q, at_q), rotate(k, at_kv)
        e = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
        alpha = torch.softmax(e.masked_fill(~mask.to(e.device), -math.inf), dim=-1)
        return self.proj((alpha @ v).transpose(1, 2).flatten(-2))

    def split(self, x: Tensor) -> Tensor:
        """The channels of each head: (B, H, T, D)."""
        return x.reshape(*x.shape[:-1], self.n_head, x.size(-1) // self.n_head).transpose(1, 2)


class AnyBlock(nn.Module):
    """What all blocks have: attention, then a feed-forward part, each after a LayerNorm."""

    def __init__(self, config: Config, rotary: bool) -> None:
        super().__init__()
        n_embd = config["n_embd"]
        self.ln1, self.ln2 = nn.LayerNorm(n_embd), nn.LayerNorm(n_embd)
        self.attn = Attention(config, rotary)
        self.mlp = nn.Sequential(nn.Linear(n_embd, 4 * n_embd), nn.GELU(), nn.Linear(4 * n_embd, n_embd))

    def feed_forward(self, x: Tensor) -> Tensor:
        """x plus its feed-forward part."""
        return x + self.mlp(self.ln2(x))


class Block(AnyBlock):
    """Self-attention: each position attends to itself and to earlier ones."""

    def __init__(self, config: Config) -> None:
        super().__init__(config, rotary=config["positions"] == "rotary")

    def forward(self, x: Tensor) -> Tensor:
        """From (B, T, C) to (B, T, C)."""
        at, h = torch.arange(x.size(1)), self.ln1(x)
        return self.feed_forward(x + self.attn(h, h, causal(len(at), len(at)), at, at))


class CrossBlock(AnyBlock):
    """What the Perceiver's two cross-attention blocks share (Perceiver IO, Jaegle et al. 2021, section 3.1)."""

    def __init__(self, config: Config) -> None:
        is_strided = config["latent_mask"] == "strided"
        super().__init__(config, rotary=is_strided and config["positions"] == "rotary")
        self.is_strided, self.segment_size = is_strided, config["segment_size"]

    def ends(self, n: int) -> Tensor:
        """The positions of the first n latents: the last characters of their segments."""
        return (torch.arange(n) + 1) * self.segment_size - 1


class DownBlock(CrossBlock):
    """From characters to latents, with queries from the learned basis C.

    Strided: a latent for each completed segment reads the text up to its end. Else latent i reads characters 0 to i.
    """

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.C = nn.Parameter(torch.zeros(1, config["bottleneck_dim"], config["n_embd"]))

    def forward(self, x: Tensor) -> Tensor:
        """From (B, T, C) to (B, M, C)."""
        at = torch.arange(x.size(1))
        basis = self.C[:, : len(at) // self.segment_size] if self.is_strided else self.C
        ends = self.ends(basis.size(1))
        mask = at <= ends[:, None] if self.is_strided else causal(len(ends), len(at))
        basis = basis.expand(len(x), -1, -1)
        return self.feed_forward(basis + self.attn(self.ln1(basis), x, mask, ends, at))


class UpBlock(CrossBlock):
    """From latents to characters.

    Strided: a character attends to the characters of its own segment up to itself, and to the latents of completed
    segments. Else character i attends to latents 0 to i, and its queries are not normalized.
    """

    def forward(self, y: Tensor, x: Tensor) -> Tensor:
        """From latents (B, M, C) and the down-projection's input (B, T, C) to (B, T, C)."""
        at, ends = torch.arange(x.size(1)), self.ends(y.size(1))
        if not self.is_strided:
            return self.feed_forward(x + self.attn(x, self.ln1(y), causal(len(at), len(ends)), at, ends))
        segment = at // self.segment_size
        own = (segment[:, None] == segment) & (at <= at[:, None])
        mask = torch.cat((own, ends <= at[:, None]), dim=1)
        keys = self.ln1(torch.cat((x, y), dim=1))
        return self.feed_forward(x + self.attn(self.ln1(x), keys, mask, at, torch.cat((at, ends))))


class PrefixTable(nn.Module):
    """One vector per distinct prefix of the text's words; row 0 is for characters outside of words, and zero.

    Row i + 1 is the prefix that extends row p by the character with token id c, where keys[i] = p * V + c. `in_word`
    says which characters can be part of a word, `is_alone` which are a word by themselves.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        n_prefixes, vocab_size = config["n_prefixes"], config["vocab_size"]
        self.table = nn.Embedding(n_prefixes + 1, config["n_embd"])
        self.register_buffer("keys", torch.zeros(n_prefixes, dtype=torch.long))
        self.register_buffer("in_word", torch.zeros(vocab_size, dtype=torch.bool))
        self.register_buffer("is_alone", torch.zeros(vocab_size, dtype=torch.bool))

    @cached_property
    def lists(self) -> tuple[dict[int, int], list[bool], list[bool]]:
        """The row of each key, and for each token id whether it is in a word, and a word by itself."""
        row_of = {key: row for row, key in enumerate(self.get_buffer("keys").tolist(), 1)}
        return row_of, self.get_buffer("in_word").tolist(), self.get_buffer("is_alone").tolist()

    def rows(self, ids: Sequence[int]) -> list[int]:
        """The row of the prefix that ends at each character, or -1 for one that the text does not have."""
        row_of, in_word, is_alone = self.lists
        row, before, rows = 0, 0, []
        for id_ in ids:
            if is_alone[id_] or (row > 0 and is_alone[before]):
                row = 0
            row = row_of.get(row * len(in_word) + id_, -1) if in_word[id_] else 0
            before = id_
            rows.append(row)
        return rows

    def words(self, ids: Sequence[int], rows: Sequence[int]) -> list[tuple[int, int]]:
        """The words, as rows, each with the position after it."""
        _, _, is_alone = self.lists
        alone = [row > 0 and is_alone[id_] for id_, row in zip(ids, rows, strict=True)]
        return [
            (t, rows[t - 1])
            for t in range(1, len(rows))
            if rows[t - 1] != 0 and (rows[t] == 0 or alone[t] or alone[t - 1])
        ]


class NameTable(nn.Module):
    """One vector per name of two to four words in the titles, added at the character after the name.

    Name i is node R + i and a word is the node of its row, with R rows in the prefix table. keys[i] = p * R + w, where
    w is the last word of name i and p the node of what stands before it.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        width = config["name_width"] or config["n_embd"]
        self.n_rows = config["n_prefixes"] + 1
        self.table = nn.Embedding(config["n_names"], width)
        is_narrow = width != config["n_embd"]
        self.projection = nn.Linear(width, config["n_embd"], bias=False) if is_narrow else nn.Identity()
        self.register_buffer("keys", torch.zeros(config["n_names"], dtype=torch.long))

    @cached_property
    def node_of(self) -> dict[int, int]:
        """The node of each key."""
        return {key: self.n_rows + name for name, key in enumerate(self.get_buffer("keys").tolist())}

    def forward(self, words: Sequence[Sequence[tuple[int, int]]], x: Tensor) -> Tensor:
        """What is added to x (B, T, C); `words` are those of each text, with the positions after them."""
        vectors = x.new_zeros(*x.shape[:2], self.table.embedding_dim)
        for text, ended in enumerate(words):
            for i, (position, _) in enumerate(ended):
                for first in range(max(0, i - 3), i):
                    node = self.node([row for _, row in ended[first : i + 1]])
                    if node >= 0:
                        vectors[text, position] += self.table.weight[node - self.n_rows]
        return self.projection(vectors)

    def node(self, words: Sequence[int]) -> int:
        """The node of words in a row, or -1 where they are no name."""
        node = words[0]
        for word in words[1:]:
            node = -1 if min(node, word) < 0 else self.node_of.get(node * self.n_rows + word, -1)
        return node


def load(folder: str | Path) -> GPT:
    """The model of a folder with config.json and model.safetensors, in evaluation mode."""
    from safetensors.torch import load_file

    model = GPT(json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))["model"])
    model.load_state_dict(load_file(Path(folder) / "model.safetensors"))
    return model.eval()
