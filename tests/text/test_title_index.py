import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from closedbook.text.title_index import Named, TitleIndex, title_in, titles_of

DOCUMENTS = [
    "Ann Bell. Ann Bell was born in Ulm .",
    "a line without a title",
    "Ann Bell. She died in Bern, far from Ulm .",
    "J. R. Bell. He is from Ulmia .",
    "Rob London. Rob London left London for Rom .",
    "Ann. Rom made her .",
    "The Owls. A band .",
    "copper wire. It is red .",
    "may. A month .",
    "O'Neil. A town .",
    "C++. A language .",
    "C. C is another .",
    "WALL-E. A film .",
    "Yahoo!. A firm .",
]
TITLES = titles_of(DOCUMENTS)


def test_titles_have_the_documents_that_begin_with_them():
    """The full stop of an initial does not end a title, and a line without a full stop has no title."""
    titles = titles_of(DOCUMENTS[:6])
    assert titles == {"Ann Bell": [0, 2], "J. R. Bell": [3], "Rob London": [4], "Ann": [5]}


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("Where was Ann Bell born?", "Ann Bell"),
        ("Where was Ann born?", "Ann"),
        ("Where was J. R. Bell born?", "J. R. Bell"),
        ("Ann Bell", "Ann Bell"),
        ("Ann Bell's home?", "Ann Bell"),
        ("Where was Anna Bell born?", ""),
        ("Where was Joann born?", ""),
        ("Is 'Rob London' a place?", "Rob London"),
        ("Is C++ old?", "C++"),
        ("Is C old?", "C"),
        ("Who made WALL-E?", "WALL-E"),
        ("Where is Yahoo!?", "Yahoo!"),
    ],
)
def test_a_question_asks_about_the_longest_title_in_it(question: str, title: str):
    """Only whole words count, and the longest of several titles, whatever sign it ends in."""
    assert title_in(question, TITLES) == title


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("Copper wire is of which colour?", Named(0, 11, "copper wire")),
        ("Where do the Owls play?", Named(9, 17, "The Owls")),
        ("where was ann bell born?", Named(10, 18, "Ann Bell")),
        ("Where is O’Neil?", Named(9, 15, "O'Neil")),
        ("Who made WALL\u2011E?", Named(9, 15, "WALL-E")),
        ("Where was Ann\xa0Bell born?", Named(10, 18, "Ann Bell")),
        ("Where was\u3000Ａｎｎ born?", Named(10, 13, "Ann")),
        ("May is when?", Named(0, 3, "may")),
        ("MAY I ASK?", None),
    ],
)
def test_a_title_may_be_spelled_a_little_otherwise(question: str, named: Named | None):
    """Other quotes, dashes, blanks, width and case do, where no title is spelled as it is."""
    assert TITLES.named_in(question) == named


def test_a_title_as_it_is_spelled_comes_first():
    """What is spelled otherwise is not looked for where a title is found."""
    assert title_in("Where does Ann like copper Wire?", TITLES) == "Ann"


def test_a_text_can_be_given_the_titles_own_spelling():
    """It stands in place of the other one."""
    question = "Copper Wire's colour?"
    named = TITLES.named_in(question)
    assert named is not None
    assert named.as_titled(question) == "copper wire's colour?"


@pytest.mark.parametrize(
    ("document", "question", "title"),
    [
        ("葛起文。字君容。", "請問葛起文的字是什麼？", "葛起文"),
        ("ケルル。ケルルは赤い。", "ケルルは何色ですか。", "ケルル"),
        ("เคลลัส: เกิดที่ไหน", "เคลลัสเกิดที่ไหน", "เคลลัส"),
        ("रमेश। वह दिल्ली में है।", "रमेश का जन्म कहाँ हुआ?", "रमेश"),
        ("Анна Белл. Она .", "Где родилась Анна Белл?", "Анна Белл"),
        ("Ελένη. Ζει .", "Πού γεννήθηκε η Ελένη;", "Ελένη"),
        ("ليلى. ولدت .", "أين ولدت ليلى؟", "ليلى"),
        ("דוד. נולד .", "היכן נולד דוד?", "דוד"),
        ("서울. 도시 .", "서울은 어디에 있습니까?", "서울"),
    ],
)
def test_titles_are_found_in_other_scripts(document: str, question: str, title: str):
    """Without blanks around them where a script has none."""
    assert title_in(question, titles_of([document])) == title


words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=12)


@given(st.lists(words, min_size=1, max_size=8), words, words, st.data())
def test_every_title_is_found_between_blanks(titles: list[str], before: str, after: str, data: st.DataObject):
    """Whatever its characters, a title in a text is found, unless a longer one is."""
    title = data.draw(st.sampled_from(titles))
    named = TitleIndex(titles).named_in(f"{before} {title} {after}")
    assert named is not None
    assert len(named.title) >= len(title)


@given(st.lists(words, max_size=8), st.text(max_size=30))
def test_what_is_found_is_what_a_search_for_each_title_finds(titles: list[str], text: str):
    """The longest exact one, the first among equals."""
    named = TitleIndex(titles).named_in(text)
    assume(named is None or named.title == text[named.start : named.end])
    spans = [(i, i + len(t)) for t in titles for i in range(len(text)) if text.startswith(t, i)]
    whole = [(i, j) for i, j in spans if TitleIndex([text[i:j]]).named_in(text) is not None]
    longest = max((j - i for i, j in whole), default=0)
    assert (0 if named is None else named.end - named.start) == longest


def test_ten_thousand_titles_are_found_in_a_long_text_within_moments():
    """The time is that of reading the text, not of trying each title."""
    index = TitleIndex(f"Anna{i} Bell{i}" for i in range(10_000))
    text = "Where was Anna Bell born? " * 400 + "Anna77 Bell77"
    index.named_in("")
    begin = time.process_time()
    assert title_in(text, index) == "Anna77 Bell77"
    assert time.process_time() - begin < 5
