from collections.abc import Sequence

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from closedbook.model.prefix_table import PrefixTable, PrefixTrie

# The numbers of seven characters: PAD, MASK, blank, and a to d, of which words are made.
A, B, C, D = 3, 4, 5, 6
BLANK = 2
IN_WORD = (False, False, False, True, True, True, True)
OUTSIDE, UNKNOWN = 0, -1

letters = st.lists(st.integers(A, D), min_size=1, max_size=5)
lexicons = st.lists(letters, max_size=11)
texts = st.lists(st.integers(0, D), min_size=1, max_size=23)


def trie(*words: Sequence[int]) -> PrefixTrie:
    """Of words over the seven characters."""
    return PrefixTrie.of_words(words, IN_WORD)


def beginnings(words: Sequence[Sequence[int]]) -> set[tuple[int, ...]]:
    """Every beginning of every word, the words themselves included."""
    return {tuple(word[:n]) for word in words for n in range(1, len(word) + 1)}


def spelled(tree: PrefixTrie, node: int) -> tuple[int, ...]:
    """The beginning that a node stands for, by way of its parents."""
    parent, character = tree.edges[node - 1]
    return (*(spelled(tree, parent) if parent else ()), character)


def walked(words: Sequence[Sequence[int]], text: Sequence[int]) -> list[int]:
    """The nodes of a text, by looking each beginning up in a list of all, shortest and smallest first."""
    numbers = {word: number for number, word in enumerate(sorted(beginnings(words), key=lambda w: (len(w), w)), 1)}
    nodes = []
    begun: tuple[int, ...] = ()
    for character in text:
        begun = (*begun, character) if IN_WORD[character] else ()
        nodes.append(numbers.get(begun, UNKNOWN) if begun else OUTSIDE)
    return nodes


def memory(*words: Sequence[int], n_embd: int = 5) -> PrefixTable:
    """A memory whose rows, but for the first, are all different."""
    made = PrefixTable(trie(*words), n_embd)
    torch.manual_seed(3)
    with torch.no_grad():
        made.table.weight[1:] = torch.randn(len(made.table.weight) - 1, n_embd)
    return made


def nodes(words: Sequence[Sequence[int]], text: Sequence[int]) -> list[int]:
    """Of a text by the memory itself."""
    return [int(node) for node in memory(*words).rows(torch.tensor([text]))[0]]


def test_a_trie_by_hand():
    """Of ab, abc and b the beginnings are a, b, ab and abc; the shorter come first, then the smaller."""
    tree = trie((A, B), (B,), (A, B, C), (A, B))
    assert tree.edges == ((OUTSIDE, A), (OUTSIDE, B), (1, B), (3, C))
    assert len(tree) == 4


def test_no_words_make_an_empty_trie():
    """Without a word, or with one of no characters, there is nothing but the outside."""
    assert len(trie()) == len(trie(())) == 0


@given(lexicons)
def test_every_beginning_of_every_word_has_a_node_of_its_own(words: list[list[int]]):
    """As many nodes as beginnings, each spelled by its own way down; edges are sorted, parents before children."""
    tree = trie(*words)
    assert {spelled(tree, node) for node in range(1, len(tree) + 1)} == beginnings(words)
    assert len(tree) == len(beginnings(words))
    assert list(tree.edges) == sorted(tree.edges)
    assert all(parent < node for node, (parent, _) in enumerate(tree.edges, 1))


@given(lexicons)
def test_order_and_repetition_of_words_change_no_trie(words: list[list[int]]):
    """A trie is a function of the set of its words, so that a run that is opened again has the same rows."""
    assert trie(*words) == trie(*reversed(words), *words)


def test_nodes_by_hand():
    """Words begin anew behind what is of no word; behind an unknown beginning nothing is known till then."""
    words = ((A, B), (B,), (A, B, C))
    # ab abcd ba MASK b
    text = [A, B, BLANK, A, B, C, D, BLANK, B, A, 1, B]
    assert nodes(words, text) == [1, 3, OUTSIDE, 1, 3, 4, UNKNOWN, OUTSIDE, 2, UNKNOWN, OUTSIDE, 2]
    # An unknown word may go on like a known one, and is none of it.
    assert nodes(words, [D, A, B, C]) == [UNKNOWN] * 4


@given(lexicons, texts)
def test_nodes_are_a_plain_walk(words: list[list[int]], text: list[int]):
    """For any words and any text the nodes are those of looking each beginning up in a list."""
    assert nodes(words, text) == walked(words, text)


@given(lexicons, texts, st.data())
def test_nodes_go_on_from_those_before(words: list[list[int]], text: list[int], data: st.DataObject):
    """In pieces, each continued from the last node of the one before, a text has the nodes of the whole."""
    made, idx = memory(*words), torch.tensor([text, text[::-1]])
    cut = data.draw(st.integers(1, len(text)))
    first = made.rows(idx[:, :cut])
    pieces = [first]
    for place in range(cut, len(text)):
        pieces.append(made.rows(idx[:, place : place + 1], pieces[-1][:, -1]))
    assert torch.equal(torch.cat(pieces, dim=1), made.rows(idx))


@given(lexicons, texts, st.data())
def test_no_node_knows_a_later_character(words: list[list[int]], text: list[int], data: st.DataObject):
    """Changing a character changes no node before it."""
    place = data.draw(st.integers(0, len(text) - 1))
    changed = [*text[:place], data.draw(st.integers(0, D)), *text[place + 1 :]]
    assert nodes(words, changed)[:place] == nodes(words, text)[:place]


def test_what_is_in_no_known_beginning_has_no_vector():
    """A character outside of words, and one that leads away from all of them, add zeros; the others their row."""
    made = memory((A, B), (B,))
    vectors = made(made.rows(torch.tensor([[A, B, BLANK, C, B, B, A, 0]])))[0]
    known = [True, True, False, False, False, False, False, False]
    assert [bool((vector != 0).all()) for vector in vectors] == known
    assert [bool((vector == 0).all()) for vector in vectors] == [not is_known for is_known in known]
    assert torch.equal(vectors[:2], made.table.weight[[1, 3]])


def test_a_memory_of_no_words_adds_nothing():
    """Every letter is unknown then, and there is one row, of zeros."""
    made = memory()
    assert made.table.weight.shape == (1, 5)
    assert made.rows(torch.tensor([[A, BLANK, D]])).tolist() == [[UNKNOWN, OUTSIDE, UNKNOWN]]
    assert (made(made.rows(torch.tensor([[A, BLANK, D]]))) == 0).all()


def gradient(made: PrefixTable, text: Sequence[int]) -> Tensor:
    """Of the sum of all vectors of a text."""
    made(made.rows(torch.tensor([text]))).sum().backward()
    assert made.table.weight.grad is not None
    return made.table.weight.grad.coalesce()


def test_the_gradient_is_of_the_rows_in_use():
    """A step touches the beginnings that it met, and of those outside and unknown, which row 0 stands for, nothing."""
    # The rows are a 1, b 2, ab 3, bc 4; what is read is ab, then a, then an unknown word.
    found = gradient(memory((A, B), (B, C)), [A, B, BLANK, A, BLANK, D, D])
    assert found.is_sparse
    assert found.indices().tolist() == [[1, 3]]
    assert found.values().tolist() == [[2.0] * 5, [1.0] * 5]


def test_a_text_without_words_has_an_empty_gradient():
    """Row 0 gets none, so that it stays at zero whatever is learnt."""
    assert gradient(memory((A, B)), [BLANK, 0, 1, C]).indices().tolist() == [[]]


def test_the_words_are_kept_with_the_vocabulary_and_not_among_the_weights():
    """Of a memory's state the table is all."""
    assert list(memory((A, B)).state_dict()) == ["table.weight"]
