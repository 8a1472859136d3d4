"""CharCorruptionDataset and NameDataset, the assignment's two datasets, and MixedDataset, which mixes them.

An example is (x, y), Long tensors of block_size - 1 token ids; y is x shifted by one, and PAD in y means no loss.
The draws of `dataset[i]` depend on (seed, epoch, i) alone, so that they are the same with any number of workers and
after resuming.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor
from torch.utils.data import Dataset

from closedbook.examples.corruption import CorruptionConfig, Masked, corrupt, pair_string
from closedbook.examples.nameless import draw_nameless
from closedbook.text.documents import Span
from closedbook.text.questions import Question
from closedbook.text.vocabulary import MASK_ID, PAD_ID, Vocabulary

Example = tuple[Int64[Tensor, " T"], Int64[Tensor, " T"]]


@runtime_checkable
class EpochDataset(Protocol):
    """What training needs from a dataset: examples by index, which may change from epoch to epoch."""

    epoch: int

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Example: ...


class CharCorruptionDataset(Dataset[Example]):
    """Masked strings of documents: each document is masked anew in each epoch."""

    def __init__(
        self,
        documents: Sequence[str],
        vocabulary: Vocabulary,
        block_size: int,
        corruption: CorruptionConfig | None = None,
        seed: int = 0,
        tagged: Mapping[int, tuple[Span, ...]] | None = None,
        marks: Mapping[int, Mapping[Span, str]] | None = None,
    ) -> None:
        """`tagged` gives the spans, by index of the document, among which objective guided chooses.

        `marks` gives what follows some of these spans, where nothing but the title is kept.
        """
        self.documents = documents
        self.vocabulary = vocabulary
        self.block_size = block_size
        self.corruption = corruption or CorruptionConfig()
        self.seed = seed
        self.tagged = tagged or {}
        self.marks = marks or {}
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.documents)

    def masked(self, index: int) -> str:
        """The masked string of document `index` in this epoch."""
        return self.drawn(index).text

    def drawn(self, index: int) -> Masked:
        """The masked string, and how many of its leading characters are context."""
        random = draw_generator(self.seed, self.draw(index), index)
        if self.corruption.nameless and random.random() < self.corruption.nameless:
            nameless = draw_nameless(self.documents[index], self.block_size, random)
            if nameless is not None:
                return nameless
        other = self.documents[random.randrange(len(self))] if self.corruption.question_form else ""
        tagged, marks = self.tagged.get(index, ()), self.marks.get(index, {})
        return corrupt(self.documents[index], self.block_size, self.corruption, random, tagged, other, marks)

    def draw(self, index: int) -> int:
        """The number of the draw that `dataset[index]` returns: the epoch."""
        del index
        return self.epoch

    def __getitem__(self, index: int) -> Example:
        if not 0 <= index < len(self):
            raise IndexError(index)
        masked = self.drawn(index)
        return shifted(self.vocabulary.encode(masked.text), self.block_size, masked.n_context)


class NameDataset(Dataset[Example]):
    """Pairs as question MASK answer MASK; the loss covers MASK, answer and MASK, not the question."""

    def __init__(self, pairs: list[Question], vocabulary: Vocabulary, block_size: int) -> None:
        self.pairs = pairs
        self.vocabulary = vocabulary
        self.block_size = block_size
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Example:
        ids = self.vocabulary.encode(self.string(index))
        return shifted(ids, self.block_size, len(self.pairs[index].text))

    def string(self, index: int) -> str:
        """The pair in the form of `pair_string`."""
        pair = self.pairs[index]
        assert pair.answer is not None, "pairs were checked when they were read"
        return pair_string(pair.text, pair.answer)


class MixedDataset(Dataset[Example]):
    """A mixture of documents and pairs, in which `share` of the examples are pairs.

    An epoch is one pass over the dataset named by `over`. The other dataset is cycled: no item repeats before all have
    been used. All examples of `strangers` come on top.
    """

    def __init__(
        self,
        documents: CharCorruptionDataset,
        pairs: NameDataset,
        share: float,
        *,
        over: Literal["documents", "pairs"] = "documents",
        strangers: EpochDataset | None = None,
    ) -> None:
        self.documents = documents
        self.pairs = pairs
        if over == "documents":
            self.n_documents, self.n_pairs = len(documents), round(len(documents) * share / (1 - share))
        else:
            self.n_documents, self.n_pairs = round(len(pairs) * (1 - share) / share), len(pairs)
        self.strangers = strangers
        self.epoch = 0

    def __len__(self) -> int:
        return self.n_documents + self.n_pairs + (0 if self.strangers is None else len(self.strangers))

    def item(self, index: int) -> tuple[EpochDataset, int]:
        """The dataset that an example of this epoch comes from, at its own epoch, and the example's index there."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        if index < self.n_documents:
            self.documents.epoch, document = divmod(self.epoch * self.n_documents + index, len(self.documents))
            return self.documents, document
        index -= self.n_documents
        if index < self.n_pairs:
            return self.pairs, (self.epoch * self.n_pairs + index) % len(self.pairs)
        assert self.strangers is not None, "there are no other examples"
        self.strangers.epoch = self.epoch
        return self.strangers, index - self.n_pairs

    def __getitem__(self, index: int) -> Example:
        part, item = self.item(index)
        return part[item]


def shifted(ids: list[int], block_size: int, n_context: int = 1) -> Example:
    """x and y of a masked string: its ids padded to block_size, without the last and without the first.

    y has PAD in place of the first `n_context` ids, which are not predicted.
    """
    # NumPy, because making a short tensor takes several times longer.
    padded = np.full(block_size, PAD_ID)
    padded[: len(ids)] = ids
    y = padded[1:].copy()
    y[: n_context - 1] = PAD_ID
    return torch.from_numpy(padded[:-1]), torch.from_numpy(y)


def draw_generator(seed: int, epoch: int, index: int) -> Random:
    """The random generator of one example; neighboring arguments give unrelated generators."""
    return Random(f"{seed} {epoch} {index}")


def supervised(y: Int64[Tensor, "..."]) -> int:
    """Number of entries of y that count in the loss."""
    return int((y != PAD_ID).sum())


def question_ids(question: str, vocabulary: Vocabulary) -> list[int]:
    """Token ids of the prompt for a question: its characters and a MASK."""
    return [*vocabulary.encode(question), MASK_ID]
