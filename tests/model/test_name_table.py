from collections.abc import Sequence

import torch
from hypothesis import given
from hypothesis import strategies as st

from closedbook.model.name_table import NameTable, NameTrie
from closedbook.model.prefix_table import PrefixTable, PrefixTrie

# The ids of seven characters: PAD, MASK, blank, and the letters a to d.
A, B, C, D = 3, 4, 5, 6
BLANK = 2
IN_WORD = (False, False, False, True, True, True, True)
N_EMBD = 5

texts = st.lists(st.integers(0, D), min_size=1, max_size=29)
titles_of_any_form = st.lists(st.lists(st.integers(2, D), max_size=13), max_size=7)


def words_of(text: Sequence[int]) -> list[tuple[tuple[int, ...], int]]:
    """The words that end within a text, each with the position of the first character after it."""
    words, word = [], ()
    for position, character in enumerate(text):
        if IN_WORD[character]:
            word = (*word, character)
        elif word:
            words.append((word, position))
            word = ()
    return words


def names_of(titles: Sequence[Sequence[int]]) -> set[tuple[tuple[int, ...], ...]]:
    """Every two to four words in a row within a title."""
    names = set()
    for title in titles:
        words = [word for word, _ in words_of([*title, BLANK])]
        names |= {tuple(words[i : i + n]) for n in (2, 3, 4) for i in range(len(words) - n + 1)}
    return names


def tables(titles: Sequence[Sequence[int]], width: int = N_EMBD) -> tuple[PrefixTable, NameTable]:
    """Tables of titles and of their words, with random vectors."""
    torch.manual_seed(3)
    words = [word for title in titles for word, _ in words_of([*title, BLANK])]
    prefixes = PrefixTable(PrefixTrie.of_words(words, IN_WORD), N_EMBD)
    return prefixes, NameTable(NameTrie.of_titles(titles, prefixes), N_EMBD, width)


def found_at(titles: Sequence[Sequence[int]], *several: Sequence[int]) -> list[list[tuple[int, int]]]:
    """For each of several texts of one length, the names found: (position, row), sorted."""
    prefixes, names = tables(titles)
    rows = prefixes.rows(torch.tensor(several))
    found, _ = names.find(rows, None, None)
    places = sorted(zip(found.positions.tolist(), found.names.tolist(), strict=True))
    n = rows.size(1)
    return [[(place % n, name) for place, name in places if place // n == text] for text in range(len(several))]


def test_names_by_hand():
    """'a b c' has the names 'a b', 'b c' and 'a b c'; each is found at the character after it, wherever it stands."""
    title = [A, BLANK, B, BLANK, C]
    prefixes, names = tables([title])
    assert names.table.num_embeddings == len(names_of([title])) == 3
    ab, bc, abc = 0, 1, 2
    text = [D, BLANK, A, 1, B, BLANK, C, 0, B, BLANK, C, BLANK]
    assert found_at([title], text) == [[(5, ab), (7, bc), (7, abc), (11, bc)]]
    assert prefixes.table.num_embeddings == 1 + 3


def test_names_of_characters_that_are_words_by_themselves():
    """The title 'cdc' has the names 'cd', 'dc' and 'cdc'; they are found among other characters, without blanks."""
    alone = [character in (C, D) for character in range(7)]
    prefixes = PrefixTable(PrefixTrie.of_words([[A], [C], [D]], IN_WORD, alone), N_EMBD)
    names = NameTable(NameTrie.of_titles([[C, D, C]], prefixes), N_EMBD, N_EMBD)
    assert names.table.num_embeddings == 3
    cd, dc, cdc = 0, 1, 2
    text = torch.tensor([[C, C, D, C, A, D, C, 1]])
    found, _ = names.find(prefixes.rows(text), None, None)
    places = sorted(zip(found.positions.tolist(), found.names.tolist(), strict=True))
    assert places == [(3, cd), (4, dc), (4, cdc), (7, dc)]
    # In two pieces, as with a cache.
    rows = prefixes.rows(text)
    _, words = names.find(rows[:, :3], None, None)
    later, _ = names.find(rows[:, 3:], rows[:, 2], words)
    assert sorted(zip((later.positions + 3).tolist(), later.names.tolist(), strict=True)) == places


def test_words_that_no_title_has_in_this_order_are_not_found():
    """Order counts, whole words count, and a word that has not ended yet does not."""
    titles = [[A, BLANK, B]]
    for text in ([B, BLANK, A, BLANK], [A, BLANK, B, C, BLANK], [A, BLANK, C, BLANK, B, BLANK], [A, BLANK, B]):
        assert found_at(titles, text) == [[]]


def test_titles_of_one_word_have_no_names():
    """They are found by the prefix table; a name table of no rows adds nothing."""
    prefixes, names = tables([[A, B], [C]])
    assert names.table.num_embeddings == 0
    x = torch.randn(1, 4, N_EMBD)
    found, _ = names.find(prefixes.rows(torch.tensor([[A, B, BLANK, C]])), None, None)
    assert torch.equal(names(x, found), x)


@given(titles_of_any_form, texts)
def test_names_are_those_of_a_plain_lookup(titles: list[list[int]], text: list[int]):
    """For any titles and any text, the rows found are one per distinct name of two to four known words in a row."""
    in_order = sorted(names_of(titles), key=lambda name: (len(name), [(len(word), word) for word in name]))
    row = {name: number for number, name in enumerate(in_order)}
    words = words_of(text)
    expected = []
    for last, (_, position) in enumerate(words):
        for first in range(max(0, last - 3), last):
            name = tuple(word for word, _ in words[first : last + 1])
            if name in row:
                expected.append((position, row[name]))
    assert found_at(titles, text) == [sorted(expected)]


@given(titles_of_any_form)
def test_order_and_repetition_of_titles_change_no_row(titles: list[list[int]]):
    """Names are a function of the set of titles, so that a reopened run has the same rows."""
    prefixes, _ = tables(titles)
    one, other = (NameTrie.of_titles(some, prefixes).keys for some in (titles, [*reversed(titles), *titles]))
    assert torch.equal(one, other)


@given(titles_of_any_form, texts, st.data())
def test_names_continue_from_those_before(titles: list[list[int]], text: list[int], data: st.DataObject):
    """Read in pieces, each continued from the words before it, texts get the vectors of the whole."""
    prefixes, names = tables(titles)
    idx = torch.tensor([text, text[::-1]])
    x = torch.randn(*idx.shape, N_EMBD)
    whole = names(x, names.find(prefixes.rows(idx), None, None)[0])
    pieces, row, words, begin = [], None, None, 0
    while begin < len(text):
        end = data.draw(st.integers(begin + 1, len(text)))
        rows = prefixes.rows(idx[:, begin:end], row)
        found, words = names.find(rows, row, words)
        pieces.append(names(x[:, begin:end], found))
        row, begin = rows[:, -1], end
    assert torch.equal(torch.cat(pieces, dim=1), whole)


@given(titles_of_any_form, texts, st.data())
def test_no_name_depends_on_a_later_character(titles: list[list[int]], text: list[int], data: st.DataObject):
    """Changing a character changes no name found before it."""
    t = data.draw(st.integers(0, len(text) - 1))
    changed = [*text[:t], data.draw(st.integers(0, D)), *text[t + 1 :]]
    before = [[one for one in found if one[0] < t] for found in found_at(titles, text, changed)]
    assert before[0] == before[1]


def test_a_later_name_changes_no_bit_of_a_vector_before_it():
    """With narrow rows too, a vector is the same whether one name is found in the text or many."""
    prefixes, _ = tables([[A, BLANK, B]])
    names = NameTable(NameTrie.of_titles([[A, BLANK, B]], prefixes), 64, 24)
    torch.nn.init.normal_(names.table.weight)
    name = [A, BLANK, B, BLANK]
    texts = torch.tensor([[name * 12], [name + [BLANK] * 44]])
    x = torch.randn(1, 48, 64)
    vectors = []
    for idx in texts:
        found, _ = names.find(prefixes.rows(idx), None, None)
        vectors.append(names(x, found)[0, :4])
    assert torch.equal(*vectors)


def test_the_gradient_is_sparse_and_narrow_rows_are_projected():
    """Only rows that were found have a gradient; rows narrower than n_embd go through a linear layer."""
    prefixes, names = tables([[A, BLANK, B], [B, BLANK, A], [C, BLANK, D]], width=2)
    rows = prefixes.rows(torch.tensor([[A, BLANK, B, BLANK], [C, BLANK, D, 1]]))
    x = torch.randn(2, 4, N_EMBD)
    found, _ = names.find(rows, None, None)
    y = names(x, found)
    y.sum().backward()
    assert names.table.weight.grad is not None
    assert names.table.weight.grad.coalesce().indices()[0].tolist() == sorted(found.names.tolist())
    vectors = names.table.weight[found.names] @ names.projection.weight.T
    expected = x.clone()
    for position, vector in zip(found.positions.tolist(), vectors, strict=True):
        expected[position // 4, position % 4] += vector
    assert torch.allclose(y, expected, rtol=1e-6)
