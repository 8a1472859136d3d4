import numpy as np
import pytest

from closedbook.reader.table import Table
from closedbook.text.links import titles_of

DOCUMENTS = [
    "Al Ro. He met Ada in Osk .",
    "Bo Si. He met Ada in Rom .",
    "Cy Tu. He left .",
    "Al Ro. Osk honours him .",
    "Di Ut. She met Ada in Osk .",
]


@pytest.fixture
def table() -> Table:
    """A table of four titles, with the answers of the first three known; every capitalised word is a candidate."""
    answers = {"Al Ro": {"Osk"}, "Bo Si": {"Ada"}, "Cy Tu": {"Rom"}}
    return Table(DOCUMENTS, titles_of(DOCUMENTS), answers, {"A"})


def alternatives(table: Table, title: int) -> list[tuple[str, int, bool]]:
    """Text, document and rightness of a title's alternatives."""
    columns = (table.text_of, table.document_of, table.right)
    rows = zip(*(column[table.of_titles(np.array([title]))].tolist() for column in columns), strict=True)
    return [(table.texts[text], document, right) for text, document, right in rows]


def test_a_titles_documents_give_one_choice(table: Table):
    """The candidates after the title, document by document, and 'none of them' as the last."""
    none = ("", 0, False)
    assert alternatives(table, 0) == [("He", 0, False), ("Ada", 0, False), ("Osk", 0, True), ("Osk", 3, True), none]


def test_none_of_them_is_right_where_no_known_answer_is_a_candidate(table: Table):
    """That is so where no document states the answer, and where no answer is known."""
    assert table.stated.tolist() == [True, True, False, False]
    assert [alternatives(table, title)[-1][2] for title in range(4)] == [False, False, True, True]


def test_a_known_answer_does_not_give_itself_away(table: Table):
    """A title's real features are the same whether or not its own answer is known; those of other titles are not."""
    everyone, others = np.array([0, 1, 2]), np.array([0, 2])
    own = table.of_titles(np.array([1]))
    np.testing.assert_array_equal(table.choices(everyone).dense[own], table.choices(others).dense[own])
    (own_ada,) = (k for k in own if table.texts[table.text_of[k]] == "Ada")
    assert table.right[own_ada]
    assert table.choices(everyone).dense[own_ada, 0] == 0
    (other_ada,) = (k for k in table.of_titles(np.array([3])) if table.texts[table.text_of[k]] == "Ada")
    assert table.choices(everyone).dense[other_ada, 0] == 1
    assert table.choices(others).dense[other_ada, 0] == 0


def test_features_of_a_single_alternative_are_dropped(table: Table):
    """Every feature that is left has two alternatives or more, and every alternative has a feature."""
    choices = table.choices(np.array([0, 1, 2]))
    counts = np.bincount(choices.features, minlength=choices.n_features)
    assert counts.min() >= 2
    assert np.diff(choices.feature_starts).min() >= 1
