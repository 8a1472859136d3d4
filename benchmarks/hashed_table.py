"""HashedNames: in place of the exact name table, rows of n-grams by hash, as Engram has them, with its gate.

Engram: arXiv 2601.07372 and its published code. An n-gram selects one row per head, by a multiplicative-XOR hash modulo
the head's prime number of rows; the rows of all heads and orders n are concatenated and projected to a key and a value;
a gate scales the value by how well the key fits the hidden state. Different here:

- An n-gram is of words, two to four, not of tokens, and is looked up at the first character after each word.
- The value is added to the embeddings, where exact rows are added too, so that the gate's query knows this character
  and its position alone. Recipe `fast` has one block, after which nothing can be added.
- The orders share the table's parameters in proportion to how many distinct n-grams each has, and projections have no
  biases. Rows are zero-initialized and updated by the recipe's row-wise RMSProp, not by Adam.
- There is no short convolution, and one residual stream in place of several.

Letters: B batch, T time, C channels, D channels of all heads and orders, H heads, N n-grams, F found, P positions,
R orders, W the last four words, U words.
"""

from collections.abc import Sequence
from itertools import count, islice
from math import isqrt
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from closedbook.model.name_table import MAX_WORDS, Found, NameTable, NameTrie, ended_words
from closedbook.model.prefix_table import UNKNOWN


class Gate(nn.Module):
    """Engram's context-aware gate: a number from 0 to 1 for each vector, from the hidden state where it is added.

    sigmoid(root(RMSNorm(hidden) . RMSNorm(key) / sqrt(C))). The root keeps the sign; the published code has it, the
    paper's formula does not.
    """

    def __init__(self, width: int, n_embd: int) -> None:
        super().__init__()
        self.key = nn.Linear(width, n_embd, bias=False)
        self.norm_query, self.norm_key = nn.RMSNorm(n_embd), nn.RMSNorm(n_embd)

    def forward(self, hidden: Float[Tensor, "P C"], vectors: Float[Tensor, "P D"]) -> Float[Tensor, "P 1"]:
        products = self.norm_query(hidden) * self.norm_key(self.key(vectors).float())
        fit = products.sum(-1, keepdim=True) / products.size(-1) ** 0.5
        return torch.sigmoid(fit.abs().clamp(min=1e-6).sqrt() * fit.sign())


class ExactNames(NameTable):
    """The exact table with rows of any width, and a gate where wanted."""

    def __init__(self, exact: NameTable, n_embd: int, width: int, *, has_gate: bool) -> None:
        super().__init__(NameTrie(exact.keys, exact.n_rows), n_embd, width)
        _initialize(self.table, self.projection, width)
        self.gate = Gate(width, n_embd) if has_gate else None

    def forward(self, x: Float[Tensor, "B T C"], found: Found) -> Float[Tensor, "B T C"]:
        """x with the vector of each name found added at its position."""
        if self.gate is None:
            return super().forward(x, found)
        rows, hidden = self.table(found.names), x.flatten(0, 1)
        vectors = self.gate(hidden[found.positions], rows) * self.projection(rows)
        return hidden.index_add(0, found.positions, vectors.to(x.dtype)).view_as(x)


class Heads:
    """The hash: for each order, the row of an n-gram in each head's part of one table of about `n_parameters`."""

    def __init__(self, ngrams: Int64[Tensor, "N W"], n_parameters: int, n_heads: int, width: int, n_words: int) -> None:
        """Orders have rows in proportion to how many of `ngrams` they have; those of `n_words` words can be hashed."""
        self.orders, n_ngrams = (column.tolist() for column in lengths_of(ngrams).unique(return_counts=True))
        self.width = width
        primes: list[int] = []
        for n in n_ngrams:
            primes += primes_near(n_parameters * n // (len(ngrams) * n_heads * width), n_heads, primes)
        self.primes = torch.tensor(primes).view(-1, n_heads)  # R H
        self.first = (self.primes.flatten().cumsum(0) - self.primes.flatten()).view(-1, n_heads)
        self.n_rows = sum(primes)
        # Odd, and so small that no product overflows.
        largest = (2**63 - 1) // n_words // 2
        self.multipliers = torch.randint(largest, (MAX_WORDS,), generator=torch.Generator().manual_seed(0)) * 2 + 1

    def rows(self, words: Int64[Tensor, "*N W"]) -> Int64[Tensor, "*N R H"]:
        """Rows of the n-grams that end with the last of `words`."""
        mixed, rows = words[..., -1] * self.multipliers[0], []
        for n in range(2, MAX_WORDS + 1):
            mixed = mixed ^ (words[..., -n] * self.multipliers[n - 1])
            if n in self.orders:
                order = self.orders.index(n)
                rows.append(mixed[..., None] % self.primes[order] + self.first[order])
        return torch.stack(rows, dim=-2)

    def are_there(self, words: Int64[Tensor, "*N W"]) -> Bool[Tensor, "*N R"]:
        """Whether all words of an order's n-gram are known."""
        return torch.stack([(words[..., -n:] != UNKNOWN).all(-1) for n in self.orders], dim=-1)

    def rows_of(self, ngrams: Int64[Tensor, "N W"]) -> Int64[Tensor, "N H"]:
        """The rows of n-grams at their own order, which is their number of words."""
        order = torch.searchsorted(torch.tensor(self.orders), lengths_of(ngrams))
        return self.rows(ngrams)[torch.arange(len(ngrams)), order]


def primes_near(size: int, n: int, others: Sequence[int]) -> list[int]:
    """The `n` primes nearest to `size` that are none of `others`."""
    around = (candidate for distance in count() for candidate in dict.fromkeys((size - distance, size + distance)))
    return list(islice((one for one in around if is_prime(one) and one not in others), n))


def is_prime(number: int) -> bool:
    return number > 1 and all(number % divisor for divisor in range(2, isqrt(number) + 1))


class FoundRows(NamedTuple):
    """Rows of n-grams in a batch, one per head, with their order's index, and positions as indices into B * T."""

    rows: Int64[Tensor, "F H"]
    orders: Int64[Tensor, " F"]
    positions: Int64[Tensor, " F"]


class HashedNames(nn.Module):
    """In place of a NameTable: hashed rows of n-grams, of all or (with `names`) of those that titles have."""

    def __init__(self, heads: Heads, names: NameTrie | None, n_embd: int, *, has_gate: bool) -> None:
        super().__init__()
        self.heads, self.names = heads, names
        self.table = nn.Embedding(heads.n_rows, heads.width, sparse=True)
        width = heads.primes.size(1) * heads.width
        self.value = nn.Linear(width * len(heads.orders), n_embd, bias=False)
        _initialize(self.table, self.value, width)
        self.gate = Gate(self.value.in_features, n_embd) if has_gate else None

    def forward(self, x: Float[Tensor, "B T C"], found: FoundRows) -> Float[Tensor, "B T C"]:
        """x with the value of the n-grams that end before a position added there."""
        hidden = x.flatten(0, 1)
        positions, place = found.positions.unique(return_inverse=True)
        vectors = x.new_zeros(len(positions), len(self.heads.orders), self.value.in_features // len(self.heads.orders))
        vectors = vectors.index_put((place, found.orders), self.table(found.rows).flatten(1)).flatten(1)  # P D
        values = self.value(vectors)
        if self.gate is not None:
            values = self.gate(hidden[positions], vectors) * values
        return hidden.index_add(0, positions, values.to(x.dtype)).view_as(x)

    def find(
        self, rows: Int64[Tensor, "B T"], row: Int64[Tensor, " B"] | None, words: Int64[Tensor, "B 3"] | None
    ) -> tuple[FoundRows, Int64[Tensor, "B 3"]]:
        """As NameTable.find."""
        ended, positions, last = ended_words(rows, row, words)
        n_words = positions.size(1)
        windows = torch.stack([ended[:, i : i + n_words] for i in range(MAX_WORDS)], dim=-1)  # B U W
        are_there = self.heads.are_there(windows)  # B U R
        if self.names is not None:
            nodes = [self.names.nodes(ended, n)[:, MAX_WORDS - n :] for n in self.heads.orders]
            are_there &= torch.stack(nodes, dim=-1) != UNKNOWN
        text, word, order = are_there.nonzero(as_tuple=True)
        return FoundRows(self.heads.rows(windows)[text, word, order], order, positions[text, word]), last


def _initialize(table: nn.Embedding, projection: nn.Module, width: int) -> None:
    """As GPT does it: a step changes the embedding by as much as it changes the `width` channels of one n-gram."""
    nn.init.zeros_(table.weight)
    if isinstance(projection, nn.Linear):
        nn.init.normal_(projection.weight, std=width**-0.5)


def words_of(ngrams: NameTrie) -> Int64[Tensor, "N W"]:
    """The words of each n-gram, the last in the last column, with UNKNOWN before the first."""
    node, columns = torch.arange(len(ngrams)) + ngrams.n_rows, []
    for _ in range(MAX_WORDS):
        key = ngrams.keys[(node - ngrams.n_rows).clamp(min=0)]
        is_word = node < ngrams.n_rows  # or UNKNOWN, which stays so
        columns.append(torch.where(is_word, node, key % ngrams.n_rows))
        node = torch.where(is_word, UNKNOWN, key // ngrams.n_rows)
    return torch.stack(columns[::-1], dim=1)


def lengths_of(ngrams: Int64[Tensor, "N W"]) -> Int64[Tensor, " N"]:
    return (ngrams != UNKNOWN).sum(1)


def sharing(heads: Heads, names: Int64[Tensor, "M W"], ngrams: Int64[Tensor, "N W"]) -> dict[str, float]:
    """How many of `ngrams` a row has on average, and the share of `names`, some of these, with no row to themselves."""
    n_users = torch.bincount(heads.rows_of(ngrams).flatten(), minlength=heads.n_rows)
    is_shared = n_users[heads.rows_of(names)] > 1
    return {
        "ngrams_a_row": round(n_users.double().mean().item(), 2),
        "collisions": round(is_shared.all(1).double().mean().item(), 4),
    }
