from collections import Counter
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closedbook.world.people import Attribute, People, Person, WorldConfig
from closedbook.world.questions import (
    QUESTIONS,
    about,
    comparison,
    comparisons,
    identity,
    last_step,
    reverse,
    reverse_line,
    two_hops,
)
from closedbook.world.world import generate_world

WITH_BOATS = WorldConfig(n_people=101, documents=2, attributes=("birthplace", "boat", "mentor"), seed=3)


@cache
def people_of(config: WorldConfig) -> tuple[Person, ...]:
    """All people of a world."""
    return tuple(People(config))


@settings(max_examples=3)
@given(st.integers(0, 2**64))
def test_nobody_has_anothers_boat(seed: int) -> None:
    """Boats are distinct up to the last of a million people, and no word of them begins as another name does."""
    people = People(replace(WITH_BOATS, n_people=1_000_000, seed=seed))
    some = [people.person(number) for number in range(0, 1_000_000, 19_997)]
    assert len({person.boat for person in some}) == len(some)
    others = {word[0] for person in some for word in (person.first_name, person.last_name, person.birthplace)}
    assert not others & {word[0] for person in some for word in person.boat.split()}


def test_a_boat_is_a_function_of_seed_and_number() -> None:
    """The number of people and of places changes no boat, and another seed makes other boats."""
    boats = [person.boat for person in people_of(WITH_BOATS)]
    more = people_of(replace(WITH_BOATS, n_people=300, n_places=900))
    assert [person.boat for person in more[:101]] == boats
    assert not set(boats) & {person.boat for person in people_of(replace(WITH_BOATS, seed=4))}


def test_boats_are_off_by_default_and_change_nothing_else() -> None:
    """Without the attribute nobody has a boat; with it people are the same otherwise."""
    default = WorldConfig(n_people=101, seed=3)
    assert "boat" not in default.attributes
    for one, other in zip(people_of(default), people_of(WITH_BOATS), strict=True):
        assert one.boat == ""
        assert one == replace(other, boat="")


def test_a_boat_is_stated_by_its_owners_lines_alone() -> None:
    """A line with a boat is its owner's, and a line about a boat names the boat as its title, then the owner."""
    owner = {person.boat: person.name for person in people_of(WITH_BOATS)}
    stated = [
        (fact.value, line.person) for line in generate_world(WITH_BOATS) for fact in line.facts if fact.value in owner
    ]
    assert len({boat for boat, _ in stated}) > 40
    assert all(person is not None and owner[boat] == person.name for boat, person in stated)
    person = people_of(WITH_BOATS)[0]
    assert reverse_line(person) == f"{person.boat}. {person.boat} belonged to {person.name} ."


def test_a_mentor_has_a_birthplace_that_an_own_line_states() -> None:
    """The second hop's answer is the birthplace in the mentor's own lines."""
    people = People(WITH_BOATS)
    stated = {
        (line.person.name, fact.value)
        for line in generate_world(WITH_BOATS)
        for fact in line.facts
        if line.person is not None and fact.attribute == "birthplace"
    }
    for person in people:
        mentor = people.mentor(person)
        assert mentor.name == person.mentor != person.name
        pair = two_hops(people, person)
        assert pair == (f"Where was the mentor of {person.name} born?", mentor.birthplace)
        assert (mentor.name, pair.answer) in stated
        steps = two_hops(people, person, with_steps=True)
        assert steps == (pair.question, f"{mentor.name}, {mentor.birthplace}")
        assert last_step(steps.answer) == last_step(pair.answer) == pair.answer


@pytest.mark.parametrize("attribute", QUESTIONS)
def test_a_direct_question_has_the_true_answer(attribute: Attribute) -> None:
    """It names the person, and its answer is the person's attribute."""
    person = people_of(WITH_BOATS)[7]
    question, answer = about(person, attribute)
    assert person.name in question
    assert answer == getattr(person, attribute)


def test_a_reverse_question_has_one_answer() -> None:
    """Each boat is asked about in one question, whose answer is the owner; an identity repeats the name asked for."""
    people = people_of(WITH_BOATS)
    assert len({reverse(person).question for person in people}) == len(people)
    assert all(reverse(person) == (f"Who owned {person.boat}?", person.name) for person in people)
    assert identity("Mira Tosk") == ("What is the name of Mira Tosk?", "Mira Tosk")


def test_comparisons_are_true_balanced_and_distinct() -> None:
    """They compare two people of the split with different years; half are answered yes, everyone is asked about."""
    people = People(WorldConfig(n_people=211, train=0.3, seed=5))
    year = {person.name: int(person.birth_year) for person in people}
    split = {person.name: person.split for person in people}
    pairs = list(comparisons(people, "train", 400))
    assert len({question for question, _ in pairs}) == 400
    assert Counter(answer for _, answer in pairs) == {"yes": 200, "no": 200}
    asked: Counter[str] = Counter()
    for question, answer in pairs:
        one, other = question.removeprefix("Was ").removesuffix("?").split(" born before ")
        assert split[one] == split[other] == "train"
        assert year[one] != year[other]
        assert answer == ("yes" if year[one] < year[other] else "no")
        asked.update([one, other])
    assert len(asked) == 63
    assert min(asked.values()) >= 400 // 63


def test_a_comparison_with_steps_has_both_years() -> None:
    """The years stand in the order of the question, and then the answer."""
    one, other = people_of(WITH_BOATS)[:2]
    expected = "yes" if int(one.birth_year) < int(other.birth_year) else "no"
    pair = comparison(one, other, with_steps=True)
    assert pair.answer == f"{one.birth_year}, {other.birth_year}, {expected}"
    assert last_step(pair.answer) == comparison(one, other).answer == expected
