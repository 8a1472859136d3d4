import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedbook.analysis.trace.names import compare, near_names
from closedbook.errors import InputError

TITLES = ("Ann Bell", "Ann Carr", "Bo Carr", "Cyn Dunn", "Ed van Foss")
QUESTION = "Where was Ann Bell born?"
names = st.lists(st.text("abXY'", min_size=1, max_size=7), min_size=1, max_size=4).map(" ".join)


@pytest.mark.parametrize("other", ["Cyn Dunn", "Where was Cyn Dunn born?"])
def test_the_other_name_or_the_whole_question_about_it(other: str):
    """Both give the same comparison."""
    comparison = compare(QUESTION, other, TITLES)
    assert comparison.other == "Where was Cyn Dunn born?"
    assert (comparison.name, comparison.other_name) == ("Ann Bell", "Cyn Dunn")


def test_without_titles_names_are_what_differs():
    """What two questions do not share, in whole words, is the name."""
    comparison = compare("Is Ann Bell from Ulm?", "Is Annabel Bell from Ulm?", ())
    assert (comparison.name, comparison.other_name) == ("Ann", "Annabel")


def test_words_of_names_correspond_from_their_ends():
    """By hand: names of different lengths are paired word by word from the last, and the rest one by one."""
    comparison = compare("Is Ann Bell in?", "Ed van Foss", TITLES)
    assert comparison.other == "Is Ed van Foss in?"
    # 'n ' of 'Ann ' with 'n ' of 'van ', and so on.
    within = [(3, 6), (4, 7), (5, 8), (6, 9), (7, 10), (8, 11), (9, 12), (10, 13)]
    assert comparison.pairs(17) == [(0, 0), (1, 1), (2, 2), *within, *((p, p + 3) for p in range(11, 17))]


@given(names, names, st.integers(0, 9))
def test_positions_correspond_one_to_one_and_in_order(name: str, other: str, n_after: int):
    """Whatever the names, pairs go up on both sides, and texts before and after the names have all their positions."""
    if name == other:
        return
    comparison = compare(f"Who is {name} then?", other, (name,))
    n = len(comparison.question) + n_after
    pairs = comparison.pairs(n)
    for one, following in pairwise(pairs):
        assert one[0] < following[0]
        assert one[1] < following[1]
    outside = {p for p, _ in pairs} - set(range(comparison.begin, comparison.end))
    assert outside == set(range(n)) - set(range(comparison.begin, comparison.end))
    assert max(q for _, q in pairs) == len(comparison.other) + n_after - 1
    if len(name) == len(other):
        assert pairs == [(p, p) for p in range(n)]


@pytest.mark.parametrize(
    ("question", "other", "rule"),
    [
        (QUESTION, "Ann Bell", "other: another name in the place of 'Ann Bell' is needed; received 'Ann Bell'"),
        (QUESTION, QUESTION, f"other: another name in the place of 'Ann Bell' is needed; received '{QUESTION}'"),
        (QUESTION, "Where was  born?", "other: another name in the place of 'Ann Bell' is needed"),
        (QUESTION, "Who is Bo Carr?", "other: a question in the same words about another name is needed; received"),
        ("Who is Jo?", "Bo Carr", "since the run knows no title that 'Who is Jo?' contains; received 'Bo Carr'"),
        ("Who is Jo?", "Who is Jo?", "other: another name"),
    ],
)
def test_an_unfit_name_is_refused(question: str, other: str, rule: str):
    """The same name, no name, and a question in other words are refused in one line."""
    with pytest.raises(InputError, match=re.escape(rule)) as error:
        compare(question, other, TITLES)
    assert "\n" not in str(error.value)


def test_names_of_the_same_length_come_first():
    """Then names with words of the same lengths, then those that share no word; the question's own name is left out."""
    found = near_names(QUESTION, TITLES, 3)
    assert [comparison.other_name for comparison in found] == ["Cyn Dunn", "Ann Carr", "Bo Carr"]
    assert near_names("Who is Jo?", TITLES, 3) == []
