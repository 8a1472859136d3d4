from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedbook.text.questions import Question, Questions
from closedbook.text.spelling import Spelling, spelled
from closedbook.text.vocabulary import Vocabulary


def open_vocabulary(text: str, *titles: str) -> Vocabulary:
    """The characters of a text, and others as unknown."""
    return Vocabulary.of_text(text).with_characters().with_titles(titles)


@pytest.mark.parametrize(
    ("known", "typed", "read"),
    [
        ("What is it's?", "What\xa0is it’s？", "What is it's?"),
        ("Who’s it？", "Who's it?", "Who’s it？"),
        ("Malmo", "Malmö", "Malmo"),
        ("Malmö", "Malmo\u0308", "Malmö"),
        ("Malmo\u0308", "Malmö", "Malmo\u0308"),
        ("Ann Bell", "An\u200bn\u00ad Bell", "Ann Bell"),
        ("abc 123", "ａｂｃ\u3000１２３", "abc 123"),
        ("أين؟", "أين?", "أين؟"),
        ("什麼？", "什麼?", "什麼？"),
        ("wait...", "wait…", "wait..."),
        ("ann", "ANN", "ann"),
        ("a - b", "a — b", "a - b"),
    ],
)
def test_an_unknown_character_is_read_as_the_nearest_known_one(known: str, typed: str, read: str):
    """Quotes, dashes, width, blanks, invisible characters, accents and case; whichever of two forms is known."""
    assert Spelling(open_vocabulary(known)).of(typed) == read


def test_what_is_known_stays_as_it_is():
    """A run that knows both quotes leaves both."""
    assert Spelling(open_vocabulary("'’")).of("’'") == "’'"


def test_a_title_gets_its_own_spelling():
    """In another case, or with other signs, it is read as it stands in the corpus."""
    spelling = Spelling(open_vocabulary("Where is Ann O'Neil nowaeil?’", "Ann O'Neil"))
    assert spelling.of("where is ann o’neil?") == "where is Ann O'Neil?"


def test_a_question_in_other_words_is_asked_in_the_nearest_wording():
    """One line says how it was read; nothing changes where that is not wanted, or the question names no title."""
    vocabulary = open_vocabulary("Which colour is Kelrus? What the of", "Kelrus")
    vocabulary = replace(vocabulary, wordings=(("Which colour is ", "?"),))
    typed = "What is the colour of Kelrus?"
    spelling = Spelling(vocabulary)
    assert spelling.of(typed) == "Which colour is Kelrus?"
    assert spelling.note(typed, spelling.of(typed)) == "read as 'Which colour is Kelrus?'"
    assert Spelling(vocabulary, is_reworded=False).of(typed) == typed
    assert spelling.of("What is the colour of Kel?") == "What is the colour of Kel?"


@given(st.text(), st.text())
def test_any_text_can_be_read(known: str, typed: str):
    """Whatever its characters, it is encoded, in as many tokens as it has characters then."""
    vocabulary = open_vocabulary(known)
    read = Spelling(vocabulary).of(typed)
    assert len(vocabulary.encode(read)) == len(read)
    assert Spelling(vocabulary).of(read) == read


def test_another_form_of_the_same_letters_needs_no_word():
    """Decomposed accents are read as their letters, which nobody sees."""
    spelling = Spelling(open_vocabulary("Malmö?"))
    asked = Questions(None, (Question("Malmo\u0308?", None, 1),))
    assert spelled(asked, spelling) == (Questions(None, (Question("Malmö?", None, 1),)), [])


def test_one_line_says_what_was_read_otherwise():
    """The first line at fault, and how many more; nothing where all is as it was typed."""
    spelling = Spelling(open_vocabulary("abc?"))
    items = [Question(text, None, line) for line, text in enumerate(["abc?", "äbc?", "☃?", "ca？"], 1)]
    read, notes = spelled(Questions(None, tuple(items)), spelling)
    assert [item.text for item in read.items] == ["abc?", "abc?", "☃?", "ca?"]
    assert notes == ["line 2: read as 'abc?', and 2 more lines are spelled otherwise"]
    assert spelled(Questions(None, tuple(items[:1])), spelling)[1] == []
    assert spelling.note("☃?", "☃?") == "'☃' (SNOWMAN): not in the run's vocabulary"
