import logging

import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from closedbook.assignment.api import CharCorruptDataset, CharCorruptionDataset, NameDataset
from closedbook.errors import InputError, TextError
from closedbook.text.vocabulary import MASK

BLOCK_SIZE = 61
PEOPLE = {"Ann Bell": "Ulm", "Bo Carr": "Rom", "Cy Dunn": "Oslo", "Di Eck": "Bern", "Ed Foss": "Ulm"}
TEXT = "\n".join(f"{name}. {name} was born in {place} . Where? It is so." for name, place in PEOPLE.items())
PAIRS = "".join(f"Where was {name} born?\t{place}\n" for name, place in PEOPLE.items())


@pytest.fixture
def dataset() -> CharCorruptionDataset:
    """The people's lines."""
    return CharCorruptionDataset(TEXT, BLOCK_SIZE)


def text_of(dataset: CharCorruptionDataset, ids: Tensor) -> str:
    """The characters of a row."""
    return "".join(dataset.itos[int(i)] for i in ids)


def test_the_vocabulary_is_pad_mask_and_the_texts_characters_sorted(dataset: CharCorruptionDataset):
    """stoi and itos are each other's inverse over PAD 0, MASK 1 and every character of the text."""
    characters = [dataset.PAD_CHAR, dataset.MASK_CHAR, *sorted(set(TEXT))]
    assert (dataset.PAD_CHAR, dataset.MASK_CHAR) == ("\u25a1", "\u2047")
    assert dataset.itos == dict(enumerate(characters))
    assert dataset.stoi == {character: number for number, character in enumerate(characters)}
    assert dataset.vocab_size == len(characters)
    assert dataset.block_size == BLOCK_SIZE


def test_the_documents_are_the_lines_of_the_text():
    """Empty lines, a final newline and CRLF add none."""
    dataset = CharCorruptionDataset("One line.\r\n\nAnother.\n", BLOCK_SIZE)
    assert dataset.data == ["One line.", "Another."]
    assert len(dataset) == 2


def test_the_dataset_has_both_of_the_assignments_names():
    """The handout has both spellings."""
    assert CharCorruptDataset is CharCorruptionDataset


@pytest.mark.parametrize("special", ["\u25a1", "\u2047"])
def test_a_text_with_a_reserved_character_is_refused(special: str):
    """A corpus with PAD or MASK in it could look like a masked string."""
    with pytest.raises(InputError, match="is reserved; replace it by another character"):
        CharCorruptionDataset(f"A{special}B", BLOCK_SIZE)


def test_an_item_is_a_masked_string_and_itself_shifted(dataset: CharCorruptionDataset):
    """x and y have block_size - 1 entries and hold prefix MASK suffix MASK masked_content MASK, then PAD."""
    for _ in range(50):
        x, y = dataset[3]
        assert x.shape == y.shape == (BLOCK_SIZE - 1,)
        assert x.dtype == y.dtype == torch.long
        assert torch.equal(x[1:], y[:-1])
        prefix, suffix, content, pads = (text_of(dataset, x[:1]) + text_of(dataset, y)).split(dataset.MASK_CHAR)
        assert set(pads) <= {dataset.PAD_CHAR}
        assert dataset.data[3].startswith(prefix + content + suffix)
        assert 4 <= len(prefix + content + suffix) <= int(BLOCK_SIZE * 3 / 4)


def test_an_item_is_a_new_draw_each_time(dataset: CharCorruptionDataset):
    """dataset[i] twice gives two masked strings, and a new start of the program gives the same two."""
    again = CharCorruptionDataset(TEXT, BLOCK_SIZE)
    drawn = [text_of(dataset, dataset[1][0]) for _ in range(20)]
    assert len(set(drawn)) > 15
    assert drawn == [text_of(again, again[1][0]) for _ in range(20)]


def test_the_masked_content_is_a_quarter_of_what_is_left_on_average(dataset: CharCorruptionDataset):
    """Over 5,000 draws, the mean masked length is a quarter of the truncated length within 3%, and varies."""
    n_kept, masked = 0, []
    for i in range(5000):
        prefix, suffix, content, _ = dataset.masked(i % len(dataset)).split(MASK)
        n_kept += len(prefix + content + suffix)
        masked.append(len(content))
    assert sum(masked) / n_kept == pytest.approx(0.25, rel=0.03)
    assert len(set(masked)) > 10


def test_a_students_own_loader_gives_new_draws_in_each_epoch(dataset: CharCorruptionDataset):
    """Workers of a DataLoader start anew in each epoch, but do not repeat the first epoch's masks."""
    loader = DataLoader(dataset, batch_size=len(dataset), num_workers=1)
    first, second = (next(iter(loader))[0] for _ in range(2))
    assert not torch.equal(first, second)


def test_a_pair_supervises_mask_answer_mask_and_nothing_of_its_question(dataset: CharCorruptionDataset):
    """x is question MASK answer MASK; y has PAD wherever nothing is supervised."""
    names = NameDataset(PAIRS, dataset)
    assert len(names) == len(PEOPLE)
    assert (names.stoi, names.itos, names.vocab_size) == (dataset.stoi, dataset.itos, dataset.vocab_size)
    assert names.block_size == BLOCK_SIZE
    assert names.data[0] == "Where was Ann Bell born?\tUlm"
    for (name, place), (x, y) in zip(PEOPLE.items(), (names[i] for i in range(len(names))), strict=True):
        question = f"Where was {name} born?"
        assert x.shape == y.shape == (BLOCK_SIZE - 1,)
        assert text_of(dataset, x).rstrip(names.PAD_CHAR) == f"{question}⁇{place}⁇"
        n_before = len(question) - 1
        pads = "□" * (BLOCK_SIZE - 1 - n_before - len(place) - 2)
        assert text_of(dataset, y) == "□" * n_before + f"⁇{place}⁇" + pads


def test_pairs_lose_what_is_not_ascii_as_in_the_assignments_code(
    dataset: CharCorruptionDataset, caplog: pytest.LogCaptureFixture
):
    """'Ülm' becomes 'lm', and the log says how many pairs changed."""
    with caplog.at_level(logging.INFO, "closedbook"):
        names = NameDataset("Where?\tÜlm\nWhere?\tRom\n", dataset)
    assert names.data == ["Where?\tlm", "Where?\tRom"]
    assert "1 of 2 pairs lost characters outside ASCII" in caplog.text


def test_a_line_that_is_no_pair_is_refused(dataset: CharCorruptionDataset):
    """The error names the line without a tab."""
    with pytest.raises(TextError, match="line 2: a pair is question<TAB>answer"):
        NameDataset("Where?\tUlm\nWhere?\n", dataset)


def test_a_pair_is_checked_before_anything_is_trained(dataset: CharCorruptionDataset):
    """The error names the line of an unknown character, or of a pair that is too long for the block."""
    with pytest.raises(TextError, match=r"line 2: '@' \(COMMERCIAL AT\): not in the run's vocabulary"):
        NameDataset("Where?\tUlm\nWhere@\tUlm\n", dataset)
    with pytest.raises(TextError, match="line 1: question and answer need 67 characters"):
        NameDataset(f"{'e' * 62}\tUlm\n", dataset)


def test_only_a_line_feed_ends_a_line_of_pairs():
    """Other characters that str.splitlines splits at belong to the question; a final carriage return is dropped."""
    dataset = CharCorruptionDataset("Where\u2028was\x0bAnn? Ulm.", BLOCK_SIZE)
    names = NameDataset("Where\x0bwas Ann?\tUlm\r\n", dataset)
    assert names.data == ["Where\x0bwas Ann?\tUlm"]
