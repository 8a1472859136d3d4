"""NameTable: one learned vector per name of two to four words that titles have.

Whoever shares each word of a name with others ('Anna Bell' among many Annas and Bells) is found by the words together.
The vector is added at the first character after the name, wherever the name stands. Rows are exact: words that no title
has in this order have none, and no two names share one as they do under hashing (Engram, arXiv 2601.07372).

Letters: B batch, T time, C channels, W words per text, U the same and three before, N number of names, F names
found, R rows of the prefix table.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from closedbook.model.prefix_table import OUTSIDE, UNKNOWN, PrefixTable, index_of

MAX_WORDS = 4
"""The longest name with a row, in words."""

_N_KEPT = MAX_WORDS - 1
_TITLES_AT_ONCE = 10_000


class Found(NamedTuple):
    """Names in a batch, as rows of the name table, and the positions after them, as indices into B * T."""

    names: Int64[Tensor, " F"]
    positions: Int64[Tensor, " F"]


@dataclass(frozen=True)
class NameTrie:
    """The names of two to four words within titles, numbered from 0.

    A node is a word or a name: a word's is its row in a prefix table of `n_rows` rows, name i's is n_rows + i.
    `keys[i]` is parent * n_rows + last word, where the parent is the node of name i without its last word. Keys are
    sorted, so that shorter names come first. `alone_rows` says which rows are words of one character by themselves,
    None where none is.
    """

    keys: Int64[Tensor, " N"]
    n_rows: int
    alone_rows: Bool[Tensor, " R"] | None = None

    @classmethod
    def of_titles(cls, titles: Sequence[Sequence[int]], prefixes: PrefixTable) -> "NameTrie":
        """All names of two to four words in a row within `titles`, each a sequence of token ids."""
        trie = cls(torch.empty(0, dtype=torch.long), prefixes.table.num_embeddings, prefixes.rows_alone)
        titles_words = list(_words_of(titles, prefixes))
        # Level by level: the shorter names, which are the parents, are all there and keep their numbers.
        for n in range(2, MAX_WORDS + 1):
            new = [trie._keys(trie.nodes(words, n - 1), words[:, n - 1 :]) for words in titles_words]
            keys = torch.unique(torch.cat([trie.keys, *(found.flatten() for found in new)]))
            trie = replace(trie, keys=keys[keys >= 0])
        return trie

    def __len__(self) -> int:
        return len(self.keys)

    def nodes(self, words: Int64[Tensor, "B W"], n: int) -> Int64[Tensor, "B V"]:
        """The node of each n words in a row, or UNKNOWN; V is W - n + 1."""
        node = words
        for k in range(1, n):
            index = index_of(self._keys(node, words[:, k:]), self.keys)
            node = torch.where(index == UNKNOWN, UNKNOWN, index + self.n_rows)
        return node

    def _keys(self, nodes: Int64[Tensor, "B V"], words: Int64[Tensor, "B U"]) -> Int64[Tensor, "B U"]:
        """The key of each node followed by a word, or UNKNOWN; a last node without a word after it is left out."""
        nodes = nodes[:, : words.size(1)]
        return torch.where((nodes == UNKNOWN) | (words == UNKNOWN), UNKNOWN, nodes * self.n_rows + words)


class NameTable(nn.Module):
    """The vectors, zero-initialized; a name within a longer name adds its own vector too.

    Rows have `width` channels; where that is not n_embd, a linear layer without bias projects them.
    """

    def __init__(self, trie: NameTrie, n_embd: int, width: int) -> None:
        super().__init__()
        self.table = nn.Embedding(len(trie), width, sparse=True)
        self.projection = nn.Identity() if width == n_embd else nn.Linear(width, n_embd, bias=False)
        self.n_rows = trie.n_rows
        self.register_buffer("alone_rows", trie.alone_rows, persistent=False)
        # No weights: they follow from the titles, which are saved with the run.
        self.register_buffer("keys", trie.keys, persistent=False)

    def forward(self, x: Float[Tensor, "B T C"], found: Found) -> Float[Tensor, "B T C"]:
        """x with the vector of each name found added at its position."""
        # Projected at every position: a product over the names found alone would have the last bits of a vector depend
        # on how many names come later.
        vectors = self.table.weight.new_zeros(x.size(0) * x.size(1), self.table.embedding_dim)
        vectors.index_add_(0, found.positions, self.table(found.names))
        return x + self.projection(vectors.view(*x.shape[:2], -1)).to(x.dtype)

    def find(
        self, rows: Int64[Tensor, "B T"], row: Int64[Tensor, " B"] | None, words: Int64[Tensor, "B 3"] | None
    ) -> tuple[Found, Int64[Tensor, "B 3"]]:
        """The names that end in texts whose characters have these rows in the prefix table, and the last three words.

        `row` is that of the character before, `words` are the last three words before; None at the start of texts.
        """
        assert isinstance(self.keys, Tensor)
        assert self.alone_rows is None or isinstance(self.alone_rows, Tensor)
        ended, positions, last = ended_words(rows, row, words, self.alone_rows)
        trie = NameTrie(self.keys, self.n_rows)
        nodes = torch.stack([trie.nodes(ended, n)[:, MAX_WORDS - n :] for n in range(2, MAX_WORDS + 1)])
        is_found = nodes != UNKNOWN
        return Found(nodes[is_found] - self.n_rows, positions.expand_as(nodes)[is_found]), last


def ended_words(
    rows: Int64[Tensor, "B T"],
    row: Int64[Tensor, " B"] | None,
    before: Int64[Tensor, "B 3"] | None,
    alone_rows: Bool[Tensor, " R"] | None = None,
) -> tuple[Int64[Tensor, "B U"], Int64[Tensor, "B W"], Int64[Tensor, "B 3"]]:
    """The three words before each text and those that end in it, the position after each of these, and the last three.

    Words are rows of the prefix table, padded with UNKNOWN; positions are indices into B * T.
    """
    if row is None or before is None:
        row, before = rows.new_full((len(rows),), OUTSIDE), rows.new_full((len(rows), _N_KEPT), UNKNOWN)
    previous = torch.cat([row[:, None], rows[:, :-1]], dim=1)
    is_after_word = rows == OUTSIDE
    if alone_rows is not None:  # such a character ends the word before it, and ends with itself
        is_after_word |= alone_rows[rows.clamp(min=OUTSIDE)] | alone_rows[previous.clamp(min=OUTSIDE)]
    is_end = is_after_word & (previous != OUTSIDE)  # B T
    n_words = is_end.sum(1)
    text, end = is_end.nonzero(as_tuple=True)
    column = (is_end.cumsum(1) - 1)[text, end]
    positions = rows.new_full((len(rows), int(n_words.max())), UNKNOWN)
    words = torch.cat([before, positions], dim=1)
    words[text, _N_KEPT + column] = previous[text, end]
    positions[text, column] = text * rows.size(1) + end
    return words, positions, words.gather(1, n_words[:, None] + torch.arange(_N_KEPT, device=rows.device))


def _words_of(titles: Sequence[Sequence[int]], prefixes: PrefixTable) -> Iterator[Int64[Tensor, "B W"]]:
    """The words of titles, some titles at a time."""
    for begin in range(0, len(titles), _TITLES_AT_ONCE):
        # A word ends at a character outside of words.
        ended = [torch.tensor([*title, prefixes.outside]) for title in titles[begin : begin + _TITLES_AT_ONCE]]
        rows = prefixes.rows(pad_sequence(ended, batch_first=True, padding_value=prefixes.outside))
        yield ended_words(rows, None, None, prefixes.rows_alone)[0][:, _N_KEPT:]
