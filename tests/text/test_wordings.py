"""Which trained wording a question in other words is nearest to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedbook.text.questions import Question
from closedbook.text.templates import Template
from closedbook.text.title_index import titles_of
from closedbook.text.wordings import Wordings, wordings_of

PLANTS = ("Which colour is {}?", "Where does {} grow?", "How tall is {}?")
COUNTRIES = ("What is the capital of {}?", "Which part of the world is {} in?", "What is the area of {}?")
POETS = ("{}的籍貫是哪裏？", "{}的字是什麼？")
COLOURS = ("Какого цвета {}?", "Где растёт {}?")


def template(question: str) -> Template:
    """The parts around {}."""
    before, _, after = question.partition("{}")
    return Template(before, after)


@pytest.mark.parametrize(
    ("trained", "asked", "expected"),
    [
        (PLANTS, "What is the colour of {}?", "Which colour is {}?"),
        (PLANTS, "What color does {} have?", "Which colour is {}?"),
        (PLANTS, "How high is {}?", "How tall is {}?"),
        (("Where was {} born?",), "Tell me where {} was born.", "Where was {} born?"),
        (COUNTRIES, "What is {}'s capital?", "What is the capital of {}?"),
        (POETS, "{}字什麼？", "{}的字是什麼？"),
        (COLOURS, "Какой цвет у {}?", "Какого цвета {}?"),
    ],
)
def test_the_nearest_has_the_words_that_matter(trained: tuple[str, ...], asked: str, expected: str):
    """Long words and those that few wordings have, by their first letters; in any script."""
    assert Wordings([template(one) for one in trained]).nearest(template(asked)) == template(expected)


@pytest.mark.parametrize(
    ("trained", "asked"),
    [
        (PLANTS, "Is {} used for tea?"),
        (COUNTRIES, "What is the population of {}?"),
        (("Where was {} born?",), "When did {} die?"),
        (COLOURS, "Сколько стоит {}?"),
        (POETS, "{}何處人？"),
        ((), "Where was {} born?"),
        (PLANTS, "{}"),
    ],
)
def test_another_question_stays_as_it_is(trained: tuple[str, ...], asked: str):
    """Where no trained wording has enough in common."""
    assert Wordings([template(one) for one in trained]).nearest(template(asked)) == template(asked)


@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), max_size=4), st.text(), st.text())
def test_any_question_has_a_nearest(trained: list[tuple[str, str]], before: str, after: str):
    """It is one of the trained ones, or itself, and then it stays."""
    wordings = Wordings([Template(*parts) for parts in trained])
    nearest = wordings.nearest(Template(before, after))
    assert nearest in [Template(before, after), *(Template(*parts) for parts in trained)]
    assert wordings.nearest(nearest) == nearest


def test_wordings_are_kept_the_commonest_first():
    """By how many titles are asked about in them; a question without a title has none."""
    titles = titles_of(["Ada. x", "Bo. y"])
    asked = ("Who is Ada?", "Where is Ada?", "Where is Bo?", "Where is Cy?")
    pairs = [Question(text, "x", line) for line, text in enumerate(asked, 1)]
    assert wordings_of(pairs, titles) == (("Where is ", "?"), ("Who is ", "?"))
