from itertools import chain

import pytest
import torch
from torch.nn.functional import pad

from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT
from closedbook.text.batches import Batch, Batches, Position, trim
from closedbook.text.corpus import Question
from closedbook.text.datasets import CharCorruptionDataset, NameDataset, supervised
from closedbook.text.vocabulary import Vocabulary
from closedbook.training.loss import SummedLoss

TEXTS = ["a" * n for n in (5, 7, 11, 13, 17, 3, 19, 2, 23, 29, 31)]
VOCABULARY = Vocabulary.of_text("a?bcdef")


def stream(n_workers: int = 0, rank: int = 0, n_processes: int = 1, shuffle: bool = True) -> Batches:
    """Eleven documents in batches of three, the last of two."""
    dataset = CharCorruptionDataset(TEXTS, VOCABULARY, 37)
    return Batches(dataset, 3, shuffle=shuffle, seed=5, n_workers=n_workers, rank=rank, n_processes=n_processes)


def epochs(batches: Batches, start: Position, n_epochs: int) -> list[Batch]:
    """The batches from `start` to the end of epoch `n_epochs` - 1."""
    rest = [Position(epoch, 0) for epoch in range(start.epoch + 1, n_epochs)]
    return list(chain.from_iterable(batches.epoch(position) for position in (start, *rest)))


def equal(a: Batch, b: Batch) -> bool:
    """Whether two batches are the same, to the bit."""
    return torch.equal(a.x, b.x) and torch.equal(a.y, b.y) and (a.n_rows, a.after) == (b.n_rows, b.after)


def test_batches_are_these():
    """Rows in the dataset's order, cut behind the last column that any of them learns from, the rest smaller."""
    pairs = [Question("ab?", "c", 1), Question("?", "defa", 2), Question("b?", "b", 3)]
    batches = Batches(NameDataset(pairs, VOCABULARY, 11), 2, shuffle=False, seed=0)
    first, last = batches.epoch(Position(0, 0))
    assert VOCABULARY.characters[2:] == tuple("?abcdef")
    # ab?⁇c⁇ and ?⁇defa⁇
    assert first.x.tolist() == [[3, 4, 2, 1, 5, 1], [2, 1, 6, 7, 8, 3]]
    assert first.y.tolist() == [[0, 0, 1, 5, 1, 0], [1, 6, 7, 8, 3, 1]]
    assert (first.n_rows, first.after) == (2, Position(0, 1))
    # b?⁇b⁇
    assert last.x.tolist() == [[4, 2, 1, 4]]
    assert last.y.tolist() == [[0, 1, 4, 1]]
    assert (last.n_rows, last.after) == (1, Position(1, 0))


@pytest.mark.parametrize("variant", ["vanilla", "perceiver"])
def test_trimming_changes_no_loss(variant: str):
    """Columns that no row learns from can go: the summed loss of what is left is the same."""
    torch.manual_seed(7)
    config = ModelConfig(variant, n_layer=3, n_head=3, n_embd=21, block_size=37, bottleneck_dim=7)
    loss = SummedLoss(GPT(config, len(VOCABULARY))).eval()
    examples = [stream().dataset[index] for index in (0, 3, 1)]
    x, y = (torch.stack(column) for column in zip(*examples, strict=True))
    short_x, short_y = trim(x, y)
    assert short_x.size(1) < x.size(1) == 36
    assert torch.equal(short_x, x[:, : short_x.size(1)])
    assert supervised(short_y) == supervised(y)
    torch.testing.assert_close(loss(short_x, short_y), loss(x, y), rtol=1e-6, atol=0)


def test_a_batch_that_teaches_nothing_keeps_a_column():
    """Where all of y is PAD, one column is left, so that nothing is empty."""
    x, y = trim(torch.full((3, 5), 7), torch.zeros(3, 5, dtype=torch.long))
    assert x.tolist() == [[7]] * 3
    assert y.tolist() == [[0]] * 3


def test_every_index_comes_once_an_epoch():
    """An epoch's order holds each index once, differs from the next epoch's and another seed's, and is repeatable."""
    batches = stream()
    orders = [batches.order(epoch) for epoch in range(5)]
    assert all(sorted(order) == list(range(11)) for order in orders)
    assert len({tuple(order) for order in orders}) == 5
    assert stream().order(3) == orders[3]
    batches.seed = 7
    assert batches.order(3) != orders[3]


def test_without_shuffling_the_order_is_the_files():
    """The assignment's loader takes the documents as they stand."""
    assert stream(shuffle=False).order(3) == list(range(11))


def test_the_rows_are_those_of_the_order():
    """Batch for batch the rows are the dataset's examples in the epoch's order."""
    batches = stream()
    drawn = list(batches.epoch(Position(2, 0)))
    assert [len(batch.x) for batch in drawn] == [batch.n_rows for batch in drawn] == [3, 3, 3, 2]
    assert batches.n_steps == 4
    assert batches.dataset.epoch == 2
    rows = [row for batch in drawn for row in zip(batch.x, batch.y, strict=True)]
    for index, (x, y) in zip(batches.order(2), rows, strict=True):
        whole_x, whole_y = batches.dataset[index]
        assert torch.equal(x, whole_x[: len(x)])
        assert torch.equal(y, whole_y[: len(y)])
        assert supervised(whole_y[len(y) :]) == 0


def test_a_resumed_stream_is_the_undisturbed_one():
    """From the position behind any batch a new stream goes on as the first one did, over an epoch's end too."""
    undisturbed = epochs(stream(), Position(0, 0), 3)
    assert len(undisturbed) == 12
    for number, batch in enumerate(undisturbed, 1):
        if number < len(undisturbed):
            resumed = epochs(stream(), batch.after, 3)
            assert len(resumed) == 12 - number
            assert all(equal(a, b) for a, b in zip(resumed, undisturbed[number:], strict=True))


# Python 3.12 warns of any fork beside other threads, and torch of more workers than cores; both do no harm here.
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning", "ignore:This DataLoader will create:UserWarning")
def test_workers_change_no_batch():
    """Two workers draw what none draws, from the beginning and from within."""
    for start in (Position(0, 0), Position(1, 2)):
        alone, helped = epochs(stream(), start, 2), epochs(stream(n_workers=2), start, 2)
        assert all(equal(a, b) for a, b in zip(alone, helped, strict=True))


def test_batches_leave_torchs_generator_alone():
    """Drawing batches shifts no dropout: the global generator stands where it stood."""
    torch.manual_seed(11)
    before = torch.get_rng_state()
    epochs(stream(), Position(0, 0), 2)
    assert torch.equal(torch.get_rng_state(), before)


def test_two_processes_rows_together_are_the_batch():
    """Every second row is one process's, the others the other's; both know the number of all rows."""
    whole = epochs(stream(), Position(0, 0), 2)
    halves = [epochs(stream(rank=rank, n_processes=2), Position(0, 0), 2) for rank in (0, 1)]
    for batch, even, odd in zip(whole, *halves, strict=True):
        assert batch.n_rows == even.n_rows == odd.n_rows
        assert batch.after == even.after == odd.after
        width = batch.y.size(1)
        assert torch.equal(batch.y[::2], pad(even.y, (0, width - even.y.size(1))))
        assert torch.equal(batch.y[1::2], pad(odd.y, (0, width - odd.y.size(1))))
        assert torch.equal(batch.x[::2, : even.x.size(1)], even.x)
        assert torch.equal(batch.x[1::2, : odd.x.size(1)], odd.x)


def test_a_process_without_rows_learns_nothing():
    """Of a last batch of two rows the third process gets a row of padding, so that it can take part in the step."""
    last = epochs(stream(rank=2, n_processes=3), Position(0, 0), 1)[-1]
    assert last.x.shape == last.y.shape
    assert len(last.x) == 1
    assert supervised(last.x) == supervised(last.y) == 0
    assert (last.n_rows, last.after) == (2, Position(1, 0))
