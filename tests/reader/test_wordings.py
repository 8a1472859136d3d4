"""What templates have in common, and where the words of a question stand."""

import numpy as np

from closedbook.reader.alternatives import TextCounts, alternatives_of
from closedbook.reader.spans import candidates, whole
from closedbook.reader.titled import Titled
from closedbook.reader.tokens import Lexicon, tokenize
from closedbook.reader.wordings import N_DISTANCES, QuestionWords, parts_of
from closedbook.text.templates import Template


def test_parts_are_common_by_word_and_own():
    """By hand: 'capital' (1) in two of three, 'what' and 'is' (2, 3) in another two; one pair gives no own part."""
    parts = parts_of([{0, 1, 2, 3}, {0, 1, 4}, {0, 2, 3, 5}], [5, 5, 1])
    assert [part.tolist() for part in parts] == [[0, 1, 2, 3], [0, 1, 4], [0, 2]]


def test_a_single_template_has_the_common_part_alone():
    """There is nothing to share."""
    assert [part.tolist() for part in parts_of([{1, 2}], [100])] == [[0]]


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
