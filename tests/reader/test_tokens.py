"""Tokens: words and marks of documents as arrays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedbook.reader.tokens import Lexicon, mixed, ranges, tokenize

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def words(text: str) -> list[str]:
    """The tokens of a text."""
    tokens = tokenize([text], Lexicon())
    return [text[start:end] for start, end in zip(tokens.starts, tokens.ends, strict=True)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("St. Ives, 1815", ["St", ".", "Ives", ",", "1815"]),
        ("d'Or", ["d", "'", "Or"]),
        ("字元之 in 1815年", ["字", "元", "之", "in", "1815", "年"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("Ёлка — дом", ["Ёлка", "—", "дом"]),
        ("กรุงเทพ", list("กรุงเทพ")),
        ("ロンドンOslo", [*"ロンドン", "Oslo"]),
    ],
)
def test_a_token_is_a_word_or_a_mark(text: str, expected: list[str]):
    """Combining marks belong to their word; where scripts have no blanks each character is a token."""
    assert words(text) == expected


@given(st.lists(texts, max_size=5))
def test_documents_keep_their_tokens(documents: list[str]):
    """Taken in another order they are as tokenized alone; equal words have equal numbers; blanks alone are lost."""
    lexicon = Lexicon()
    tokens = tokenize(documents, lexicon)
    order = np.arange(len(documents))[::-1]
    taken = tokens.take(order)
    for number, document in enumerate(order):
        alone = tokenize([documents[document]], lexicon)
        of = slice(*taken.begins[[number, number + 1]])
        np.testing.assert_array_equal(taken.words[of], alone.words)
        np.testing.assert_array_equal(taken.starts[of], alone.starts)
        assert "".join(words(documents[document])) == "".join(documents[document].split())


def test_the_title_is_as_many_tokens():
    """Those that begin within its characters."""
    tokens = tokenize(["Ada Byron. Nord", "No title"], Lexicon(), [10, 0])
    assert tokens.n_title.tolist() == [3, 0]


def test_classes_are_by_case_digits_and_script():
    """An underscore is a letter, as in programs."""
    lexicon = Lexicon()
    tokens = tokenize(["Ada was 17 of 123456 2nd _x ; 字 ．"], lexicon)
    names = {lexicon.class_number(name): name for name in ("A", "a", "99", "99999", "9a", ";", "字", "．")}
    assert [names[k] for k in lexicon.classes[tokens.words]] == [
        "A", "a", "99", "a", "99999", "9a", "a", ";", "字", "．",
    ]  # fmt: skip


def test_stems_are_the_first_letters():
    """'born' and 'birth' differ, 'boils' and 'Boiling' do not."""
    lexicon = Lexicon()
    words = tokenize(["boils Boiling born birth"], lexicon).words
    stems = lexicon.stems[words]
    assert stems[0] == stems[1]
    assert len(set(stems.tolist())) == 3


@given(st.lists(st.lists(st.integers(-5, 5), min_size=1, max_size=4), max_size=20))
def test_keys_tell_sequences_apart(sequences: list[list[int]]):
    """Different sequences of numbers have different keys."""
    keys = {int(mixed(*sequence)) for sequence in sequences}
    assert len(keys) == len({tuple(sequence) for sequence in sequences})


def test_ranges_by_hand():
    """One after another, empty ones too."""
    assert ranges(np.array([5, 0, 9]), np.array([2, 0, 3])).tolist() == [5, 6, 9, 10, 11]
