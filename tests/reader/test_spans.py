"""Candidates: the spans that have the shape of an answer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedbook.reader.spans import candidates, whole
from closedbook.reader.tokens import Lexicon, tokenize


def found(text: str, *answers: str, n_title: int = 0) -> list[str]:
    """The candidates of a text for the shapes of some answers."""
    lexicon = Lexicon()
    given_answers = tokenize(answers, lexicon)
    longest = int(np.diff(given_answers.begins).max(initial=0))
    tokens = tokenize([text], lexicon, [n_title])
    spans = candidates(tokens, whole(given_answers).shapes, longest)
    return [text[tokens.starts[i] : tokens.ends[j]] for i, j in zip(spans.first, spans.last, strict=True)]


@pytest.mark.parametrize(
    ("answer", "text", "expected"),
    [
        ("Rom", "She left Ünye for New York-Süd.", ["She", "Ünye", "New", "York", "Süd"]),
        ("St. Ives", "From St. Gallen to Mt. Doom, St Paul.", ["St. Gallen", "Mt. Doom"]),
        ("New York", "The Old Town, Big Sur", ["The Old", "Old Town", "Big Sur"]),
        ("Rio de Janeiro", "Ada of Nord saw Eva", ["Ada of Nord", "Nord saw Eva"]),
        ("Oslo, D.C.", "in Nord, E.F. and Nord, East", ["Nord, E.F."]),
        ("1815", "on 3 May 1920, 17 of 12345", ["1920"]),
        ("baker", "Ada was a smith", ["was", "a", "smith"]),
        ("O'Neill", "d'Or, L'Aquila", ["L'Aquila"]),
        ("X-1", "the T-2", ["T-2"]),
        ("不妄", "字不妄，人", ["字不", "不妄"]),
    ],
)
def test_candidates_have_the_shape_of_an_answer(answer: str, text: str, expected: list[str]):
    """A span is a candidate if its tokens have the classes of a known answer's tokens, in order."""
    assert found(text, answer) == expected


def test_candidates_begin_after_the_title():
    """A span that begins within it is not a candidate."""
    assert found("Ada Byron. Nord", "Rom", n_title=10) == ["Nord"]


def test_candidates_stay_within_a_document():
    """The last word of one document and the first of the next are no span."""
    lexicon = Lexicon()
    shapes = whole(tokenize(["New York"], lexicon)).shapes
    spans = candidates(tokenize(["a Big", "Sur", "", "Old Town"], lexicon), shapes, 2)
    assert spans.first.tolist() == [3]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=6))
def test_equal_texts_have_equal_keys(texts: list[str]):
    """Of the whole text, from its first token to its last, and no others."""
    tokens = tokenize(texts, Lexicon())
    keys = whole(tokens).texts
    ends = zip(tokens.begins[:-1], tokens.begins[1:], strict=True)
    spans = [
        text[tokens.starts[i] : tokens.ends[j - 1]] if i < j else "" for text, (i, j) in zip(texts, ends, strict=True)
    ]
    assert len(set(keys.tolist())) == len(set(spans))


@given(st.text(min_size=1), st.text(max_size=60), st.text(max_size=60))
def test_an_answer_between_spaces_is_a_candidate(answer: str, before: str, after: str):
    """Any answer that has a token is found where it stands between spaces."""
    answer = answer.strip()
    lexicon = Lexicon()
    if len(tokenize([answer], lexicon).words):
        assert answer in found(f"{before} {answer} {after}", answer)
