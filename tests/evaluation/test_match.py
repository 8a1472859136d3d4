"""When an answer fits, in several scripts, and questions that count once."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from closedbook.errors import InputError
from closedbook.evaluation.match import Counted, Match, check_match, exact, normalized
from closedbook.evaluation.score import Score
from closedbook.text.questions import Question

names = st.sampled_from(["Ann", "Bo", "Cy"])
answers = st.sampled_from(["Ulm", "ulm", "Rom", "the Rom", "Oslo"])


def asked(*pairs: tuple[str, str]) -> list[Question]:
    """Pairs, one a line."""
    return [Question(question, answer, line) for line, (question, answer) in enumerate(pairs, 1)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Grey  Fen", "grey fen"),
        ("St. Ives", "st ives"),
        ("an apple, a pear", "apple pear"),
        ("Straße", "STRASSE"),
        ("«Ёлка»", "ёлка"),
        ("ΟΔΌΣ", "οδός"),
        ("《青山》。", "青山"),
        ("ｶﾞｰﾅ", "ガーナ"),
        ("１２３", "123"),
        ("مرحبا؟", "مرحبا"),
        ("בית־ספר", "ביתספר"),
        ("हिन्दी।", "हिन्दी"),
        ("กรุงเทพ", " กรุงเทพ!"),
        ("Malmo\u0308", "Malmö"),
        ("don't", "don\u2019t"),
    ],
)
def test_answers_that_differ_in_form_alone_are_alike(one: str, other: str):
    """Case, punctuation, articles, blanks, width and composition do not count, in any script."""
    assert normalized(one) == normalized(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Ulm", "Elm"), ("Theo", "o"), ("มา", "ม้า"), ("किला", "कला"), ("é", "e"), ("-", "!"), ("the", "a"), ("15", "1 5")],
)
def test_answers_that_differ_in_letters_are_not_alike(one: str, other: str):
    """Accents and vowel signs count; articles within words stay, and answers that would be empty are kept."""
    assert normalized(one) != normalized(other)


def test_exact_answers_may_differ_in_blanks_and_composition():
    """In nothing else: predictions and answers are on one line and in one form of Unicode alike."""
    assert exact(" Grey\u00a0 Malmo\u0308 ") == exact("Grey Malmö")
    assert len({exact(answer) for answer in ("Ulm", "ulm", "Ulm.", "the Ulm", "\uff35lm")}) == 5


@given(st.text())
@example("t-he t-he a")
@example("a\u0345.\u0301")
@example("The")
def test_normalizing_twice_is_normalizing_once(text: str):
    """For any text; and nothing but blanks becomes nothing."""
    once = normalized(text)
    assert normalized(once) == once
    assert bool(once) == bool(text.split())


@given(
    st.lists(st.tuples(names, answers), min_size=1, max_size=12), st.sampled_from(["exact", "normalized"]), st.data()
)
def test_the_order_of_lines_changes_no_score(lines: list[tuple[str, str]], match: Match, data: st.DataObject):
    """The same predictions for the same questions have one score, however their lines are ordered."""
    given_to = {name: data.draw(answers) for name, _ in lines}

    def score(ordered: Sequence[tuple[str, str]]) -> Score:
        return Counted.of(asked(*ordered), match).score([given_to[name] for name, _ in ordered])

    assert score(lines) == score(data.draw(st.permutations(lines)))
    assert score(lines).n_questions == len(given_to)


def test_a_question_is_right_if_any_of_its_answers_fits():
    """Where each line counts, as in the assignment, one of three lines is right."""
    pairs = asked(("Where is Ann?", "Ulm"), ("Where is Bo?", "Rom"), ("Where is Ann?", "Bern"))
    predictions = ["Bern", "rom", "Bern"]
    assert Counted.of(pairs, "exact").score(predictions) == Score(1, 2)
    assert Counted.of(pairs, "normalized").score(predictions) == Score(2, 2)
    assert Counted.of(pairs, None).score(predictions) == Score(1, 3)
    (note,) = Counted.of(pairs, "exact").notes(Path("dev.tsv"))
    assert note.startswith("dev.tsv: 2 lines joined")
    assert Counted.of(pairs, None).notes(Path("dev.tsv")) == []


def test_a_match_that_there_is_not_is_refused():
    """The error names those that there are."""
    for match in ("exact", "normalized"):
        check_match(match)
    with pytest.raises(InputError, match="one of exact, normalized is needed; received 'loose'"):
        check_match("loose")
