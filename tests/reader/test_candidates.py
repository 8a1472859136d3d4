"""What looks like an answer is learnt from answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedbook.reader.candidates import candidates, shapes_of, tokens_of


def found(text: str, *answers: str, start: int = 0) -> list[str]:
    """The candidates of a text for such answers."""
    tokens = tokens_of(text)
    return [tokens.piece(span) for span in candidates(tokens, start, shapes_of(answers))]


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
    """A span is a candidate where its words and marks are of the kinds that an answer's are."""
    assert found(text, answer) == expected


def test_candidates_begin_behind_the_title():
    """What begins before the given character is none."""
    assert found("Ada Byron. Nord", "Rom", start=11) == ["Nord"]


def test_shapes_are_counted():
    """How many answers have a shape tells a slip from a kind; an answer of blanks has no shape."""
    assert shapes_of(["Rom", "Oslo", "St. Ives", " "]) == {"A": 2, "A. A": 1}


@given(st.text(min_size=1), st.text(max_size=60), st.text(max_size=60))
def test_an_answer_between_blanks_is_a_candidate(answer: str, before: str, behind: str):
    """Whatever an answer is, where it stands between blanks it is found, if it has words or marks at all."""
    answer = answer.strip()
    if tokens_of(answer).words:
        assert answer in found(f"{before} {answer} {behind}", answer)
