"""What templates have in common, and where the words of a question stand."""

import numpy as np

from closedbook.reader.alternatives import TextCounts, alternatives_of
from closedbook.reader.spans import candidates, whole
from closedbook.reader.titled import Titled
from closedbook.reader.tokens import Lexicon, tokenize
from closedbook.reader.wordings import N_DISTANCES, QuestionWords, parts_of
from closedbook.text.templates import Template


def test_parts_are_common_by_word_and_own():
    """By hand: 'capital' in two of three, 'what' and 'is' in another two as one part; one pair gives no own part."""
    templates = [
        Template("What is the capital of ", "?"),
        Template("Name the capital of ", "!"),
        Template("What is ", "?"),
    ]
    parts, n = parts_of(templates, [5, 5, 1])
    assert n == 5
    common = set(parts[0]) & set(parts[1]) & set(parts[2])
    assert common == {0}
    capital = (set(parts[0]) & set(parts[1])) - common
    what_is = (set(parts[0]) & set(parts[2])) - common
    assert len(capital) == len(what_is) == 1
    assert set(parts[2]) == common | what_is
    assert len(set(parts[0]) - common - capital - what_is) == 1


def test_a_single_template_has_the_common_part_alone():
    """There is nothing to share."""
    parts, n = parts_of([Template("Where was ", " born?")], [100])
    assert ([part.tolist() for part in parts], n) == ([[0]], 1)


def test_distances_to_the_words_of_the_question_by_hand():
    """Of the nearest on each side, by the first letters of words; none where it is far, or of another document."""
    lexicon = Lexicon()
    text = "Iron. It melts at 1811 K and boils at 3134 K"
    titled = Titled([text, "Tin. It boils"], {"Iron": [0], "Tin": [1]}, lexicon)
    words = QuestionWords([Template("What is the melting point of ", "?"), Template("Is ", "?")], lexicon)
    entries = titled.take(np.array([0, 1]))
    shapes = whole(tokenize(["2000"], lexicon)).shapes
    alternatives = alternatives_of(entries, candidates(entries.tokens, shapes, 1), TextCounts())
    assert alternatives.starts.tolist() == [0, 3, 4]  # two numbers and 'none', then 'none'
    found = words.distances(0, alternatives, np.arange(4))
    assert found.shape == (4, N_DISTANCES)
    assert [np.flatnonzero(row).tolist() for row in found] == [[1], [3], [], []]  # 2, and 7, tokens after 'melts'
    assert not words.distances(1, alternatives, np.arange(4)).any()
