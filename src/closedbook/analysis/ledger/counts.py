"""The counts of the exposure ledger: how often training showed a fact, masked it, and asked for it as a question does.

The masks of a run are a function of (seed, epoch, index), so `replay` counts afterwards, from corpus and recipe, what
counting during training would have counted.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from dataclasses import astuple, dataclass

from closedbook.examples.corruption import pair_string
from closedbook.examples.datasets import CharCorruptionDataset, EpochDataset, MixedDataset, NameDataset
from closedbook.examples.strangers import StrangerDataset
from closedbook.text.links import Fact, mentions
from closedbook.text.vocabulary import MASK, without_marks


@dataclass(frozen=True)
class Exposure:
    """How many examples of a training run exposed a fact, and how.

    The first four count masked strings of the documents that state the fact. Names and answers count as whole words
    only, and each count implies the one before it: in_answer_form <= masked <= predicted <= seen. `asked` counts pairs.
    """

    seen: int = 0
    """The string held the answer, other than as a part of the name."""
    predicted: int = 0
    """And it was supervised and came after the whole name, which a causal model can then see."""
    masked: int = 0
    """And it was wholly in the masked content, after the second MASK: to be restored, not merely read on."""
    in_answer_form: int = 0
    """And the masked content began with it: it came directly after a MASK, as an answer comes after its question."""
    asked: int = 0
    """The question itself was an example, with this answer, as a training pair or a silver pair."""

    def __add__(self, other: "Exposure") -> "Exposure":
        return Exposure(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


class Ledger:
    """Counts exposures of facts, example by example.

    `as_asked` has for each fact its pair as training spells it, where that differs from the facts' file.
    """

    def __init__(self, facts: Sequence[Fact], as_asked: Sequence[str] | None = None) -> None:
        self.facts = tuple(facts)
        if as_asked is None:
            as_asked = [pair_string(fact.question, fact.answer) for fact in facts]
        self._patterns = [mentions(fact.title, fact.answer) for fact in facts]
        self._counts = [[0, 0, 0, 0, 0] for _ in facts]  # in the order of Exposure's fields
        self._of_document: dict[int, list[int]] = defaultdict(list)
        self._of_pair: dict[str, list[int]] = defaultdict(list)
        for index, fact in enumerate(facts):
            self._of_pair[as_asked[index]].append(index)
            for document in dict.fromkeys(statement.document for statement in fact.statements):
                self._of_document[document].append(index)

    @property
    def documents(self) -> Set[int]:
        """Indices of the documents that state a fact; counting others changes nothing."""
        return self._of_document.keys()

    @property
    def exposures(self) -> list[Exposure]:
        """The counts so far, one for each fact."""
        return [Exposure(*counts) for counts in self._counts]

    def count_document(self, index: int, masked: str, n_context: int = 1) -> None:
        """Count a masked string of document `index`, whose first `n_context` characters are not supervised."""
        content = masked.rindex(MASK, 0, len(masked) - 1) + 1
        for fact in self._of_document.get(index, ()):
            named = seen = predicted = in_content = begins = False
            for match in self._patterns[fact].finditer(masked):
                if match.lastgroup == "name":
                    named = True
                    continue
                seen = True
                if named:
                    predicted |= match.start() >= n_context
                    in_content |= match.start() >= content
                    begins |= match.start() == content
            counts = self._counts[fact]
            counts[0] += seen
            counts[1] += predicted
            counts[2] += in_content
            counts[3] += begins

    def count_pair(self, text: str) -> None:
        """Count a pair, in the form of `pair_string`, with or without a mark after the answer."""
        for fact in self._of_pair.get(without_marks(text), ()):
            self._counts[fact][4] += 1


def replay(dataset: EpochDataset, ledger: Ledger, epoch: int, rows: Iterable[int] | None = None) -> None:
    """Count the examples of an epoch, or only `rows` of it, where training stopped within the epoch.

    Documents that state no fact of the ledger are skipped without masking them. The dataset is left at that epoch.
    """
    dataset.epoch = epoch
    for row in range(len(dataset)) if rows is None else rows:
        match _item_of(dataset, row):
            case NameDataset() as pairs, pair:
                ledger.count_pair(pairs.string(pair))
            case CharCorruptionDataset() as documents, document if document in ledger.documents:
                masked = documents.drawn(document)
                ledger.count_document(document, masked.text, masked.n_context)


def example_text(dataset: EpochDataset, row: int) -> str:
    """The string of the example at `row` in the dataset's current epoch."""
    part, index = _item_of(dataset, row)
    assert isinstance(part, NameDataset | CharCorruptionDataset | StrangerDataset), "training has no other datasets"
    return part.string(index) if isinstance(part, NameDataset) else part.drawn(index).text


def _item_of(dataset: EpochDataset, row: int) -> tuple[EpochDataset, int]:
    """The dataset that the example at `row` of this epoch comes from, and its index there."""
    return dataset.item(row) if isinstance(dataset, MixedDataset) else (dataset, row)
