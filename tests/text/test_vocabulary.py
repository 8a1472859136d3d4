import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedbook.errors import InputError
from closedbook.text.vocabulary import MASK, MASK_ID, PAD, PAD_ID, UNKNOWN_CHARACTER, Vocabulary


def test_special_characters_come_first_then_those_of_the_text_sorted():
    """PAD is 0, MASK is 1, and the distinct characters of the text follow in sorted order."""
    vocabulary = Vocabulary.of_text("banana\nB é")
    assert vocabulary.characters == (PAD, MASK, "\n", " ", "B", "a", "b", "n", "é")
    assert vocabulary.stoi[PAD] == PAD_ID == 0
    assert vocabulary.stoi[MASK] == MASK_ID == 1
    assert vocabulary.itos[5] == "a"
    assert len(vocabulary) == 9


def test_special_characters_in_the_text_are_not_repeated():
    """A text with PAD and MASK has each once in its vocabulary, in front."""
    assert Vocabulary.of_text(f"x{MASK}y{PAD}").characters == (PAD, MASK, "x", "y")


def test_encode_gives_token_ids():
    """A character's id is its index in the vocabulary."""
    assert Vocabulary.of_text("cab").encode(f"abba{MASK}c{PAD}") == [2, 3, 3, 2, 1, 4, 0]


@given(st.text(), st.data())
def test_decode_undoes_encode(text: str, data: st.DataObject):
    """Any string over the vocabulary is decoded from its token ids."""
    vocabulary = Vocabulary.of_text(text)
    string = data.draw(st.text(st.sampled_from(vocabulary.characters)))
    assert vocabulary.decode(vocabulary.encode(string)) == string
    assert vocabulary.unknown(string) == []


def test_unknown_characters_are_listed_once_in_order_of_appearance():
    """A repeated unknown character is listed where it first appears."""
    assert Vocabulary.of_text("abc").unknown("zabyzcx") == ["z", "y", "x"]


def test_an_unknown_character_is_not_encoded():
    """An unknown character is named in an error, not replaced by another."""
    with pytest.raises(InputError, match=r"'z': not in the vocabulary"):
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
def test_characters_in_another_form_are_refused(characters: tuple[str, ...], rule: str):
    """PAD and MASK must come first, no character may repeat, and each item must be one character."""
    with pytest.raises(ValueError, match=rule):
        Vocabulary(characters)


def test_words_are_runs_of_letters_digits_apostrophes_and_hyphens():
    """Words are distinct and sorted; full stops and spaces separate them."""
    vocabulary = Vocabulary.of_text("").with_words("Évreux, O'Neill-Łódź (2nd) a\nb. Évreux d’Arc x_y 北京?")
    assert vocabulary.words == ("2nd", "O'Neill-Łódź", "a", "b", "d’Arc", "x_y", "Évreux", "京", "北")


def test_words_change_no_token_id():
    """A vocabulary has no words at first, and encodes the same with words as without."""
    plain = Vocabulary.of_text("Ada Byron.")
    with_words = plain.with_words("Ada Byron.")
    assert plain.words == ()
    assert (with_words.characters, with_words.words) == (plain.characters, ("Ada", "Byron"))
    assert with_words.encode("yard") == plain.encode("yard")


def test_some_characters_are_in_no_word():
    """PAD, MASK, line feed, space and full stop are in no word."""
    vocabulary = Vocabulary.of_text("\n .'-3É’_")
    in_word = dict(zip(vocabulary.characters, vocabulary.in_word(), strict=True))
    assert [character for character, is_in in in_word.items() if not is_in] == [PAD, MASK, "\n", " ", "."]


@given(st.text())
def test_words_have_all_word_characters_of_the_text_and_no_others(text: str):
    """The characters in words are the characters of the text for which in_word is true."""
    vocabulary = Vocabulary.of_text(text).with_words(text)
    word_characters = {c for c, is_in in zip(vocabulary.characters, vocabulary.in_word(), strict=True) if is_in}
    assert set("".join(vocabulary.words)) == word_characters & set(text)
    assert list(vocabulary.words) == sorted(set(vocabulary.words))
    assert all(vocabulary.words)


def test_abstentions_are_the_last_characters_and_no_text_spells_them():
    """They are noncharacters of Unicode; the other ids stay."""
    plain = Vocabulary.of_text("abc")
    vocabulary = plain.with_abstentions()
    assert vocabulary.abstains
    assert not plain.abstains
    assert vocabulary.characters[:-5] == plain.characters
    assert [unicodedata.category(character) for character in vocabulary.characters[-5:]] == ["Cn"] * 5
    assert not any(vocabulary.in_word()[-5:])


def test_characters_of_scripts_without_blanks_are_words_by_themselves():
    """Ideographs, kana and Thai letters with their marks are; letters of other scripts and punctuation are not."""
    vocabulary = Vocabulary.of_text("葛起、RKB ラジ。เคลลั रमे").with_words("葛起、RKBラジ。เคลลั रमे")
    alone = {c for c, is_alone in zip(vocabulary.characters, vocabulary.alone(), strict=True) if is_alone}
    assert alone == set("葛起ラジเคลลั")
    assert set("葛起ラジเคลลั") | {"RKB"} <= set(vocabulary.words)
    in_word = {c for c, is_in in zip(vocabulary.characters, vocabulary.in_word(), strict=True) if is_in}
    assert alone <= in_word
    assert not in_word & set("、。 ")


def test_a_run_made_before_that_keeps_its_words():
    """Where words of several such characters were saved, none is a word by itself."""
    vocabulary = replace(Vocabulary.of_text("北京"), words=("北京",))
    assert not any(vocabulary.alone())


def test_an_open_vocabulary_knows_other_characters_as_unknown():
    """They have one token id, and the pairs' characters have their own."""
    vocabulary = Vocabulary.of_text("ab").with_characters("b?", "c")
    assert vocabulary.characters == (PAD, MASK, "?", "a", "b", "c", UNKNOWN_CHARACTER)
    assert vocabulary.is_open
    assert vocabulary.encode("a☃?☺") == [3, 6, 2, 6]
    assert not Vocabulary.of_text("ab").is_open
    with pytest.raises(InputError):
        Vocabulary.of_text("ab").encode("☃")


def test_a_saved_vocabulary_is_the_same():
    """Also where the text has the assignment's PAD and MASK as characters of its own."""
    vocabulary = Vocabulary.of_text("a□⁇").with_words("a").with_titles(["a"]).with_characters().with_abstentions()
    assert Vocabulary.of_saved(vocabulary.saved(), vocabulary.words, vocabulary.titles) == vocabulary
    with pytest.raises(ValueError, match="begins with"):
        Vocabulary.of_saved("ab", (), ())
