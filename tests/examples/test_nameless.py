from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedbook.examples.corruption import CorruptionConfig
from closedbook.examples.datasets import CharCorruptionDataset
from closedbook.examples.nameless import draw_nameless, pieces, with_words_before
from closedbook.text.titles import title_length
from closedbook.text.vocabulary import MASK, PAD_ID, Vocabulary

ADA = "Ada Byron. Ada Byron (10 December 1815 London - 27 November 1852 Marylebone) wrote of engines ."


def test_a_name_next_to_a_number_is_a_piece_of_its_own():
    """Each run of names and each run of numbers, whole, after the title."""
    found = [ADA[start:end] for start, end in pieces(ADA)]
    assert found == ["Ada Byron", "10", "December", "1815", "London", "27", "November", "1852", "Marylebone"]


def test_the_words_before_a_piece_are_whole_and_of_the_text_alone():
    """At most 24 characters, nothing of the title, and no part of a word."""
    strings = [with_words_before(ADA, piece) for piece in pieces(ADA)]
    assert strings[0] == f"Ada Byron{MASK}"
    assert strings[1] == f"10{MASK}Ada Byron ("
    assert strings[4] == f"London{MASK}Byron (10 December 1815 "
    assert strings[8] == f"Marylebone{MASK}- 27 November 1852 "


@given(st.text(alphabet="aA9é .,(", max_size=60), st.integers(5, 40), st.integers(0, 99))
def test_a_nameless_string_fits_the_block_and_has_no_title(body: str, block_size: int, seed: int):
    """MASK MASK piece MASK words MASK, of which the document has piece and words one after the other."""
    document = f"Zed Zuk. {body}"
    masked = draw_nameless(document, block_size, Random(seed))
    if masked is None:
        return
    assert len(masked.text) <= block_size
    assert masked.n_context == 2
    nothing, no_suffix, piece, before, end = masked.text.split(MASK)
    assert (nothing, no_suffix, end) == ("", "", "")
    assert before + piece in document[title_length(document) :]


def test_a_document_without_a_piece_has_no_nameless_string():
    """Nor has one whose piece exceeds the block."""
    assert draw_nameless("Ada Byron. wrote of engines .", 97, Random(5)) is None
    assert draw_nameless("Ada Byron. Constantinople", 13, Random(5)) is None


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0.0), (0.3, 0.3), (1.0, 1.0)])
def test_the_share_of_draws_is_nameless(share: float, expected: float):
    """Its two leading MASKs are context; all after them is predicted."""
    vocabulary = Vocabulary.of_text(ADA)
    config = CorruptionConfig(span=0.0, salient=1.0, nameless=share, supervised="content")
    dataset = CharCorruptionDataset([ADA], vocabulary, 97, config)
    n_nameless = 0
    for epoch in range(600):
        dataset.epoch = epoch
        text = dataset.masked(0)
        if text.startswith(MASK + MASK):
            n_nameless += 1
            _, y = dataset[0]
            assert vocabulary.decode(i for i in y.tolist() if i != PAD_ID) == text[2:]
    assert n_nameless / 600 == pytest.approx(expected, abs=0.05)
