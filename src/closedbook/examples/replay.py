"""ReplayDataset: what a run that grows is trained on, new documents and pairs and old ones, each with a share."""

from collections.abc import Sequence
from dataclasses import dataclass

from closedbook.examples.datasets import CharCorruptionDataset, EpochDataset, MixedDataset, NameDataset

NEW_SHARE = 0.3
"""The share of new documents and pairs; the others are replayed.

A half is too much: those who were added earlier are forgotten (docs/notebook.md, "A book that grows").
"""


@dataclass(frozen=True)
class New:
    """The indices of the documents and pairs that are new."""

    documents: Sequence[int]
    pairs: Sequence[int]


class ReplayDataset(MixedDataset):
    """A mixture in which NEW_SHARE of the examples are new, and `share` of the new ones and of the old ones are pairs.

    An epoch is one pass over the new documents. Old documents, and the pairs of both kinds, are cycled: no item repeats
    before all have been used. All examples of `strangers` come on top.
    """

    def __init__(
        self,
        documents: CharCorruptionDataset,
        pairs: NameDataset,
        share: float,
        new: New,
        *,
        strangers: EpochDataset | None = None,
    ) -> None:
        super().__init__(documents, pairs, share, strangers=strangers)
        self.new = new
        self.new_share = NEW_SHARE
        parts: list[tuple[EpochDataset, Sequence[int]]] = [
            (documents, new.documents),
            (documents, _without(new.documents, len(documents))),
            (pairs, new.pairs),
            (pairs, _without(new.pairs, len(pairs))),
        ]
        per_document = share / (1 - share)
        # Where no document is new, an epoch is a pass over the new pairs.
        n_documents = len(new.documents) or max(1, round(len(new.pairs) / per_document if share else 1))
        counts = [n_documents, round(n_documents * (1 - self.new_share) / self.new_share)]
        counts += [round(count * per_document) for count in counts]
        self._parts = [(dataset, of, n) for (dataset, of), n in zip(parts, counts, strict=True) if of]

    def __len__(self) -> int:
        n_strangers = 0 if self.strangers is None else len(self.strangers)
        return sum(n for _, _, n in self._parts) + n_strangers

    def item(self, index: int) -> tuple[EpochDataset, int]:
        """The dataset that an example of this epoch comes from, at its own epoch, and the example's index there."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        for dataset, of, n in self._parts:
            if index < n:
                dataset.epoch, item = divmod(self.epoch * n + index, len(of))
                return dataset, of[item]
            index -= n
        assert self.strangers is not None, "there are no other examples"
        self.strangers.epoch = self.epoch
        return self.strangers, index


def _without(some: Sequence[int], n: int) -> Sequence[int]:
    """The other indices below n."""
    left_out = set(some)
    return [index for index in range(n) if index not in left_out]
