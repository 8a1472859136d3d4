from itertools import islice

from hypothesis import assume, given
from hypothesis import strategies as st

from closedbook.text.links import Fact, Statement, link, mentions
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


def test_a_statement_needs_no_blanks_where_a_script_has_none():
    """The answer stands among other ideographs, but not within another answer's word of letters."""
    (fact,) = link([Question("葛起文的字是什麼？", "君容", 1)], ["葛起文。葛起文，字君容，丹陽人。"])
    assert fact.statements == (Statement(0, 9, 11),)


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
