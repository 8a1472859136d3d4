import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedbook.text.words import begins_at, ends_at, uses_blanks, whole_words


def stands_in(text: str, word: str) -> bool:
    """Whether a text has a word as a whole one."""
    return re.search(whole_words(word), text) is not None


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Where was Ann born?", "Ann"),
        ("Ann's home", "Ann"),
        ("Is C++ fun?", "C++"),
        ("Yahoo!'s home", "Yahoo!"),
        ("葛起文的字是什麼？", "葛起文"),
        ("請問葛起文是哪裏人？", "葛起文"),
        ("ケルルは何色ですか。", "ケルル"),
        ("RKBラジオの読みは？", "RKB"),
        ("เคลลัสเกิดที่ไหน", "เคลลัส"),
        ("서울은 어디에 있습니까?", "서울"),
        ("रमेश का जन्म कहाँ हुआ?", "रमेश"),
        ("Где родилась Анна?", "Анна"),
        ("Πού γεννήθηκε η Ελένη;", "Ελένη"),
        ("أين ولدت ليلى؟", "ليلى"),
        ("היכן נולד דוד?", "דוד"),
    ],
)
def test_a_whole_word_is_found_in_any_script(text: str, word: str):
    """Blanks are needed only where a script has them; punctuation and possessives may follow directly."""
    assert stands_in(text, word)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Where was Anna born?", "Ann"),
        ("Joann", "ann"),
        ("Café", "Caf"),
        ("Cafe\u0301", "Cafe"),
        ("दिल्ली", "दिल"),
        ("कीमत", "मत"),
        ("ที่", "ท"),
        ("동서울은", "서울"),
        ("Аннапурна", "Анна"),
    ],
)
def test_a_part_of_a_word_is_none(text: str, word: str):
    """Not before a letter or a vowel sign that goes on with the word, nor after one that began it."""
    assert not stands_in(text, word)


@given(st.text(max_size=12), st.data())
def test_edges_and_pattern_agree(text: str, data: st.DataObject):
    """A span between two edges is what the pattern finds there, whatever the characters."""
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    if start == end:
        return
    match = re.compile(whole_words(text[start:end])).match(text, start)
    assert (match is not None) == (begins_at(text, start) and ends_at(text, end))


@pytest.mark.parametrize(
    ("text", "uses"), [("Ann", True), ("葛起文", False), ("ケルル", False), ("서울", True), ("--", False)]
)
def test_which_scripts_use_blanks(text: str, uses: bool):
    """Chinese and Japanese do not, Korean does."""
    assert uses_blanks(text) is uses
