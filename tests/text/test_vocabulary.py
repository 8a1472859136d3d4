import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedbook.text.vocabulary import MASK, MASK_ID, PAD, PAD_ID, Vocabulary


def test_specials_come_first_and_the_text_sorted_behind_them():
    """PAD is 0, MASK is 1, and the characters of the text follow in their order, each once."""
    vocabulary = Vocabulary.of_text("banana\nB é")
    assert vocabulary.characters == ("□", "⁇", "\n", " ", "B", "a", "b", "n", "é")
    assert vocabulary.stoi[PAD] == PAD_ID == 0
    assert vocabulary.stoi[MASK] == MASK_ID == 1
    assert vocabulary.itos[5] == "a"
    assert len(vocabulary) == 9


def test_specials_in_the_text_stay_where_they_are():
    """A text that holds PAD and MASK gets no second ones."""
    assert Vocabulary.of_text(f"x{MASK}y{PAD}").characters == (PAD, MASK, "x", "y")


def test_encode_gives_the_numbers():
    """Each character becomes its place in the vocabulary."""
    assert Vocabulary.of_text("cab").encode(f"abba{MASK}c{PAD}") == [2, 3, 3, 2, 1, 4, 0]


@given(st.text(), st.data())
def test_decode_undoes_encode(text: str, data: st.DataObject):
    """Any string over the vocabulary comes back from its numbers."""
    vocabulary = Vocabulary.of_text(text)
    string = data.draw(st.text(st.sampled_from(vocabulary.characters)))
    assert vocabulary.decode(vocabulary.encode(string)) == string
    assert vocabulary.unknown(string) == []


def test_unknown_characters_come_in_order_of_appearance_each_once():
    """What the vocabulary lacks is listed as a reader meets it."""
    assert Vocabulary.of_text("abc").unknown("zabyzcx") == ["z", "y", "x"]


def test_an_unknown_character_is_not_encoded():
    """Nothing stands in for a character that is not known."""
    with pytest.raises(KeyError, match="z"):
        Vocabulary.of_text("abc").encode("az")


@pytest.mark.parametrize(
    ("characters", "rule"),
    [
        (("a", "b"), "begins with PAD"),
        ((MASK, PAD, "a"), "begins with PAD"),
        ((PAD, MASK, "a", "a"), "each once"),
        ((PAD, MASK, "ab"), "single characters"),
        ((PAD, MASK, ""), "single characters"),
    ],
)
def test_another_form_is_refused(characters: tuple[str, ...], rule: str):
    """A vocabulary without its specials in front, with doubles, or with more than characters is none."""
    with pytest.raises(ValueError, match=rule):
        Vocabulary(characters)


def test_words_are_runs_of_letters_digits_and_what_joins_them():
    """Each once, sorted by their characters; apostrophes and hyphens are of the word, full stops and blanks are not."""
    vocabulary = Vocabulary.of_text("").with_words("Évreux, O'Neill-Łódź (2nd) a\nb. Évreux d’Arc x_y 北京?")
    assert vocabulary.words == ("2nd", "O'Neill-Łódź", "a", "b", "d’Arc", "x_y", "Évreux", "北京")


def test_words_change_no_character():
    """A vocabulary with words encodes as it did without; of its own it has none."""
    plain = Vocabulary.of_text("Ada Byron.")
    worded = plain.with_words("Ada Byron.")
    assert plain.words == ()
    assert (worded.characters, worded.words) == (plain.characters, ("Ada", "Byron"))
    assert worded.encode("yard") == plain.encode("yard")


def test_which_characters_words_are_made_of():
    """PAD, MASK, line feed, blank and full stop are of no word."""
    vocabulary = Vocabulary.of_text("\n .'-3É’_")
    in_word = dict(zip(vocabulary.characters, vocabulary.in_word(), strict=True))
    assert [character for character, is_in in in_word.items() if not is_in] == [PAD, MASK, "\n", " ", "."]


@given(st.text())
def test_words_hold_every_character_of_a_word_and_no_other(text: str):
    """The words' characters are those of the text that words are made of."""
    vocabulary = Vocabulary.of_text(text).with_words(text)
    of_words = {c for c, is_in in zip(vocabulary.characters, vocabulary.in_word(), strict=True) if is_in}
    assert set("".join(vocabulary.words)) == of_words & set(text)
    assert list(vocabulary.words) == sorted(set(vocabulary.words))
    assert all(vocabulary.words)
