"""An answer as a terminal shows it."""

import pytest

from closedbook.api.answer import Answer
from closedbook.commands.shown_answer import lines_of
from closedbook.evaluation.alternatives import Alternative
from closedbook.evaluation.unknown import State, Withheld

QUESTION = "Where was Ada Byron born?"
OTHERS = [Alternative("London", 0.95), Alternative("Rome", 0.034), Alternative("Ulm", 0.0007), Alternative("Bath", 0.0)]


def shown(
    state: State | Withheld = "known", probability: float = 0.9, width: int = 80, text: str = "London"
) -> list[str]:
    """The lines of an answer with four alternatives, the answer itself among them."""
    return list(lines_of(Answer(QUESTION, text, probability, True, state, True), OTHERS, width))


def test_an_answer_has_its_probability_its_state_and_two_alternatives():
    """The probability is a number and a bar of twenty columns; alternatives have the model's own probabilities."""
    assert shown() == ["London  ██████████████████░░ 90%", "  known; next: Rome 3%, Ulm 0.07%"]
    assert shown(probability=0.004)[0] == "London  ░░░░░░░░░░░░░░░░░░░░ under 1%"


def test_an_alternative_that_is_next_to_impossible_is_so_shown():
    """Its probability is a bound."""
    answer = Answer(QUESTION, "Rome", 0.9, True, "known", True)
    assert list(lines_of(answer, [OTHERS[3]], 80))[1] == "  known; next: Bath under 0.01%"


def test_what_is_unknown_has_no_probability_of_being_right():
    """What the model would guess is named as guesses, with the model's first among them."""
    assert shown("never read") == [
        "unknown: nothing read about Ada Byron",
        "  never read; its guesses: London 95%, Rome 3%",
    ]
    assert shown("not told")[1] == "  not told; its guesses: London 95%, Rome 3%"


def test_a_withheld_answer_shows_how_sure_it_is():
    """It is known, and not surely enough."""
    assert shown("withheld", 0.5) == [
        "unknown: not sure enough  ██████████░░░░░░░░░░ 50%",
        "  withheld; its guesses: London 95%, Rome 3%",
    ]


@pytest.mark.parametrize("width", [40, 41, 47, 60, 200])
@pytest.mark.parametrize("text", ["Ulm", "Llanfair Pwllgwyngyll in Wales, U."])
def test_an_answer_fits_a_terminal(width: int, text: str):
    """Where the bar has too few columns beside a long answer it has a line of its own; no line is too wide."""
    lines = shown(width=width, text=text)
    assert max(map(len, lines)) <= width
    assert "".join(lines).count("90%") == 1
    assert sum(character in "█░" for character in "".join(lines)) >= 5
