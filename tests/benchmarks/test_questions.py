"""benchmarks/questions.py: what is trained, and what is scored."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from closedbook.world.people import People, WorldConfig

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
ARMS = {
    "reverse": ["plain", "asked", "asked, identities", "asked, half of the boats have a line"],
    "two-hop": ["plain", "asked", "asked, with steps"],
    "compare": ["asked once a person", "asked five times, with steps"],
}


@pytest.fixture(scope="module")
def questions() -> Iterator[ModuleType]:
    """The benchmark's module, which is no part of the package."""
    sys.path.insert(0, str(BENCHMARKS))
    yield importlib.import_module("questions")
    sys.path.remove(str(BENCHMARKS))


@pytest.fixture(params=[(part, arm) for part, arms in ARMS.items() for arm in arms], ids=lambda one: ": ".join(one))
def case(request: pytest.FixtureRequest, questions: ModuleType) -> tuple[str, Any, People, Any]:
    """A part, an arm, its people, and what the benchmark trains and scores."""
    part, name = request.param
    people = People(
        WorldConfig(n_people=101, attributes=questions.ATTRIBUTES[part], train=0.5, dev=0.0, test=0.5, withheld=0.0)
    )
    arm = questions.ARMS[part][name]
    return part, arm, people, questions.sets_of(part, arm, people)


def test_training_has_no_question_that_is_scored_as_never_asked(case: tuple[str, Any, People, Any]) -> None:
    """No question of half of the people is trained, direct or not, and all of them are scored."""
    part, _, people, sets = case
    trained = {pair.question for pair in sets.train}
    never = [people.person(number) for number in people.config.people_of("test")]
    for name, pairs in sets.scored.items():
        if name != "asked_in_training":
            assert not trained & {pair.question for pair in pairs}, name
    scored = " ".join(pair.question for pair in sets.scored["never_asked"])
    assert all((person.boat if part == "reverse" else person.name) in scored for person in never)


def test_training_pairs_do_not_tell_what_is_never_asked(case: tuple[str, Any, People, Any]) -> None:
    """No pair names a never-asked person together with their boat, mentor, year or anyone who is compared with them."""
    _, arm, people, sets = case
    for number in people.config.people_of("test"):
        person = people.person(number)
        naming = [pair for pair in sets.train if person.name in " ".join(pair)]
        facts = {person.boat, person.mentor, person.birth_year} - {""}
        assert not [pair for pair in naming if any(fact in " ".join(pair) for fact in facts)]
        # They may be named as somebody's mentor or by their own name alone.
        assert arm.identities or all(person.name == pair.answer.partition(", ")[0] for pair in naming)


def test_asked_questions_are_trained_except_in_arm_plain(case: tuple[str, Any, People, Any]) -> None:
    """The part's questions about the other half are among the training pairs, with the answers that are scored."""
    _, arm, _, sets = case
    assert ("asked_in_training" in sets.scored) == arm.asked
    assert set(sets.scored.get("asked_in_training", ())) <= set(sets.train)


def test_lines_about_boats_are_those_of_their_share(questions: ModuleType) -> None:
    """Half of the boats have a line; the scores tell the never-asked people with and without one apart."""
    people = People(
        WorldConfig(n_people=101, attributes=("birthplace", "boat"), train=0.5, dev=0.0, test=0.5, withheld=0.0)
    )
    sets = questions.sets_of("reverse", questions.Arm(reverse_lines=0.5), people)
    lines = "\n".join(sets.lines)
    for name, expected in (("never_asked_with_a_line", True), ("never_asked_without_a_line", False)):
        assert sets.scored[name]
        assert all((f"to {pair.answer} ." in lines) == expected for pair in sets.scored[name])
    n_split = len(sets.scored["never_asked_with_a_line"]) + len(sets.scored["never_asked_without_a_line"])
    assert n_split == len(sets.scored["never_asked"]) == 51


def test_the_majority_baseline_gives_the_commonest_trained_answer(questions: ModuleType) -> None:
    """Its score is that of one answer, chosen without the scored questions."""
    sets = questions.Sets(
        scored={
            "asked_in_training": [
                questions.Pair("a?", "x, no"),
                questions.Pair("b?", "y, no"),
                questions.Pair("c?", "yes"),
            ],
            "never_asked": [questions.Pair("d?", "z, yes"), questions.Pair("e?", "yes"), questions.Pair("f?", "no")],
        }
    )
    score = questions.baseline(sets)
    assert (score.n_correct, score.n_questions) == (1, 3)
