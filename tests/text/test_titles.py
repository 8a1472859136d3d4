import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedbook.text.titles import title_length, title_of


@pytest.mark.parametrize(
    ("document", "title"),
    [
        ("Ada Byron. She was born in London on 10 December 1815.", "Ada Byron. "),
        ("J. R. R. Tolkien. He wrote.", "J. R. R. Tolkien. "),
        ("É. Zola. He wrote.", "É. Zola. "),
        ("Dr. No. A film.", "Dr. No. "),
        ("John St. John. He ran.", "John St. John. "),
        ("Sammy Davis Jr. Smith. He sang.", "Sammy Davis Jr. Smith. "),
        ("Vitamin BC. It is one.", "Vitamin BC. "),
        ("Malcolm X. In 1952 Malcolm X left.", "Malcolm X. "),
        ("Elsa I. Queen Elsa I, of Nord", "Elsa I. "),
        ("Ivo P. Fry. Ivo P Fry (born in Nord).", "Ivo P. Fry. "),
        ("Ivo P. de Vries. Ivo P. de Vries sang.", "Ivo P. de Vries. "),
        ("Ivo P. de Vries. Ivo P de Vries sang.", "Ivo P. de Vries. "),
        ("Xi X. Xia. He and Xi Xia sang.", "Xi X. Xia. "),
        ("M.A.D. M.A.D is a group.", "M.A.D. "),
        ("Martin Luther King Jr. Martin Luther King Jr. was born.", "Martin Luther King Jr. "),
        ("C. C is a language.", "C. "),
        ("C++. It is one.", "C++. "),
        ("Yahoo!. A firm.", "Yahoo!. "),
        ("Apple Inc.. A firm.", "Apple Inc.. "),
        ("葛起文。字君容。", "葛起文。"),
        ("王。王是國。", "王。"),
        ("高斯得．字不妄．", "高斯得．"),
        ("रमेश। वह है।", "रमेश। "),
        ("አበበ። ተወለደ።", "አበበ። "),
        ("لیلیٰ۔ پیدا ہوئی۔", "لیلیٰ۔ "),
        ("ليلى: ولدت.", "ليلى: "),
        ("Hydrogen: a chemical element. It is light.", "Hydrogen: "),
        ("梅雨：雨季。", "梅雨："),
        ("Dr. Watson\tHe is a doctor. He lives.", "Dr. Watson\t"),
        ("At 10:30 he left. He ran.", "At 10:30 he left. "),
        ("\tno name", ""),
        ("A line of " + 40 * "many " + "words. It has no name.", ""),
        ("No full stop and a space.", ""),
        ("", ""),
    ],
)
def test_a_title_ends_at_its_full_stop(document: str, title: str):
    """The first full stop before a space ends it, unless it belongs to an initial or an abbreviation in a name."""
    assert title_length(document) == len(title)


def test_a_title_is_looked_for_in_a_documents_beginning_alone():
    """A line of thousands of initials takes moments: 800 of them took seconds once."""
    begin = time.process_time()
    for _ in range(100):
        title_length("A. B. " * 4000)
    assert time.process_time() - begin < 5


@given(st.text(max_size=200))
def test_a_title_is_a_beginning_of_any_document(document: str):
    """Name and length are those of a beginning, with something in it."""
    name, length = title_of(document)
    assert document.startswith(name)
    assert len(name) <= length <= len(document)
    assert bool(name.strip()) == bool(length)
