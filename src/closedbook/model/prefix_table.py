"""WordMemory: a learned vector for every beginning of a word that the corpus has.

What a character-level model has to put together anew at each name, that this name stands here, is looked up
instead: it costs no arithmetic, and a step learns only the rows that it used. Words are found by following a trie of
the corpus's words, so no two beginnings share a row, as they would under hashing (compare the n-gram embeddings of
Joulin et al. 2016, 'Bag of Tricks for Efficient Text Classification', section 2.2).

Letters: B batch, T time, C channels, V vocabulary, N nodes of the trie.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

_OUTSIDE = 0
_UNKNOWN = -1


@dataclass(frozen=True)
class WordTrie:
    """The beginnings of the words, as nodes from 1 on, and which characters are parts of words.

    Node i + 1 is `edges[i]`, its parent and the character that leads to it; edges are sorted. Node 0 is no word yet.
    """

    edges: tuple[tuple[int, int], ...]
    in_word: tuple[bool, ...]

    @classmethod
    def of_words(cls, words: Sequence[Sequence[int]], in_word: Sequence[bool]) -> "WordTrie":
        """All beginnings of `words`, each a row of characters' numbers."""
        edges: list[tuple[int, int]] = []
        level = {_OUTSIDE: sorted(set(map(tuple, words)))}
        depth = 0
        # Level by level, each in the order of its parents, so that the edges come out sorted.
        while level:
            below: dict[int, list[tuple[int, ...]]] = {}
            for parent, members in level.items():
                node, last = _OUTSIDE, -1
                for word in members:
                    if len(word) == depth:
                        continue
                    if word[depth] != last:
                        last = word[depth]
                        edges.append((parent, last))
                        node = len(edges)
                        below[node] = []
                    below[node].append(word)
            level, depth = below, depth + 1
        return cls(tuple(edges), tuple(in_word))

    def __len__(self) -> int:
        return len(self.edges)


class WordMemory(nn.Module):
    """The vectors, zero at the start; a character outside of words, or in no known beginning, has none."""

    def __init__(self, trie: WordTrie, n_embd: int) -> None:
        super().__init__()
        self.table = nn.Embedding(len(trie) + 1, n_embd, padding_idx=_OUTSIDE, sparse=True)
        edges = torch.tensor(trie.edges, dtype=torch.long).view(-1, 2)
        in_word = torch.tensor(trie.in_word, dtype=torch.bool)
        # They follow from the vocabulary, so they are kept with it and not among the weights.
        self.register_buffer("keys", edges[:, 0] * len(trie.in_word) + edges[:, 1], persistent=False)
        self.register_buffer("in_word", in_word, persistent=False)

    def forward(self, nodes: Int64[Tensor, "B T"]) -> Float[Tensor, "B T C"]:
        """The vectors of nodes."""
        return self.table(nodes.clamp(min=_OUTSIDE))

    def nodes(self, idx: Int64[Tensor, "B T"], before: Int64[Tensor, " B"] | None = None) -> Int64[Tensor, "B T"]:
        """Which beginning each character ends; `before` are the nodes of the characters before the first."""
        assert isinstance(self.keys, Tensor)
        assert isinstance(self.in_word, Tensor)
        node = idx.new_zeros(len(idx)) if before is None else before
        nodes = []
        within = self.in_word[idx]  # B T
        for t in range(idx.size(1)):
            node = torch.where(within[:, t], self._child(node, idx[:, t]), _OUTSIDE)
            nodes.append(node)
        return torch.stack(nodes, dim=1)

    def _child(self, node: Int64[Tensor, " B"], character: Int64[Tensor, " B"]) -> Int64[Tensor, " B"]:
        """The node that a character leads to, or _UNKNOWN."""
        assert isinstance(self.keys, Tensor)
        assert isinstance(self.in_word, Tensor)
        key = node * len(self.in_word) + character
        if not len(self.keys):
            return torch.full_like(node, _UNKNOWN)
        # Behind an unknown beginning the key is below zero, so that nothing is found there either.
        place = torch.searchsorted(self.keys, key).clamp(max=len(self.keys) - 1)
        return torch.where(self.keys[place] == key, place + 1, _UNKNOWN)
