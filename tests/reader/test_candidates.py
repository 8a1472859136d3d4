import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedbook.reader.candidates import by_length, candidates, count_shapes, tokenize


def found(text: str, *answers: str, start: int = 0) -> list[str]:
    """The candidates of a text for the shapes of some answers."""
    tokens = tokenize(text)
    return [
        tokens.text_of(span) for span in candidates(tokens, tokens.n_before(start), by_length(count_shapes(answers)))
    ]


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
    ],
)
def test_candidates_have_the_shape_of_an_answer(answer: str, text: str, expected: list[str]):
    """A span is a candidate if its tokens have the classes of a known answer's tokens, in order."""
    assert found(text, answer) == expected


def test_candidates_begin_after_the_title():
    """A span that begins before the given character is not a candidate."""
    assert found("Ada Byron. Nord", "Rom", start=11) == ["Nord"]


def test_answers_are_counted_by_shape():
    """An answer of spaces has no shape."""
    assert count_shapes(["Rom", "Oslo", "St. Ives", " "]) == {"A": 2, "A. A": 1}


@given(st.text(min_size=1), st.text(max_size=60), st.text(max_size=60))
def test_an_answer_between_spaces_is_a_candidate(answer: str, before: str, after: str):
    """Any answer that has a token is found where it stands between spaces."""
    answer = answer.strip()
    if tokenize(answer).words:
        assert answer in found(f"{before} {answer} {after}", answer)
