from itertools import islice

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from closedbook.examples.corruption import CorruptionConfig
from closedbook.examples.datasets import (
    CharCorruptionDataset,
    Example,
    MixedDataset,
    NameDataset,
    question_ids,
    shifted,
    supervised,
)
from closedbook.text.questions import Question
from closedbook.text.vocabulary import MASK, PAD, PAD_ID, Vocabulary

TEXTS = ["Ada Byron. born in London.", "Zoe. born in Rome.", "abc", "Guy Fawkes. born in York in 1570."]
PAIRS = [Question("who?", "Ada", 1), Question("where?", "Rome", 2), Question("n?", "Io", 3)]
VOCABULARY = Vocabulary.of_text("\n".join(TEXTS) + "where?I")


def documents(seed: int = 3) -> CharCorruptionDataset:
    """Four documents, masked for a block of 23 characters."""
    return CharCorruptionDataset(TEXTS, VOCABULARY, 23, CorruptionConfig(1.0, 1.0), seed)


def pairs() -> NameDataset:
    """Three pairs for a block of 23 characters."""
    return NameDataset(PAIRS, VOCABULARY, 23)


def text(example: Example) -> str:
    """The string that an example was made from, without its padding."""
    x, y = example
    return VOCABULARY.decode([*x.tolist(), int(y[-1])]).rstrip(PAD)


def test_the_supervised_characters_of_a_pair_are_exactly_these():
    """MASK, answer, MASK: the question's last character is the input at which the first MASK is predicted."""
    vocabulary = Vocabulary.of_text("a?bc")
    assert vocabulary.characters == (PAD, MASK, "?", "a", "b", "c")
    dataset = NameDataset([Question("ab?", "cab", 1)], vocabulary, 13)
    x, y = dataset[0]
    # a b ? MASK c a b MASK
    assert x.tolist() == [3, 4, 2, 1, 5, 3, 4, 1, 0, 0, 0, 0]
    assert y.tolist() == [0, 0, 1, 5, 3, 4, 1, 0, 0, 0, 0, 0]
    assert x.dtype == y.dtype == torch.long
    assert supervised(y) == len("cab") + 2


def test_a_pair_as_long_as_the_block_is_not_cut():
    """Where the pair fills the block, its last MASK is supervised like any other."""
    vocabulary = Vocabulary.of_text("?b")
    x, y = NameDataset([Question("?", "bbbbbbbbbb", 1)], vocabulary, 13)[0]
    assert x.tolist() == [2, 1, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3]
    assert y.tolist() == [1, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 1]


def test_every_character_of_a_masked_string_but_the_first_is_supervised():
    """The loss covers all of a corrupted document after its first character, and no padding."""
    dataset = documents()
    for index in range(len(dataset)):
        x, y = dataset[index]
        masked = dataset.masked(index)
        assert len(x) == len(y) == 22
        assert text((x, y)) == masked
        assert torch.equal(x[1:], y[:-1])
        assert supervised(y) == len(masked) - 1


@given(st.lists(st.integers(1, 101), min_size=1, max_size=29), st.integers(0, 7))
def test_y_is_x_shifted_by_one(ids: list[int], n_pads: int):
    """x and y are the padded ids without the last and without the first, each in its own memory."""
    block_size = len(ids) + n_pads
    x, y = shifted(ids, block_size)
    padded = ids + [PAD_ID] * n_pads
    assert x.tolist() == padded[:-1]
    assert y.tolist() == padded[1:]
    y.fill_(103)
    assert x.tolist() == padded[:-1]


def test_an_example_is_a_function_of_seed_epoch_and_index():
    """Earlier draws change no example."""
    undisturbed, disturbed = documents(), documents()
    disturbed.epoch = 7
    for index in (2, 0, 0, 3):
        disturbed[index]
    disturbed.epoch = undisturbed.epoch = 5
    for index in (3, 1, 0):
        assert disturbed.masked(index) == undisturbed.masked(index)
        assert all(torch.equal(a, b) for a, b in zip(disturbed[index], undisturbed[index], strict=True))


def test_epochs_seeds_and_indices_differ():
    """A document is masked anew in each epoch, with each seed and at each index."""
    dataset = CharCorruptionDataset(TEXTS[:1] * 11, VOCABULARY, 23)
    drawn = {}
    for seed in range(11):
        dataset.seed = seed
        for epoch in range(11):
            dataset.epoch = epoch
            for index in range(11):
                drawn[seed, epoch, index] = dataset.masked(index)
    for axis in range(3):
        line = {masked for at, masked in drawn.items() if at[axis - 1] == at[axis - 2] == 3}
        assert len(line) >= 9
    assert len(set(drawn.values())) > 200


def test_the_assignments_objective_is_the_default():
    """Without a configuration documents are corrupted as in the assignment, and any span may be masked."""
    dataset = CharCorruptionDataset(TEXTS, VOCABULARY, 23)
    assert dataset.corruption == CorruptionConfig(span=1.0, salient=0.0, guided=0.0)


@pytest.mark.parametrize(
    ("share", "n_pairs"),
    [(0.0, 0), (0.2, 1), (1 / 3, 2), (0.5, 4), (0.7, 9)],
)
def test_a_share_of_the_mixture_is_pairs(share: float, n_pairs: int):
    """That share of all examples, documents included, are pairs, to the nearest whole example."""
    mixed = MixedDataset(documents(), pairs(), share)
    assert len(mixed) == 4 + n_pairs
    n_masks = [text(mixed[index]).count(MASK) for index in range(len(mixed))]
    assert n_masks == [3] * 4 + [2] * n_pairs


def test_pairs_are_cycled():
    """No pair repeats before all have been used: at two pairs per epoch, three epochs are two cycles of three pairs."""
    mixed = MixedDataset(documents(), pairs(), 1 / 3)
    drawn = []
    for epoch in range(3):
        mixed.epoch = epoch
        drawn += [text(mixed[index]) for index in range(4, 6)]
    assert drawn == [f"who?{MASK}Ada{MASK}", f"where?{MASK}Rome{MASK}", f"n?{MASK}Io{MASK}"] * 2


def test_the_documents_of_a_mixture_are_those_of_its_epoch():
    """A mixture masks its documents as they are masked without pairs in the same epoch."""
    alone, mixed = documents(), MixedDataset(documents(), pairs(), 1 / 3)
    alone.epoch = mixed.epoch = 11
    assert [text(mixed[index]) for index in range(4)] == [text(alone[index]) for index in range(4)]


@pytest.mark.parametrize(("share", "n_documents"), [(1.0, 0), (0.75, 1), (0.5, 3), (0.3, 7)])
def test_an_epoch_of_a_mixture_may_be_a_pass_over_the_pairs(share: float, n_documents: int):
    """Every pair comes once, with as many documents as make that share of all examples pairs, to the nearest one."""
    mixed = MixedDataset(documents(), pairs(), share, over="pairs")
    for mixed.epoch in range(3):
        given = [text(mixed[index]) for index in range(len(mixed))]
        assert [string.count(MASK) for string in given] == [3] * n_documents + [2] * 3
        assert given[n_documents:] == [text(pairs()[index]) for index in range(3)]


def test_documents_are_cycled():
    """At three of four documents per epoch, none repeats before all have been used, and each cycle masks them anew."""
    alone, mixed = documents(), MixedDataset(documents(), pairs(), 0.5, over="pairs")
    drawn = []
    for mixed.epoch in range(4):
        drawn += [text(mixed[index]) for index in range(3)]
    expected = []
    for alone.epoch in range(3):
        expected += [text(alone[index]) for index in range(4)]
    assert drawn == expected
    assert drawn[:4] != drawn[4:8]


@pytest.mark.parametrize("dataset", [documents(), pairs(), MixedDataset(documents(), pairs(), 1 / 3)])
def test_a_dataset_ends(dataset: CharCorruptionDataset | NameDataset | MixedDataset):
    """Iterating over a dataset yields as many examples as its length says."""
    assert len(list(islice(iter(dataset), 101))) == len(dataset)


def test_a_question_is_asked_with_one_mask():
    """The prompt is the question's characters and a MASK, as in training."""
    assert VOCABULARY.decode(question_ids("where?", VOCABULARY)) == f"where?{MASK}"


def test_the_supervised_characters_of_a_masked_content_are_exactly_these():
    """Under `content` the loss covers the masked content and the two MASKs around it, and nothing else."""
    text_ = "Al. in Rome b"
    vocabulary = Vocabulary.of_text(text_)
    config = CorruptionConfig(span=0.0, guided=1.0, name_only=1.0, supervised="content")
    x, y = CharCorruptionDataset([text_], vocabulary, 19, config, tagged={0: ((7, 11),)})[0]
    assert vocabulary.decode([*x.tolist(), int(y[-1])]).rstrip(PAD) == f"Al. {MASK}{MASK}Rome{MASK}"
    # x and y have 18 entries; y[i] is predicted from x[: i + 1].
    predicted = [(position, vocabulary.characters[id_]) for position, id_ in enumerate(y.tolist()) if id_ != PAD_ID]
    assert predicted == [(4, MASK), (5, "R"), (6, "o"), (7, "m"), (8, "e"), (9, MASK)]
    assert len(x) == len(y) == 18


def test_supervised_changes_y_alone():
    """Under `all` the same strings are drawn, and every character but the first counts in the loss."""
    content, everything = (
        CharCorruptionDataset(TEXTS, VOCABULARY, 37, CorruptionConfig(0.0, 1.0, supervised=which), 3)
        for which in ("content", "all")
    )
    for index in (0, 1, 3):
        (x, y), (other_x, other_y) = content[index], everything[index]
        assert torch.equal(x, other_x)
        masked = content.masked(index)
        _, _, inner, _ = masked.split(MASK)
        assert supervised(other_y) == len(masked) - 1
        assert supervised(y) == len(inner) + 2
        assert torch.equal(y[y != PAD_ID], other_y[other_y != PAD_ID][-supervised(y) :])


def test_the_tagged_spans_are_by_document():
    """A document's own tagged spans are masked; one without any has a name or number masked, or a random span."""
    config = CorruptionConfig(span=0.0, guided=1.0)
    dataset = CharCorruptionDataset(TEXTS, VOCABULARY, 37, config, tagged={0: ((12, 19),), 3: ((12, 16), (20, 24))})
    contents: list[set[str]] = []
    for index in range(4):
        drawn = set()
        for epoch in range(23):
            dataset.epoch = epoch
            drawn.add(dataset.masked(index).split(MASK)[2])
        contents.append(drawn)
    assert contents[0] == {TEXTS[0][12:19]} == {"orn in "}
    assert contents[1] == {"Rome"}
    assert contents[3] == {TEXTS[3][12:16], TEXTS[3][20:24]} == {"born", "York"}
    assert len(contents[2]) > 1
