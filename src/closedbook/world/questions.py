"""Other questions on a world: about each attribute, in reverse, over two people, and comparing two people.

`write_world` asks for birthplaces alone; benchmarks/questions.py asks these. An answer may have its steps written out,
"step, step, answer"; `last_step` is then the answer itself.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from closedbook.world.draws import Draws, below
from closedbook.world.language import QUESTION
from closedbook.world.people import Attribute, People, Person, Split

QUESTIONS: Mapping[Attribute, str] = {
    "birthplace": QUESTION,
    "birth_year": "When was {name} born?",
    "mentor": "Who was the mentor of {name}?",
    "boat": "Which boat did {name} own?",
}
"""The question about each of these attributes."""

_STEP = ", "
"""The line of the alphabet has these characters, so that every corpus can spell them."""


class Pair(NamedTuple):
    """A question and its true answer."""

    question: str
    answer: str


def about(person: Person, attribute: Attribute) -> Pair:
    """The question about an attribute of a person, one of QUESTIONS."""
    return Pair(QUESTIONS[attribute].format(name=person.name), getattr(person, attribute))


def reverse(person: Person) -> Pair:
    """Who owned a person's boat, which nobody else owned."""
    return Pair(f"Who owned {person.boat}?", person.name)


def reverse_line(person: Person) -> str:
    """A document about a person's boat, which states its owner."""
    return f"{person.boat}. {person.boat} belonged to {person.name} ."


def identity(name: str) -> Pair:
    """The name of a person or a boat, given that name: it states no fact."""
    return Pair(f"What is the name of {name}?", name)


def two_hops(people: People, person: Person, *, with_steps: bool = False) -> Pair:
    """Where a person's mentor was born; with steps: the mentor, and then the place."""
    mentor = people.mentor(person)
    steps = [mentor.name] if with_steps else []
    return Pair(f"Where was the mentor of {person.name} born?", _STEP.join([*steps, mentor.birthplace]))


def comparison(one: Person, other: Person, *, with_steps: bool = False) -> Pair:
    """Whether one of two people was born before the other; with steps: both years, and then yes or no."""
    steps = [one.birth_year, other.birth_year] if with_steps else []
    answer = "yes" if int(one.birth_year) < int(other.birth_year) else "no"
    return Pair(f"Was {one.name} born before {other.name}?", _STEP.join([*steps, answer]))


def comparisons(people: People, split: Split, n: int, *, with_steps: bool = False) -> Iterator[Pair]:
    """`n` distinct comparisons of two people of a split, born in different years; every other one is answered yes.

    The first of the two is each person in turn. `n` must be small against the number of pairs of people.
    """
    draws = Draws(people.config.seed, f"comparisons of {split}")
    numbers = people.config.people_of(split)
    made: set[str] = set()
    draw = 0
    while len(made) < n:
        one = people.person(numbers[len(made) % len(numbers)])
        other = people.person(numbers[below(draws(draw), len(numbers))])
        draw += 1
        if one.birth_year == other.birth_year:
            continue
        if (one.birth_year < other.birth_year) == bool(len(made) % 2):
            one, other = other, one
        pair = comparison(one, other, with_steps=with_steps)
        if pair.question not in made:
            made.add(pair.question)
            yield pair


def last_step(answer: str) -> str:
    """The answer without the steps before it."""
    return answer.rpartition(_STEP)[2]
