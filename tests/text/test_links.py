from itertools import islice

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from closedbook.text.links import Fact, Statement, link, mentions, title_in, titles_of
from closedbook.text.questions import Question

DOCUMENTS = [
    "Ann Bell. Ann Bell was born in Ulm .",
    "a line without a title",
    "Ann Bell. She died in Bern, far from Ulm .",
    "J. R. Bell. He is from Ulmia .",
    "Rob London. Rob London left London for Rom .",
    "Ann. Rom made her .",
]


def linked(question: str, answer: str) -> Fact:
    """The fact of one pair among the documents."""
    (fact,) = link([Question(question, answer, 7)], DOCUMENTS)
    return fact


def test_titles_have_the_documents_that_begin_with_them():
    """The full stop of an initial does not end a title, and a line without a full stop has no title."""
    assert titles_of(DOCUMENTS) == {"Ann Bell": [0, 2], "J. R. Bell": [3], "Rob London": [4], "Ann": [5]}


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("Where was Ann Bell born?", "Ann Bell"),
        ("Where was Ann born?", "Ann"),
        ("Where was J. R. Bell born?", "J. R. Bell"),
        ("Ann Bell", "Ann Bell"),
        ("Where was Anna Bell born?", ""),
        ("Where was Joann born?", ""),
        ("Is 'Rob London' a place?", "Rob London"),
    ],
)
def test_a_question_asks_about_the_longest_title_in_it(question: str, title: str):
    """Only whole words count, and the longest of several titles."""
    assert title_in(question, titles_of(DOCUMENTS)) == title


def test_a_fact_has_a_statement_in_each_document_of_its_title():
    """Statements are spans of the document; the fact's end is the smallest of their ends."""
    fact = linked("Where was Ann Bell born?", "Ulm")
    assert fact == Fact("Where was Ann Bell born?", "Ulm", 7, "Ann Bell", (Statement(0, 31, 34), Statement(2, 37, 40)))
    assert fact.end == 34
    assert DOCUMENTS[2][37:40] == "Ulm"


def test_part_of_a_word_or_of_the_name_is_no_statement():
    """An answer must be whole words outside the title; a question without a title has no statements."""
    assert linked("Where was J. R. Bell born?", "Ulm").statements == ()
    assert linked("Where was Rob London born?", "London").statements == (Statement(4, 28, 34),)
    assert linked("Who is it?", "Ulm") == Fact("Who is it?", "Ulm", 7, "", ())
    assert linked("Who is it?", "Ulm").end is None


def test_names_and_answers_can_end_in_punctuation():
    """Where a text begins or ends with punctuation, a letter may follow or precede it."""
    (fact,) = link([Question("Who is M.I.A. (singer) now?", "'10%'", 1)], ["M.I.A. (singer). She owns'10%'of it ."])
    assert fact.statements == (Statement(0, 25, 30),)


short = st.text(st.sampled_from("aBé_ .'"), min_size=1, max_size=4)


@given(short, short, short)
def test_a_statement_is_the_first_mention_of_the_answer(title: str, answer: str, other: str):
    """It is what the pattern of mentions finds, whatever title and answer are, even if one is a part of the other."""
    document = f"{title}. {other}{title}{other} {answer}a{answer} {other} {answer}"
    (fact,) = link([Question(title, answer, 1)], [document])
    assume(fact.title == title)
    found = (match.span() for match in mentions(title, answer).finditer(document, len(title)) if match["answer"])
    assert [(one.start, one.end) for one in fact.statements] == list(islice(found, 1))
