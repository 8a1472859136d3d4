"""What a run that grows is trained on: new documents and pairs, and old ones."""

from collections import Counter

import pytest

from closedbook.examples.corruption import CorruptionConfig
from closedbook.examples.datasets import CharCorruptionDataset, NameDataset
from closedbook.examples.replay import New, ReplayDataset
from closedbook.text.questions import Question
from closedbook.text.vocabulary import Vocabulary

N_DOCUMENTS, N_PAIRS = 23, 17
TEXTS = [f"Title {n}. born in {n} ." for n in range(N_DOCUMENTS)]
VOCABULARY = Vocabulary.of_text("".join(TEXTS) + "?")
NEW = New(range(19, 23), [3, 16])


@pytest.fixture(autouse=True)
def a_half(monkeypatch: pytest.MonkeyPatch) -> None:
    """New examples are a half, so that counts are easy to follow."""
    monkeypatch.setattr("closedbook.examples.replay.NEW_SHARE", 0.5)


def replay(new: New = NEW, share: float = 0.75) -> ReplayDataset:
    """Of 23 documents the last four are new, of 17 pairs the fourth and the last."""
    documents = CharCorruptionDataset(TEXTS, VOCABULARY, 41, CorruptionConfig())
    pairs = NameDataset([Question(f"{n}?", str(n), n) for n in range(N_PAIRS)], VOCABULARY, 41)
    return ReplayDataset(documents, pairs, share, new)


def drawn(dataset: ReplayDataset, n_epochs: int) -> list[tuple[str, int]]:
    """Every example of some epochs, as the kind and the index of what it is made from."""
    found = []
    for dataset.epoch in range(n_epochs):
        for index in range(len(dataset)):
            part, item = dataset.item(index)
            found.append(("pair" if part is dataset.pairs else "document", item))
    return found


def test_an_epoch_is_a_pass_over_the_new_documents():
    """Four new documents, as many old ones, and to each of both three pairs of its kind."""
    for epoch in range(3):
        dataset = replay()
        dataset.epoch = epoch
        counts = Counter(dataset.item(index)[0] is dataset.pairs for index in range(len(dataset)))
        assert counts == {False: 8, True: 24}
        items = [dataset.item(index)[1] for index in range(8)]
        assert items[:4] == [19, 20, 21, 22]
        assert all(item < 19 for item in items[4:])


def test_nothing_repeats_before_all_of_its_kind_have_been_used():
    """Over 19 epochs each old document comes four times, and of any kind none comes twice more than another."""
    counts = Counter(drawn(replay(), 19))
    assert {counts["document", item] for item in range(19)} == {4}
    assert {counts["document", item] for item in range(19, 23)} == {19}
    assert {counts["pair", item] for item in NEW.pairs} == {19 * 12 // 2}
    old = [counts["pair", item] for item in range(N_PAIRS) if item not in NEW.pairs]
    assert max(old) - min(old) <= 1
    assert sum(old) == 19 * 12


def test_a_document_is_masked_anew_each_time():
    """The draws of a document are those of its passes, whatever epoch of the dataset it is."""
    dataset = replay()
    masked = set()
    for dataset.epoch in range(11):
        part, item = dataset.item(0)
        assert item == 19
        assert part.epoch == dataset.epoch
        masked.add(dataset.documents.masked(19))
    assert len(masked) > 3


@pytest.mark.parametrize(
    ("new", "share", "expected"),
    [
        (New(range(23, 23), [2]), 0.75, {("pair", True), ("document", False), ("pair", False)}),
        (New(range(19, 23), []), 0.75, {("document", True), ("document", False), ("pair", False)}),
        (NEW, 0.0, {("document", True), ("document", False)}),
        (New(range(23), range(17)), 0.75, {("document", True), ("pair", True)}),
    ],
)
def test_what_there_is_none_of_is_left_out(new: New, share: float, expected: set[tuple[str, bool]]):
    """Without new documents, without new pairs, without pairs at all, or without anything old."""
    of = {"document": set(new.documents), "pair": set(new.pairs)}
    assert {(kind, item in of[kind]) for kind, item in drawn(replay(new, share), 5)} == expected


def test_a_dataset_of_new_and_old_ends():
    """The index after the last one raises IndexError, as a sequence's does."""
    dataset = replay()
    with pytest.raises(IndexError):
        dataset.item(len(dataset))
    with pytest.raises(IndexError):
        dataset.item(-1)
