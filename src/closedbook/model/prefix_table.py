"""PrefixTable: one learned vector per distinct word prefix in the corpus.

A character-level model spends computation on recognizing each name from its characters. The table looks it up instead:
no arithmetic, and a training step updates only the rows that it used. It belongs to the n-gram embeddings (Joulin et
al. 2016, 'Bag of Tricks for Efficient Text Classification', section 2.2; Engram, arXiv 2601.07372), but rows are found
by a trie of the corpus's words, so that no two prefixes share a row as they do under hashing.

Letters: B batch, T time, C channels, R rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

OUTSIDE = 0
"""The row of a character outside of words; its vector is zero."""

UNKNOWN = -1
"""In place of a row after a prefix that the trie does not have."""


@dataclass(frozen=True)
class PrefixTrie:
    """The prefixes of the corpus's words, numbered from 1 on; prefix 0 is the empty one.

    `edges[i]` belongs to prefix i + 1: its parent, and the token id that extends the parent; edges are sorted.
    `in_word` says for each token id whether its character can be part of a word; `alone` whether it is a word by
    itself, as in scripts without blanks (() where none is).
    """

    edges: tuple[tuple[int, int], ...]
    in_word: tuple[bool, ...]
    alone: tuple[bool, ...] = ()

    @classmethod
    def of_words(
        cls, words: Sequence[Sequence[int]], in_word: Sequence[bool], alone: Sequence[bool] = ()
    ) -> "PrefixTrie":
        """All prefixes of `words`, each a sequence of token ids."""
        edges: list[tuple[int, int]] = []
        level = {OUTSIDE: sorted(set(map(tuple, words)))}
        depth = 0
        # Level by level, each in the order of its parents, so that the edges come out sorted.
        while level:
            below: dict[int, list[tuple[int, ...]]] = {}
            for parent, members in level.items():
                prefix, last = OUTSIDE, -1
                for word in members:
                    if len(word) == depth:
                        continue
                    if word[depth] != last:
                        last = word[depth]
                        edges.append((parent, last))
                        prefix = len(edges)
                        below[prefix] = []
                    below[prefix].append(word)
            level, depth = below, depth + 1
        return cls(tuple(edges), tuple(in_word), tuple(alone) if any(alone) else ())

    def __len__(self) -> int:
        return len(self.edges)


class PrefixTable(nn.Module):
    """The vectors, zero-initialized; a character outside of words, or after an unknown prefix, has the zero vector."""

    def __init__(self, trie: PrefixTrie, n_embd: int) -> None:
        super().__init__()
        self.table = nn.Embedding(len(trie) + 1, n_embd, padding_idx=OUTSIDE, sparse=True)
        edges = torch.tensor(trie.edges, dtype=torch.long).view(-1, 2)
        in_word = torch.tensor(trie.in_word, dtype=torch.bool)
        # No weights: they follow from the vocabulary, which is saved with the run.
        self.register_buffer("keys", edges[:, 0] * len(trie.in_word) + edges[:, 1], persistent=False)
        self.register_buffer("in_word", in_word, persistent=False)
        self.has_alone = bool(trie.alone)
        if self.has_alone:
            is_alone = torch.tensor(trie.alone, dtype=torch.bool)
            self.register_buffer("is_alone", is_alone, persistent=False)
            alone_rows = torch.cat([torch.tensor([False]), is_alone[edges[:, 1]]])
            self.register_buffer("alone_rows", alone_rows, persistent=False)

    def forward(self, rows: Int64[Tensor, "B T"]) -> Float[Tensor, "B T C"]:
        """The vectors of the given rows."""
        return self.table(rows.clamp(min=OUTSIDE))

    def rows(self, idx: Int64[Tensor, "B T"], before: Int64[Tensor, " B"] | None = None) -> Int64[Tensor, "B T"]:
        """The row of the prefix that ends at each character; `before` is the row at the character before `idx`."""
        assert isinstance(self.in_word, Tensor)
        row = idx.new_zeros(len(idx)) if before is None else before
        rows = []
        within = self.in_word[idx]  # B T
        for t in range(idx.size(1)):
            if self.has_alone:
                row = self._begun(row, idx[:, t])
            row = torch.where(within[:, t], self._extended(row, idx[:, t]), OUTSIDE)
            rows.append(row)
        return torch.stack(rows, dim=1)

    def _begun(self, row: Int64[Tensor, " B"], character: Int64[Tensor, " B"]) -> Int64[Tensor, " B"]:
        """The row before a character, OUTSIDE where one of the two is a word by itself."""
        assert isinstance(self.is_alone, Tensor)
        assert isinstance(self.alone_rows, Tensor)
        return torch.where(self.is_alone[character] | self.alone_rows[row.clamp(min=OUTSIDE)], OUTSIDE, row)

    def _extended(self, row: Int64[Tensor, " B"], character: Int64[Tensor, " B"]) -> Int64[Tensor, " B"]:
        """The row of the prefix extended by one character, or UNKNOWN."""
        assert isinstance(self.keys, Tensor)
        assert isinstance(self.in_word, Tensor)
        # After an unknown prefix the key is negative, so that nothing is found there either.
        index = index_of(row * len(self.in_word) + character, self.keys)
        return torch.where(index == UNKNOWN, UNKNOWN, index + 1)

    def edges(self) -> list[tuple[int, int]]:
        """The edges of its trie: for row i + 1 the row that it extends, and the token id of its last character."""
        assert isinstance(self.keys, Tensor)
        assert isinstance(self.in_word, Tensor)
        return [divmod(key, len(self.in_word)) for key in self.keys.tolist()]

    @property
    def rows_alone(self) -> Bool[Tensor, " R"] | None:
        """Which rows are words of one character by themselves; None where none is."""
        if not self.has_alone:
            return None
        assert isinstance(self.alone_rows, Tensor)
        return self.alone_rows

    @property
    def outside(self) -> int:
        """A token id whose character is outside of words."""
        assert isinstance(self.in_word, Tensor)
        return int((~self.in_word).nonzero()[0])


def index_of(keys: Int64[Tensor, "*B"], sorted_keys: Int64[Tensor, " N"]) -> Int64[Tensor, "*B"]:
    """Where each key is in the sorted keys, or UNKNOWN."""
    if not len(sorted_keys):
        return torch.full_like(keys, UNKNOWN)
    index = torch.searchsorted(sorted_keys, keys).clamp(max=len(sorted_keys) - 1)
    return torch.where(sorted_keys[index] == keys, index, UNKNOWN)
