from collections.abc import Sequence

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from closedbook.model.prefix_table import PrefixTable, PrefixTrie

# The ids of seven characters: PAD, MASK, blank, and the letters a to d.
A, B, C, D = 3, 4, 5, 6
BLANK = 2
IN_WORD = (False, False, False, True, True, True, True)
OUTSIDE, UNKNOWN = 0, -1

letters = st.lists(st.integers(A, D), min_size=1, max_size=5)
lexicons = st.lists(letters, max_size=11)
texts = st.lists(st.integers(0, D), min_size=1, max_size=23)


def trie(*words: Sequence[int]) -> PrefixTrie:
    """The trie of words over the seven characters."""
    return PrefixTrie.of_words(words, IN_WORD)


def prefixes(words: Sequence[Sequence[int]]) -> set[tuple[int, ...]]:
    """Every prefix of every word, the words themselves included."""
    return {tuple(word[:n]) for word in words for n in range(1, len(word) + 1)}


def spelled(tree: PrefixTrie, prefix: int) -> tuple[int, ...]:
    """The characters of a numbered prefix, found by way of its parents."""
    parent, character = tree.edges[prefix - 1]
    return (*(spelled(tree, parent) if parent else ()), character)


def looked_up(words: Sequence[Sequence[int]], text: Sequence[int]) -> list[int]:
    """The rows of a text, by looking up each prefix in a sorted list of all, the shorter first."""
    row_of = {prefix: row for row, prefix in enumerate(sorted(prefixes(words), key=lambda p: (len(p), p)), 1)}
    found = []
    prefix: tuple[int, ...] = ()
    for character in text:
        prefix = (*prefix, character) if IN_WORD[character] else ()
        found.append(row_of.get(prefix, UNKNOWN) if prefix else OUTSIDE)
    return found


def random_table(*words: Sequence[int], n_embd: int = 5) -> PrefixTable:
    """A table with random vectors in all rows but row 0."""
    table = PrefixTable(trie(*words), n_embd)
    torch.manual_seed(3)
    with torch.no_grad():
        table.table.weight[1:] = torch.randn(len(table.table.weight) - 1, n_embd)
    return table


def rows(words: Sequence[Sequence[int]], text: Sequence[int]) -> list[int]:
    """The rows of a text, by the table itself."""
    return [int(row) for row in random_table(*words).rows(torch.tensor([text]))[0]]


def test_a_trie_by_hand():
    """The words ab, abc and b have the prefixes a, b, ab and abc, the shorter first, then in order of ids."""
    tree = trie((A, B), (B,), (A, B, C), (A, B))
    assert tree.edges == ((OUTSIDE, A), (OUTSIDE, B), (1, B), (3, C))
    assert len(tree) == 4


def test_a_character_can_be_a_word_by_itself():
    """As in Chinese: it ends the word before it, its row is its own wherever it stands, and after it a word begins."""
    alone = [character in (C, D) for character in range(7)]
    tree = PrefixTrie.of_words([(A, B), (C,), (D,)], IN_WORD, alone)
    rows = PrefixTable(tree, 5).rows(torch.tensor([[A, B, C, D, C, A, B, A, 1, C], [C, C, D, A, C, B, C, 0, D, D]]))
    a, c, d, ab = 1, 2, 3, 4
    assert tree.edges == ((OUTSIDE, A), (OUTSIDE, C), (OUTSIDE, D), (a, B))
    assert rows.tolist() == [[a, ab, c, d, c, a, ab, UNKNOWN, OUTSIDE, c], [c, c, d, a, c, UNKNOWN, c, OUTSIDE, d, d]]


@given(lexicons, texts, st.data())
def test_such_rows_continue_from_those_before(words: list[list[int]], text: list[int], data: st.DataObject):
    """Read in two pieces, a text has the rows of the whole, whichever characters are words by themselves."""
    alone = [character >= C for character in range(7)]
    table = PrefixTable(PrefixTrie.of_words([[C], [D], *words], IN_WORD, alone), 5)
    idx = torch.tensor([text])
    cut = data.draw(st.integers(1, len(text)))
    first = table.rows(idx[:, :cut])
    pieces = [first] if cut == len(text) else [first, table.rows(idx[:, cut:], first[:, -1])]
    assert torch.equal(torch.cat(pieces, dim=1), table.rows(idx))


def test_no_words_make_an_empty_trie():
    """Without words, or with the empty word alone, the trie has no prefix."""
    assert len(trie()) == len(trie(())) == 0


@given(lexicons)
def test_every_prefix_of_every_word_is_numbered_once(words: list[list[int]]):
    """The trie has each prefix once; edges are sorted, and a parent comes before its children."""
    tree = trie(*words)
    assert {spelled(tree, prefix) for prefix in range(1, len(tree) + 1)} == prefixes(words)
    assert len(tree) == len(prefixes(words))
    assert list(tree.edges) == sorted(tree.edges)
    assert all(parent < prefix for prefix, (parent, _) in enumerate(tree.edges, 1))


@given(lexicons)
def test_order_and_repetition_of_words_change_no_trie(words: list[list[int]]):
    """A trie is a function of the set of its words, so that a reopened run has the same rows."""
    assert trie(*words) == trie(*reversed(words), *words)


def test_rows_by_hand():
    """A word starts after a character outside of words; after an unknown prefix its whole rest is unknown."""
    words = ((A, B), (B,), (A, B, C))
    # ab abcd ba MASK b
    text = [A, B, BLANK, A, B, C, D, BLANK, B, A, 1, B]
    assert rows(words, text) == [1, 3, OUTSIDE, 1, 3, 4, UNKNOWN, OUTSIDE, 2, UNKNOWN, OUTSIDE, 2]
    # A known word inside an unknown one is not found.
    assert rows(words, [D, A, B, C]) == [UNKNOWN] * 4


@given(lexicons, texts)
def test_rows_are_those_of_a_plain_lookup(words: list[list[int]], text: list[int]):
    """For any words and any text, each prefix looked up in a sorted list has the same row."""
    assert rows(words, text) == looked_up(words, text)


@given(lexicons, texts, st.data())
def test_rows_continue_from_those_before(words: list[list[int]], text: list[int], data: st.DataObject):
    """Read in pieces, each continued from the last row of the one before, a text has the rows of the whole."""
    table, idx = random_table(*words), torch.tensor([text, text[::-1]])
    cut = data.draw(st.integers(1, len(text)))
    pieces = [table.rows(idx[:, :cut])]
    for t in range(cut, len(text)):
        pieces.append(table.rows(idx[:, t : t + 1], pieces[-1][:, -1]))
    assert torch.equal(torch.cat(pieces, dim=1), table.rows(idx))


@given(lexicons, texts, st.data())
def test_no_row_depends_on_a_later_character(words: list[list[int]], text: list[int], data: st.DataObject):
    """Changing a character changes no row before it."""
    t = data.draw(st.integers(0, len(text) - 1))
    changed = [*text[:t], data.draw(st.integers(0, D)), *text[t + 1 :]]
    assert rows(words, changed)[:t] == rows(words, text)[:t]


def test_a_character_in_no_known_prefix_adds_nothing():
    """Outside of words, and from the first unknown character of a word on, the vectors are zero."""
    table = random_table((A, B), (B,))
    vectors = table(table.rows(torch.tensor([[A, B, BLANK, C, B, B, A, 0]])))[0]
    known = [True, True, False, False, False, False, False, False]
    assert [bool((vector != 0).all()) for vector in vectors] == known
    assert [bool((vector == 0).all()) for vector in vectors] == [not is_known for is_known in known]
    assert torch.equal(vectors[:2], table.table.weight[[1, 3]])


def test_a_table_of_no_words_adds_nothing():
    """Every letter is unknown then, and the only row is zero."""
    table = random_table()
    assert table.table.weight.shape == (1, 5)
    assert table.rows(torch.tensor([[A, BLANK, D]])).tolist() == [[UNKNOWN, OUTSIDE, UNKNOWN]]
    assert (table(table.rows(torch.tensor([[A, BLANK, D]]))) == 0).all()


def gradient(table: PrefixTable, text: Sequence[int]) -> Tensor:
    """The table's gradient of the sum of all vectors of a text."""
    table(table.rows(torch.tensor([text]))).sum().backward()
    assert table.table.weight.grad is not None
    return table.table.weight.grad.coalesce()


def test_the_gradient_is_sparse():
    """It has entries for the rows that the text uses, and none for row 0, which serves all other characters."""
    # The rows are a 1, b 2, ab 3, bc 4; the text is ab, then a, then an unknown word.
    found = gradient(random_table((A, B), (B, C)), [A, B, BLANK, A, BLANK, D, D])
    assert found.is_sparse
    assert found.indices().tolist() == [[1, 3]]
    assert found.values().tolist() == [[2.0] * 5, [1.0] * 5]


def test_a_text_without_words_has_an_empty_gradient():
    """Row 0 gets no gradient, so that it stays zero."""
    assert gradient(random_table((A, B)), [BLANK, 0, 1, C]).indices().tolist() == [[]]


def test_the_prefixes_are_no_weights():
    """The table is the whole state; the prefixes are saved with the vocabulary."""
    assert list(random_table((A, B)).state_dict()) == ["table.weight"]
