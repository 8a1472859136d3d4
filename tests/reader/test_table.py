"""The choices of a template: which alternatives are right, and what other titles' answers say."""

import numpy as np
import pytest

from closedbook.reader.alternatives import FeatureIndex, TextCounts, alternatives_of
from closedbook.reader.answers import read_answers
from closedbook.reader.spans import candidates
from closedbook.reader.table import Question, question_of
from closedbook.reader.titled import Titled
from closedbook.reader.tokens import Lexicon
from closedbook.reader.wordings import QuestionWords
from closedbook.text.templates import Template

DOCUMENTS = [
    "Al Ro. He met Ada in Osk .",
    "Bo Si. He met Ada in Rom .",
    "Cy Tu. He left .",
    "Al Ro. Osk honours him .",
]
TITLES = {"Al Ro": [0, 3], "Bo Si": [1], "Cy Tu": [2]}


@pytest.fixture
def question() -> Question:
    """A template's question about three titles, the last of which has no document that states its answer."""
    lexicon = Lexicon()
    entries = Titled(DOCUMENTS, TITLES, lexicon).take(np.arange(3))
    by_title = {0: ["Osk"], 1: ["Ada"], 2: ["Rom"]}
    answers = read_answers(by_title, entries, lexicon)
    spans = candidates(entries.tokens, np.unique(answers.shapes), answers.longest)
    alternatives = alternatives_of(entries, spans, TextCounts())
    words = QuestionWords([Template("Where is ", "?")], lexicon)
    return question_of(0, np.array([0]), by_title, alternatives, answers, words)


def test_a_titles_documents_give_one_choice(question: Question):
    """Each capitalised word behind the title, document by document, and 'none of them' as the last."""
    assert question.starts.tolist() == [0, 5, 9, 11]
    assert question.right.tolist() == [False, False, True, True, False, False, True, False, False, False, True]


def test_none_of_them_is_right_where_no_answer_is_a_candidate(question: Question):
    """That is so where no document states the answer."""
    assert question.stated.tolist() == [True, True, False]


def test_a_known_answer_does_not_give_itself_away(question: Question):
    """A title's real features are the same whether or not its own answer is known; those of other titles are not."""
    everyone, others = np.array([True, True, True]), np.array([True, False, True])
    of_everyone, of_others = question.real_features(everyone), question.real_features(others)
    np.testing.assert_array_equal(of_everyone[5:9], of_others[5:9])
    assert of_everyone[1, 0] == 1  # 'Ada', of Al Ro, is an answer of Bo Si
    assert of_others[1, 0] == 0
    assert of_everyone[6, 0] == 0


def test_counts_elsewhere_are_of_all_titles(question: Question):
    """A text that is an answer of one title and a candidate of two; one that nobody has; 'none of them'."""
    counts = question.text_counts(np.ones(3, bool))
    texts = np.array([question.texts[6], 12345, 0], np.uint64)
    features = counts.features(texts, 0, 0)
    assert features[0, :4].tolist() == [1, 0, 0, 0]
    assert features[0, 5] == pytest.approx(np.log(1.1 / 3))
    assert features[1].tolist() == pytest.approx([0, 0, 0, 1, 0, np.log(0.1)])
    assert not features[2].any()


def test_features_of_a_single_row_are_dropped():
    """They would teach nothing; the empty row is the last."""
    lexicon = Lexicon()
    entries = Titled(DOCUMENTS, TITLES, lexicon).take(np.arange(3))
    answers = read_answers({0: ["Osk"]}, entries, lexicon)
    spans = candidates(entries.tokens, answers.shapes, answers.longest)
    rows = alternatives_of(entries, spans, TextCounts()).features
    matrix = FeatureIndex(rows).matrix(rows)
    assert matrix.sum(0).min() >= 2
    assert matrix.shape[0] == len(rows.blocks[0]) + len(rows.blocks[1]) + len(rows.blocks[2]) + 3 + 1
    assert matrix[[-1]].sum() == 0
