"""Own rows: the row of a model's tables that serves one title alone.

Letters: B batch, T time, R rows of the prefix table, N rows of the name table.
"""

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Int64
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from closedbook.model.gpt import GPT
from closedbook.text.documents import Corpus
from closedbook.text.vocabulary import Vocabulary

_WORD = re.compile(r"[\w'’-]+")
_TITLES_AT_ONCE = 10_000


@dataclass(frozen=True)
class OwnRow:
    """A row of the name table or the prefix table, and the words that lead to it."""

    table: Literal["name_table", "prefix_table"]
    index: int
    words: str

    def __str__(self) -> str:
        return f"the row of the {'name' if self.table == 'name_table' else 'word'} {self.words!r}"


class UnreadRows(NamedTuple):
    """Rows of the name table and of the prefix table, sorted."""

    names: list[int]
    prefixes: list[int]


class OwnRows:
    """Finds the row that a title has for itself, among the titles of a model's vocabulary.

    A name's row is its own where no other title has these words in a row. A word's row is its own where neither another
    title nor a document of another title has a word that begins with it; without the corpus no word's is.
    """

    def __init__(self, model: GPT, vocabulary: Vocabulary, corpus: Corpus | None) -> None:
        self._model = model
        self._vocabulary = vocabulary
        self._corpus = corpus

    def of_title(self, title: str) -> OwnRow | None:
        """The row of the longest name in the title that is its own, else that of the last such word, else None."""
        if not self._model.config.prefix_table or title not in self._vocabulary.titles:
            return None
        return max(self._own_names(title), key=lambda row: len(row.words), default=None) or next(
            self._own_words(title), None
        )

    def unread_without(self, titles: Collection[str], asked: Iterable[str]) -> UnreadRows:
        """The rows that a model trained without the titles and their documents would not have.

        A name is one of them where no other title has it. A prefix is where no word of another document, or of the
        texts `asked`, begins with it; without the corpus no prefix is.
        """
        if not self._model.config.prefix_table:
            return UnreadRows([], [])
        names = (self._counted(sorted(titles))[1] == self._n_titles[1]) & (self._n_titles[1] > 0)
        prefixes = set() if self._corpus is None else set(self._unread_prefixes(self._corpus, titles, asked))
        return UnreadRows(names.nonzero()[:, 0].tolist(), sorted(prefixes))

    def _unread_prefixes(self, corpus: Corpus, titles: Collection[str], asked: Iterable[str]) -> Iterator[int]:
        documents = {index for title in titles for index in corpus.titles.get(title, ())}
        kept = corpus.texts.take(index for index in range(len(corpus.texts)) if index not in documents)
        others = self._vocabulary.with_words(*kept.pieces(), *asked).words
        words = self._vocabulary.with_words(*corpus.texts.take(sorted(documents)).pieces()).words
        for word, rows in zip(words, self._found(words)[0].tolist() if words else [], strict=True):
            yield from (rows[i] for i in range(len(word)) if not _begins_one_of(others, word[: i + 1]))

    def _own_names(self, title: str) -> Iterator[OwnRow]:
        if not self._model.config.has_names:
            return
        spans = [match.span() for match in _WORD.finditer(title)]
        ends = [end for _, end in spans]
        _, names, positions = self._found([title])
        for index, position in zip(names.tolist(), positions.tolist(), strict=True):
            if self._n_titles[1][index] == 1:
                last = ends.index(position)
                start, _ = spans[last + 1 - self._n_words(index)]
                yield OwnRow("name_table", index, title[start:position])

    def _own_words(self, title: str) -> Iterator[OwnRow]:
        if self._corpus is None:
            return
        rows, _, _ = self._found([title])
        own = set(self._corpus.titles.get(title, ()))
        for match in reversed(list(_WORD.finditer(title))):
            index = int(rows[0, match.end() - 1])
            texts = enumerate(self._corpus.texts)
            if self._n_titles[0][index] == 1 and not any(match[0] in text for i, text in texts if i not in own):
                yield OwnRow("prefix_table", index, match[0])

    def _n_words(self, name: int) -> int:
        """How many words a name has: one more than its parent."""
        table = self._model.name_table
        assert isinstance(table.keys, Tensor)
        parent = int(table.keys[name]) // table.n_rows
        return 2 if parent < table.n_rows else 1 + self._n_words(parent - table.n_rows)

    def _found(self, titles: Sequence[str]) -> tuple[Int64[Tensor, "B T"], Tensor, Tensor]:
        """The rows of the prefix table at each position of titles, the names in them, and the positions after these."""
        outside = self._model.prefix_table.outside
        ids = [torch.tensor([*self._vocabulary.encode(title), outside]) for title in titles]
        rows = self._model.prefix_table.rows(pad_sequence(ids, batch_first=True, padding_value=outside))
        if not self._model.config.has_names:
            return rows, rows.new_empty(0), rows.new_empty(0)
        found, _ = self._model.name_table.find(rows, None, None)
        return rows, found.names, found.positions

    @cached_property
    def _n_titles(self) -> tuple[Int64[Tensor, " R"], Int64[Tensor, " N"]]:
        return self._counted(self._vocabulary.titles)

    def _counted(self, titles: Sequence[str]) -> tuple[Int64[Tensor, " R"], Int64[Tensor, " N"]]:
        """How many of the titles reach each row of the prefix table, and of the name table."""
        n_prefixes = self._model.prefix_table.table.num_embeddings
        n_names = len(self._model.name_table.table.weight) if self._model.config.has_names else 0
        counts = torch.zeros(n_prefixes, dtype=torch.long), torch.zeros(n_names, dtype=torch.long)
        for begin in range(0, len(titles), _TITLES_AT_ONCE):
            rows, names, positions = self._found(titles[begin : begin + _TITLES_AT_ONCE])
            of_row = torch.arange(len(rows))[:, None].expand_as(rows)
            for count, title, row in (
                (counts[0], of_row.flatten(), rows.flatten()),
                (counts[1], positions // rows.size(1), names),
            ):
                distinct = torch.unique(torch.stack([title, row]), dim=1)[1]
                count += torch.bincount(distinct, minlength=len(count))
        return counts


def _begins_one_of(words: Sequence[str], prefix: str) -> bool:
    """Whether one of the sorted words begins with the prefix."""
    at = bisect_left(words, prefix)
    return at < len(words) and words[at].startswith(prefix)


def table_of(model: GPT, row: OwnRow) -> nn.Embedding:
    """The table that has a row."""
    table = model.name_table.table if row.table == "name_table" else model.prefix_table.table
    assert isinstance(table, nn.Embedding)
    return table


def uses(model: GPT, row: OwnRow, idx: Int64[Tensor, "B T"]) -> Bool[Tensor, "B T"]:
    """Where the row is added to the embeddings of texts."""
    rows = model.prefix_table.rows(idx)
    if row.table == "prefix_table":
        return rows == row.index
    found, _ = model.name_table.find(rows, None, None)
    is_used = torch.zeros(idx.numel(), dtype=torch.bool)
    is_used[found.positions[found.names == row.index]] = True
    return is_used.view_as(idx)
