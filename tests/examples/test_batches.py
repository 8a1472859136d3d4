from itertools import chain

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import pad

from closedbook.examples.batches import Batch, Batches, Position, micro_batches, trim, used_length
from closedbook.examples.datasets import CharCorruptionDataset, NameDataset, supervised
from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT
from closedbook.text.questions import Question
from closedbook.text.vocabulary import Vocabulary
from closedbook.training.loss import SummedLoss

TEXTS = ["a" * n for n in (5, 7, 11, 13, 17, 3, 19, 2, 23, 29, 31)]
VOCABULARY = Vocabulary.of_text("a?bcdef")


def stream(n_workers: int = 0, rank: int = 0, n_processes: int = 1, shuffle: bool = True, window: int = 1) -> Batches:
    """Eleven documents in batches of three, the last of two."""
    dataset = CharCorruptionDataset(TEXTS, VOCABULARY, 37)
    return Batches(
        dataset,
        3,
        shuffle=shuffle,
        seed=5,
        n_workers=n_workers,
        rank=rank,
        n_processes=n_processes,
        window=window,
    )


def epochs(batches: Batches, start: Position, n_epochs: int) -> list[Batch]:
    """The batches from `start` to the end of epoch `n_epochs` - 1."""
    rest = [Position(epoch, 0) for epoch in range(start.epoch + 1, n_epochs)]
    return list(chain.from_iterable(batches.epoch(position) for position in (start, *rest)))


def equal(a: Batch, b: Batch) -> bool:
    """Whether two batches are the same, to the bit."""
    return torch.equal(a.x, b.x) and torch.equal(a.y, b.y) and (a.n_rows, a.after) == (b.n_rows, b.after)


def test_batches_are_these():
    """Rows in the dataset's order, cut after the last column that counts in the loss; the last batch is smaller."""
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


@pytest.mark.parametrize(
    ("variant", "latent_mask"), [("vanilla", "triangular"), ("perceiver", "triangular"), ("perceiver", "strided")]
)
def test_trimming_changes_no_loss(variant: str, latent_mask: str):
    """Cutting the columns that count in no row's loss leaves the summed loss as it was."""
    torch.manual_seed(7)
    config = ModelConfig(
        variant, n_layer=3, n_head=3, n_embd=21, block_size=37, bottleneck_dim=7, latent_mask=latent_mask
    )
    loss = SummedLoss(GPT(config, len(VOCABULARY))).eval()
    examples = [stream().dataset[index] for index in (0, 3, 1)]
    x, y = (torch.stack(column) for column in zip(*examples, strict=True))
    short_x, short_y = trim(x, y)
    assert short_x.size(1) < x.size(1) == 36
    assert torch.equal(short_x, x[:, : short_x.size(1)])
    assert supervised(short_y) == supervised(y)
    torch.testing.assert_close(loss(short_x, short_y), loss(x, y), rtol=1e-6, atol=0)


def test_a_batch_without_supervised_characters_keeps_a_column():
    """Where all of y is PAD, one column is left, so that no tensor is empty."""
    x, y = trim(torch.full((3, 5), 7), torch.zeros(3, 5, dtype=torch.long))
    assert x.tolist() == [[7]] * 3
    assert y.tolist() == [[0]] * 3


def test_micro_batches_are_these():
    """Rows are sorted by length, x with its y, each micro-batch is cut to its longest row, and no row is lost."""
    x = torch.arange(2, 37).view(5, 7)
    y = x + 1
    for row, length in enumerate((6, 2, 7, 1, 3)):
        y[row, length:] = 0
    batches = micro_batches(x, y, 3)
    assert [batch_x.tolist() for batch_x, _ in batches] == [
        [[23, 24], [9, 10]],
        [[30, 31, 32, 33, 34, 35], [2, 3, 4, 5, 6, 7]],
        [[16, 17, 18, 19, 20, 21, 22]],
    ]
    assert [batch_y.tolist() for _, batch_y in batches] == [
        [[24, 0], [10, 11]],
        [[31, 32, 33, 0, 0, 0], [3, 4, 5, 6, 7, 8]],
        [[17, 18, 19, 20, 21, 22, 23]],
    ]
    ((whole_x, whole_y),) = micro_batches(x, y, 1)
    assert torch.equal(whole_x, x)
    assert torch.equal(whole_y, y)


def test_every_index_comes_once_per_epoch():
    """An epoch's order holds each index once, differs from the next epoch's and another seed's, and is repeatable."""
    batches = stream()
    orders = [batches.order(epoch).tolist() for epoch in range(5)]
    assert all(sorted(order) == list(range(11)) for order in orders)
    assert len({tuple(order) for order in orders}) == 5
    assert stream().order(3).tolist() == orders[3]
    batches.seed = 7
    assert batches.order(3).tolist() != orders[3]


def test_without_shuffling_the_order_is_that_of_the_file():
    """The assignment's loader takes the documents in the file's order."""
    assert stream(shuffle=False).order(3).tolist() == list(range(11))


def test_batches_follow_the_order():
    """The rows of the batches are the dataset's examples in the epoch's order."""
    batches = stream()
    drawn = list(batches.epoch(Position(2, 0)))
    assert [len(batch.x) for batch in drawn] == [batch.n_rows for batch in drawn] == [3, 3, 3, 2]
    assert batches.n_steps == 4
    assert batches.dataset.epoch == 2
    rows = [row for batch in drawn for row in zip(batch.x, batch.y, strict=True)]
    for index, (x, y) in zip(batches.order(2).tolist(), rows, strict=True):
        whole_x, whole_y = batches.dataset[index]
        assert torch.equal(x, whole_x[: len(x)])
        assert torch.equal(y, whole_y[: len(y)])
        assert supervised(whole_y[len(y) :]) == 0


def test_a_resumed_stream_is_the_undisturbed_one():
    """From the position after any batch a new stream continues as the first one did, across epochs too."""
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
    """Two workers yield the same batches as none, from the start of an epoch and from within."""
    for start in (Position(0, 0), Position(1, 2)):
        alone, helped = epochs(stream(), start, 2), epochs(stream(n_workers=2), start, 2)
        assert all(equal(a, b) for a, b in zip(alone, helped, strict=True))


def test_batches_leave_torchs_generator_alone():
    """Drawing batches changes no later dropout: the state of the global generator stays the same."""
    torch.manual_seed(11)
    before = torch.get_rng_state()
    epochs(stream(), Position(0, 0), 2)
    assert torch.equal(torch.get_rng_state(), before)


def test_two_processes_rows_together_are_the_batch():
    """Each process gets every second row, and both know the number of all rows."""
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


def test_a_process_without_rows_gets_padding():
    """The third process gets a row of padding for a last batch of two rows, so that it can take part in the step."""
    last = epochs(stream(rank=2, n_processes=3), Position(0, 0), 1)[-1]
    assert last.x.shape == last.y.shape
    assert len(last.x) == 1
    assert supervised(last.x) == supervised(last.y) == 0
    assert (last.n_rows, last.after) == (2, Position(1, 0))


# Windows


def numbered(n_rows: int, batch_size: int, window: int, seed: int = 7, rank: int = 0, n_processes: int = 1) -> Batches:
    """Pairs of many lengths, told apart by their questions; shuffled, and sorted in windows."""
    lengths = [(17 * number) % 23 + 1 for number in range(n_rows)]
    pairs = [Question("abcdef"[number % 6] * 3 + "?", "a" * n, number + 1) for number, n in enumerate(lengths)]
    dataset = NameDataset(pairs, VOCABULARY, 37)
    return Batches(dataset, batch_size, shuffle=True, seed=seed, window=window, rank=rank, n_processes=n_processes)


def rows_of(batches: Batches, drawn: list[Batch]) -> list[list[int]]:
    """The indices in the dataset of each batch's rows."""
    width = 36
    known = {tuple(batches.dataset[index][0].tolist()): index for index in range(len(batches.dataset))}
    assert len(known) == len(batches.dataset)
    return [[known[tuple(pad(x, (0, width - len(x))).tolist())] for x in _strings(batch)] for batch in drawn]


def _strings(batch: Batch) -> list[torch.Tensor]:
    """A batch's rows with their last MASK, which stands in y alone."""
    rows = []
    for x, y in zip(batch.x, batch.y, strict=True):
        rows.append(torch.cat((x[: used_length(y)], y[used_length(y) - 1 : used_length(y)])))
    return rows


sizes = st.tuples(st.integers(1, 101), st.integers(1, 7), st.integers(1, 5))


@given(sizes, st.integers(0, 3))
def test_windows_lose_no_row_and_repeat_none(size: tuple[int, int, int], epoch: int):
    """Whatever the sizes, each index comes once per epoch, in as many steps as without windows."""
    batches = numbered(*size)
    drawn = list(batches.epoch(Position(epoch, 0)))
    assert len(drawn) == batches.n_steps == -(-size[0] // size[1])
    assert sorted(index for rows in rows_of(batches, drawn) for index in rows) == list(range(size[0]))
    assert [batch.after for batch in drawn[:-1]] == [Position(epoch, n) for n in range(1, len(drawn))]
    assert drawn[-1].after == Position(epoch + 1, 0)


@given(sizes, st.integers(0, 3), st.data())
def test_rows_are_those_of_the_batches(size: tuple[int, int, int], epoch: int, data: st.DataObject):
    """The rows of the first n steps of an epoch are the indices in its first n batches."""
    batches = numbered(*size)
    drawn = rows_of(batches, list(batches.epoch(Position(epoch, 0))))
    n_steps = data.draw(st.integers(0, len(drawn)))
    expected = [index for rows in drawn[:n_steps] for index in rows]
    assert sorted(numbered(*size).rows(epoch, n_steps)) == sorted(expected)


def test_rows_follow_the_masks_of_their_epoch():
    """Masks, and so lengths and batches, change from epoch to epoch: rows are those of the epoch asked for."""
    for epoch in range(3):
        drawn = epochs(stream(window=3), Position(epoch, 0), epoch + 1)
        batches = stream(window=3)
        for n_steps in range(5):
            rows = list(batches.rows(epoch, n_steps))
            assert batches.dataset.epoch == epoch
            n_supervised = sum(supervised(batches.dataset[index][1]) for index in rows)
            assert n_supervised == sum(supervised(batch.y) for batch in drawn[:n_steps])
            assert len(set(rows)) == len(rows) == sum(batch.n_rows for batch in drawn[:n_steps])


def test_a_window_of_two_batches_by_hand():
    """Five rows in batches of two: a window of four joins its two shorter and its two longer rows; one row is left."""
    answers = ["aaaaa", "a", "aaaa", "aa", "aaa"]
    pairs = [Question("b?", answer, number) for number, answer in enumerate(answers)]
    batches = Batches(NameDataset(pairs, VOCABULARY, 11), 2, shuffle=False, seed=0, window=2)
    first, second, last = batches.epoch(Position(0, 0))
    lengths = sorted([sorted(used_length(y) for y in batch.y) for batch in (first, second)])
    # b?⁇a⁇ takes four columns, and each further letter one more; the width of sorted batches is a multiple of eight.
    assert lengths == [[4, 5], [7, 8]]
    assert {first.x.size(1), second.x.size(1)} == {8}
    assert (last.x.size(0), last.x.size(1)) == (1, 8)


def test_the_batches_of_a_window_are_shuffled():
    """The batches of sorted rows come in random order, so that a step's length does not predict the next one's."""
    batches = numbered(7 * 5 * 3, 3, 7)
    widths = [batch.x.size(1) for batch in batches.epoch(Position(0, 0))]
    windows = [widths[i : i + 7] for i in range(0, len(widths), 7)]
    assert all(window not in (sorted(window), sorted(window, reverse=True)) for window in windows)
    again = [batch.x.size(1) for batch in numbered(7 * 5 * 3, 3, 7, seed=11).epoch(Position(0, 0))]
    assert again != widths


def test_windows_save_padding():
    """Sorted by length, the same rows take less padding; the wider the window, the less."""
    cells = {}
    for window in (1, 3, 11):
        drawn = list(numbered(101, 5, window).epoch(Position(0, 0)))
        # Counted up to the longest row, since the width of a sorted batch is rounded up.
        cells[window] = sum(len(batch.y) * max(used_length(y) for y in batch.y) for batch in drawn)
    needed = sum(used_length(y) for batch in drawn for y in batch.y)
    assert needed < cells[11] < cells[3] < cells[1]
    # Windows of eleven batches need less than a fifth of the padding of random batches.
    assert cells[11] - needed < (cells[1] - needed) / 5


@pytest.mark.parametrize("window", [2, 3, 7])
def test_a_resumed_stream_of_windows_is_the_undisturbed_one(window: int):
    """From the position after any batch, within a window too, a new stream continues as the first one did."""
    undisturbed = epochs(stream(window=window), Position(0, 0), 3)
    assert len(undisturbed) == 12
    for number, batch in enumerate(undisturbed[:-1], 1):
        resumed = epochs(stream(window=window), batch.after, 3)
        assert len(resumed) == 12 - number
        assert all(equal(a, b) for a, b in zip(resumed, undisturbed[number:], strict=True))


@pytest.mark.parametrize("window", [2, 7])
def test_two_processes_rows_of_windows_together_are_the_batch(window: int):
    """Each process sorts the whole window, so that both take their rows from the same batch."""
    whole = epochs(stream(window=window), Position(0, 0), 2)
    halves = [epochs(stream(rank=rank, n_processes=2, window=window), Position(0, 0), 2) for rank in (0, 1)]
    for batch, even, odd in zip(whole, *halves, strict=True):
        assert (batch.n_rows, batch.after) == (even.n_rows, even.after) == (odd.n_rows, odd.after)
        width = batch.y.size(1)
        assert torch.equal(batch.y[::2], pad(even.y, (0, width - even.y.size(1))))
        odds = batch.y[1::2]
        assert torch.equal(odds, pad(odd.y, (0, width - odd.y.size(1)))[: len(odds)])


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning", "ignore:This DataLoader will create:UserWarning")
def test_workers_change_no_window():
    """Two workers yield the same batches as none, in windows too."""
    alone, helped = (epochs(stream(n_workers=n, window=2), Position(0, 1), 2) for n in (0, 2))
    assert all(equal(a, b) for a, b in zip(alone, helped, strict=True))
