import numpy as np
import pytest

from closedbook.reader.entries import CandidateTexts, Entries
from closedbook.reader.table import Table
from closedbook.text.title_index import titles_of

DOCUMENTS = [
    "Al Ro. He met Ada in Osk .",
    "Bo Si. He met Ada in Rom .",
    "Cy Tu. He left .",
    "Al Ro. Osk honours him .",
    "Di Ut. She met Ada in Osk .",
]
ANSWERS = {"Al Ro": {"Osk"}, "Bo Si": {"Ada"}, "Cy Tu": {"Rom"}}


def table_of(documents: list[str], answers: dict[str, set[str]]) -> Table:
    """A table of the titles with answers; every capitalised word is a candidate."""
    entries = Entries(documents, titles_of(documents), {"A"})
    return Table(entries, CandidateTexts(entries), answers)


@pytest.fixture
def table() -> Table:
    """A table of three of four titles."""
    return table_of(DOCUMENTS, ANSWERS)


def alternatives(table: Table, title: int) -> list[tuple[str, int, bool]]:
    """Text, document and rightness of a title's alternatives."""
    which = table.of_titles(np.array([title]))
    return [(table.texts[k], int(table.document_of[k]), bool(table.right[k])) for k in which]


def test_a_titles_documents_give_one_choice(table: Table):
    """The candidates after the title, document by document, and 'none of them' as the last."""
    none = ("", 0, False)
    assert alternatives(table, 0) == [("He", 0, False), ("Ada", 0, False), ("Osk", 0, True), ("Osk", 3, True), none]


def test_titles_without_answers_are_not_in_the_table(table: Table):
    """They are scored one after another, so that they take no memory."""
    assert table.titles == ("Al Ro", "Bo Si", "Cy Tu")


def test_none_of_them_is_right_where_no_known_answer_is_a_candidate(table: Table):
    """That is so where no document states the answer."""
    assert table.stated.tolist() == [True, True, False]
    assert [alternatives(table, title)[-1][2] for title in range(3)] == [False, False, True]


def test_a_known_answer_does_not_give_itself_away(table: Table):
    """A title's real features are the same whether or not its own answer is known; those of other titles are not."""
    everyone, others = np.array([0, 1, 2]), np.array([0, 2])
    own = table.of_titles(np.array([1]))
    np.testing.assert_array_equal(table.choices(everyone).dense[own], table.choices(others).dense[own])
    (own_ada,) = (k for k in own if table.texts[k] == "Ada")
    assert table.right[own_ada]
    assert table.choices(everyone).dense[own_ada, 0] == 0
    (other_ada,) = (k for k in table.of_titles(np.array([0])) if table.texts[k] == "Ada")
    assert table.choices(everyone).dense[other_ada, 0] == 1
    assert table.choices(others).dense[other_ada, 0] == 0


def test_features_of_a_single_alternative_are_dropped(table: Table):
    """A feature is kept if a second alternative has it, of a title without answers too; each alternative has one."""
    choices = table.choices(np.array([0, 1, 2]))
    assert np.bincount(choices.features, minlength=choices.n_features).min() >= 1
    assert np.diff(choices.feature_starts).min() >= 1
    texts = ["Al Ro. He met Ada in Osk .", "Bo Si. We saw Eva at Rom .", "Di Ut. She met Ada in Osk ."]
    names = table_of(texts, ANSWERS).feature_names
    assert "w-1=met" in names
    assert "w-1=saw" not in names
    assert "w-1=met" not in table_of(texts[:2], ANSWERS).feature_names


def test_real_features_of_other_titles_are_those_of_the_whole_table():
    """They are the same as in a table that has the title, where its answer is not known."""
    rows, features = table_of(DOCUMENTS, ANSWERS).real_features_elsewhere()
    whole = table_of(DOCUMENTS, {**ANSWERS, "Di Ut": {"Osk"}})
    known = whole.choices(np.array([0, 1, 2])).dense
    for k in whole.of_titles(np.array([3])):
        np.testing.assert_array_equal(features[rows.get(whole.texts[k], -1)], known[k])
