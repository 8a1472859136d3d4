"""What is said in place of an answer."""

import pytest

from closedbook.evaluation.unknown import unknown_in_words


@pytest.mark.parametrize(
    ("question", "whom"),
    [
        ("Where was Puvi Vanosk born?", "Puvi Vanosk"),
        ("Puvi Vanosk was born where?", "Puvi Vanosk"),
        ("In which place was Puvi Vanosk born?", "Puvi Vanosk"),
        ("Where was Ferenc A. Váli born?", "Ferenc A. Váli"),
        ("Tell me of Ed van der Foss.", "Ed van der Foss"),
        ("Which place does Li come from?", "Li"),
        ("where was puvi born?", "whom 'where was puvi born?' names"),
        ("", "whom '' names"),
    ],
)
def test_whom_the_question_names(question: str, whom: str):
    """The longest run of capitalized words, but not the question's first word alone."""
    assert unknown_in_words(question, "never read") == f"unknown: nothing read about {whom}"


def test_each_state_has_its_words():
    """Never read, not told and withheld."""
    question = "Where was Puvi Vanosk born?"
    assert unknown_in_words(question, "not told") == "unknown: what was read about Puvi Vanosk does not say"
    assert unknown_in_words(question, "withheld") == "unknown: not sure enough"
