"""The ledger on strings counted by hand, and its replay against the batches of training."""

from dataclasses import astuple

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from closedbook.analysis.ledger.counts import Exposure, Ledger, example_text, replay
from closedbook.examples.batches import Batch, Batches, Position
from closedbook.examples.corruption import CorruptionConfig, pair_string
from closedbook.examples.datasets import CharCorruptionDataset, EpochDataset, MixedDataset, NameDataset
from closedbook.text.links import Fact, link
from closedbook.text.questions import Question
from closedbook.text.vocabulary import MASK, PAD, Vocabulary

PLACES = {"Ann Bell": "Ulm", "Bo Carr": "Rom", "Cy Dunn": "Oslo", "Di Eck": "Ulm", "Ed Foss": "Bern"}
DOCUMENTS = [
    "a line about nobody, Ann Bell or Ulm",
    *(f"{name}. {name} was born in {place}, and left {place} ." for name, place in PLACES.items()),
    "Bo Carr. He is known from Rom .",
]
PAIRS = [Question(f"Where was {name} born?", place, line) for line, (name, place) in enumerate(PLACES.items(), 1)]
VOCABULARY = Vocabulary.of_text("".join([*DOCUMENTS, *(pair.text for pair in PAIRS)]))
ANN = "Where was Ann Bell born?"


def counted(facts: list[Fact], *masked: str) -> Exposure:
    """The exposure of the first fact by masked strings of document 0."""
    ledger = Ledger(facts)
    for string in masked:
        ledger.count_document(0, string)
    return ledger.exposures[0]


@pytest.mark.parametrize(
    ("masked", "expected"),
    [
        (f"Ann Bell. She is from {MASK} .{MASK}Ulm{MASK}", Exposure(1, 1, 1, 1)),
        (f"Ann Bell. She is from {MASK}{MASK}Ulm .{MASK}", Exposure(1, 1, 1, 1)),
        (f"Ann Bell. She is {MASK} .{MASK}from Ulm{MASK}", Exposure(1, 1, 1, 0)),
        (f"{MASK} .{MASK}Ann Bell. She is from Ulm{MASK}", Exposure(1, 1, 1, 0)),
        (f"Ann Bell. She {MASK} from Ulm .{MASK}is{MASK}", Exposure(1, 1, 0, 0)),
        (f"Ann Bell. She is from Ulm{MASK}{MASK} .{MASK}", Exposure(1, 1, 0, 0)),
        (f"Ann B{MASK}e is from Ulm .{MASK}ell. Sh{MASK}", Exposure(1, 0, 0, 0)),
        (f"{MASK} She is from Ulm .{MASK}Ann Bell.{MASK}", Exposure(1, 0, 0, 0)),
        (f"{MASK} is from {MASK}Ulm{MASK}", Exposure(1, 0, 0, 0)),
        (f"Ann Bell. She is from U{MASK} .{MASK}lm{MASK}", Exposure()),
        (f"Ann Bell. She{MASK}{MASK} is fro{MASK}", Exposure()),
        (f"Ann Bell. {MASK}{MASK}Ulmers{MASK}", Exposure()),
        (f"Ann Bell. From Ulm to {MASK} .{MASK}Ulm{MASK}", Exposure(1, 1, 1, 1)),
    ],
)
def test_a_masked_string_counts_by_the_positions_of_name_and_answer(masked: str, expected: Exposure):
    """Seen; after the name; in the masked content; at its very beginning: each at most once per string."""
    facts = link([Question(ANN, "Ulm", 1)], ["Ann Bell. She is from Ulm ."])
    assert counted(facts, masked) == expected
    assert counted(facts, masked, masked) == expected + expected


def test_an_answer_within_the_name_is_not_seen():
    """London in 'Rob London' does not state where he was born."""
    facts = link([Question("Where was Rob London born?", "London", 1)], ["Rob London. Rob London left London ."])
    assert counted(facts, f"Rob London. Rob London{MASK}{MASK} left{MASK}") == Exposure()
    assert counted(facts, f"Rob London. Rob London left {MASK}{MASK}London{MASK}") == Exposure(1, 1, 1, 1)


def test_only_documents_that_state_a_fact_count_for_it():
    """A string of another document changes nothing, whatever it holds."""
    ledger = Ledger(link(PAIRS, DOCUMENTS))
    ledger.count_document(0, f"Ann Bell. She is from {MASK}{MASK}Ulm{MASK}")
    assert set(ledger.exposures) == {Exposure()}
    assert ledger.documents == {1, 2, 3, 4, 5, 6}


def test_a_pair_counts_as_asked_if_question_and_answer_are_equal():
    """Another answer, as a silver pair may have, does not count; training may spell pairs differently."""
    facts = link(PAIRS, DOCUMENTS)
    ledger = Ledger(facts)
    for text in (pair_string(ANN, "Ulm"), pair_string(ANN, "Ulm"), pair_string(ANN, "Rom"), pair_string("Who?", "Ulm")):
        ledger.count_pair(text)
    assert [exposure.asked for exposure in ledger.exposures] == [2, 0, 0, 0, 0]
    respelt = Ledger(facts, ["", "", "", f"ANN{MASK}ULM{MASK}", ""])
    respelt.count_pair(f"ANN{MASK}ULM{MASK}")
    assert [exposure.asked for exposure in respelt.exposures] == [0, 0, 0, 1, 0]


def documents_of(config: CorruptionConfig, seed: int = 3) -> CharCorruptionDataset:
    """The documents with these masks."""
    return CharCorruptionDataset(DOCUMENTS, VOCABULARY, 67, config, seed)


def datasets() -> dict[str, EpochDataset]:
    """Datasets of pretraining, pretraining with pairs, finetuning, and finetuning with replay."""
    documents, pairs = documents_of(CorruptionConfig(1.0, 1.0, 1.0)), NameDataset(PAIRS[:3], VOCABULARY, 67)
    mixed, replayed = MixedDataset(documents, pairs, 0.4), MixedDataset(documents, pairs, 0.4, over="pairs")
    return {"documents": documents, "mixed": mixed, "pairs": pairs, "replayed": replayed}


def texts_of(batch: Batch) -> list[str]:
    """The rows of a batch as text: x, and the last character of y."""
    ids = torch.cat((batch.x, batch.y[:, -1:]), dim=1)
    return [VOCABULARY.decode(row).rstrip(f"{PAD}") for row in ids.tolist()]


@pytest.mark.parametrize("name", ["documents", "mixed", "pairs", "replayed"])
def test_replay_counts_what_training_is_given(name: str):
    """Counting each batch as it comes and replaying afterwards give the same exposures."""
    dataset = datasets()[name]
    n_documents = {"documents": 7, "mixed": 7, "pairs": 0, "replayed": 4}[name]
    batches = Batches(dataset, 3, shuffle=True, seed=5)
    live, replayed = Ledger(link(PAIRS, DOCUMENTS)), Ledger(link(PAIRS, DOCUMENTS))
    n_examples = 0
    for epoch in range(11):
        given = [text for batch in batches.epoch(Position(epoch, 0)) for text in texts_of(batch)]
        texts = {row: example_text(dataset, row) for row in batches.order(epoch).tolist()}
        assert sorted(given) == sorted(texts.values())
        n_examples += len(texts)
        for row, text in texts.items():
            if row < n_documents:
                live.count_document((epoch * n_documents + row) % len(DOCUMENTS), text)
            else:
                live.count_pair(text)
        replay(datasets()[name], replayed, epoch)
    assert n_examples == 11 * len(dataset)
    assert live.exposures == replayed.exposures
    assert any(e.in_answer_form for e in live.exposures) == (name != "pairs")
    assert any(e.asked for e in live.exposures) == (name != "documents")


def test_an_epoch_may_be_replayed_in_parts():
    """The rows before and after an interruption make up the whole epoch."""
    dataset = datasets()["mixed"]
    whole, parts = Ledger(link(PAIRS, DOCUMENTS)), Ledger(link(PAIRS, DOCUMENTS))
    order = Batches(dataset, 3, shuffle=True, seed=5).order(2).tolist()
    replay(dataset, whole, 2)
    replay(dataset, parts, 2, order[:4])
    assert parts.exposures != whole.exposures
    replay(dataset, parts, 2, order[4:])
    assert parts.exposures == whole.exposures


@given(st.integers(0, 2**31), st.sampled_from([(1, 0, 0), (0, 1, 0), (0, 0, 1)]))
def test_each_kind_of_exposure_implies_the_one_before(seed: int, weights: tuple[int, int, int]):
    """In answer form <= masked <= predicted <= seen <= the draws of documents that state the fact."""
    dataset, ledger = documents_of(CorruptionConfig(*map(float, weights)), seed), Ledger(link(PAIRS, DOCUMENTS))
    for epoch in range(5):
        replay(dataset, ledger, epoch)
    for fact, exposure in zip(ledger.facts, ledger.exposures, strict=True):
        seen, predicted, masked, in_answer_form, asked = astuple(exposure)
        assert 0 <= in_answer_form <= masked <= predicted <= seen <= 5 * len(fact.statements)
        assert asked == 0
