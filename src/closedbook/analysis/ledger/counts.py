"""The exposure ledger: how often training showed each fact, asked for it, and asked for it as a question does.

The masks of a run are a function of (seed, epoch, index), so its ledger is counted afterwards from its corpus and
recipe (`replay`), at no cost to training, and is what counting beside it would have come to.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from dataclasses import astuple, dataclass

from closedbook.examples.corruption import pair_string
from closedbook.examples.datasets import CharCorruptionDataset, EpochDataset, MixedDataset, NameDataset
from closedbook.text.links import Fact, mentions
from closedbook.text.vocabulary import MASK, PAD_ID


@dataclass(frozen=True)
class Exposure:
    """How many examples of a training run showed a fact, and how.

    The first four count masked strings of the documents that state the fact, whole words and whole names only, and
    each implies the one before it: in_answer_form <= masked <= predicted <= seen. `asked` counts pairs. Every
    character of a masked string but its first is learnt from, the plain text before the second MASK too, so that
    what is seen with the name before it is also predicted.
    """

    seen: int = 0
    """The answer stood in the string, anywhere, other than as a part of the name."""
    predicted: int = 0
    """It did, and the name stood before it, whole: whatever stands before is visible to a causal model."""
    masked: int = 0
    """That answer lay wholly in the masked content, behind the second MASK: it was to be brought back, not read on."""
    in_answer_form: int = 0
    """The masked content began with that answer: directly behind a MASK, as an answer stands behind its question's."""
    asked: int = 0
    """The question itself was an example, with this answer: of the training pairs or of the silver ones."""

    def __add__(self, other: "Exposure") -> "Exposure":
        return Exposure(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


class Ledger:
    """Counts exposures of facts, example by example.

    `as_asked` gives for each fact the pair that asks it, where training spells pairs otherwise than the facts' file.
    """

    def __init__(self, facts: Sequence[Fact], as_asked: Sequence[str] | None = None) -> None:
        self.facts = tuple(facts)
        if as_asked is None:
            as_asked = [pair_string(fact.question, fact.answer) for fact in facts]
        self._patterns = [mentions(fact.title, fact.answer) for fact in facts]
        self._counts = [[0, 0, 0, 0, 0] for _ in facts]  # in the order of Exposure's fields
        self._of_document: dict[int, list[int]] = defaultdict(list)
        self._of_pair: dict[str, list[int]] = defaultdict(list)
        for number, fact in enumerate(facts):
            self._of_pair[as_asked[number]].append(number)
            for document in dict.fromkeys(statement.document for statement in fact.statements):
                self._of_document[document].append(number)

    @property
    def documents(self) -> Set[int]:
        """The documents that state a fact; counting others changes nothing."""
        return self._of_document.keys()

    @property
    def exposures(self) -> list[Exposure]:
        """What was counted so far, a fact each."""
        return [Exposure(*counts) for counts in self._counts]

    def count_document(self, index: int, masked: str, n_context: int = 1) -> None:
        """Count the masked string of document `index`, whose first `n_context` characters are not learnt."""
        content = masked.rindex(MASK, 0, len(masked) - 1) + 1
        for number in self._of_document.get(index, ()):
            named = seen = predicted = in_content = begins = False
            for match in self._patterns[number].finditer(masked):
                if match.lastgroup == "name":
                    named = True
                    continue
                seen = True
                if named:
                    predicted |= match.start() >= n_context
                    in_content |= match.start() >= content
                    begins |= match.start() == content
            counts = self._counts[number]
            counts[0] += seen
            counts[1] += predicted
            counts[2] += in_content
            counts[3] += begins

    def count_pair(self, text: str) -> None:
        """Count a pair, in the form of `pair_string`."""
        for number in self._of_pair.get(text, ()):
            self._counts[number][4] += 1


def replay(dataset: EpochDataset, ledger: Ledger, epoch: int, rows: Iterable[int] | None = None) -> None:
    """Count what an epoch of a dataset showed, or those `rows` of it alone that training came to.

    Documents that state no fact of the ledger are passed over unmasked. The dataset is left at that epoch.
    """
    dataset.epoch = epoch
    for row in range(len(dataset)) if rows is None else rows:
        match _document_of(dataset, row):
            case None:
                ledger.count_pair(example_text(dataset, row))
            case documents, document if document in ledger.documents:
                masked = documents.drawn(document)
                ledger.count_document(document, masked.text, masked.n_context)


def example_text(dataset: EpochDataset, row: int) -> str:
    """The string of an example, back from its numbers: in which epoch which pair has its turn, the dataset knows."""
    x, y = dataset[row]
    numbers = [*x.tolist(), int(y[-1])]
    assert isinstance(dataset, CharCorruptionDataset | NameDataset | MixedDataset), "training knows no other"
    vocabulary = dataset.documents.vocabulary if isinstance(dataset, MixedDataset) else dataset.vocabulary
    return vocabulary.decode(number for number in numbers if number != PAD_ID)


def _document_of(dataset: EpochDataset, row: int) -> tuple[CharCorruptionDataset, int] | None:
    """The documents, at the draws that this epoch has of them, and which of them a row is; None for a pair."""
    if isinstance(dataset, MixedDataset):
        return (dataset.documents, dataset.document(row)) if row < dataset.n_documents else None
    return (dataset, row) if isinstance(dataset, CharCorruptionDataset) else None
