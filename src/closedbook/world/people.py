"""The people of a world, each a pure function of the configuration and the person's number."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, get_args

from closedbook.errors import RecipeError
from closedbook.recipe.recipe import check_seed
from closedbook.world.draws import Draws, Permutation, below
from closedbook.world.language import EMPLOYER_KINDS, SCHOOL_KINDS, TRADES, Mention, own_words
from closedbook.world.words import WordMaker

Attribute = Literal["birthplace", "birth_year", "trade", "school", "employer", "mentor", "boat"]
Split = Literal["train", "dev", "test", "unasked", "withheld"]
Offset = Literal["any", "early", "late", "either"]

_N_FIRST_NAMES, _N_LAST_NAMES = 512, 2048
_N_SCHOOLS = _N_EMPLOYERS = 128
_N_BOAT_WORDS = 1024
_YEARS = tuple(str(year) for year in range(1850, 1950))


@dataclass(frozen=True)
class WorldConfig:
    """A world of invented people; each option changes one thing and no random draw for another.

    Raises RecipeError where a value is out of range or two contradict each other.
    """

    n_people: int = 1000
    """Number of people, from 100 to 1,000,000."""
    n_places: int = 256
    """Number of birthplaces to draw from, from 2 to 4096."""
    documents: int = 4
    """Lines per person; each states the birthplace."""
    varied: bool = True
    """Whether a person's lines differ in wording and order; false: one wording per attribute."""
    full_name: bool = True
    """Whether the clause with the birthplace repeats the full name; false: last name, she or he."""
    pronoun: bool = False
    """With full_name false: whether it is she or he in every wording that allows a pronoun."""
    offset: Offset = "any"
    """early, late: the birthplace before, after another fact; either: one of the two per line; any: also alone."""
    zipf: bool = False
    """Whether values follow Zipf's law, the n-th n times rarer than the first; false: uniform."""
    celebrities: float = 0.0
    """Share of people with more lines than the others."""
    celebrity_factor: int = 8
    """How many times as many lines a celebrity has as others."""
    junk: float = 0.0
    """Share of lines that are about no person."""
    attributes: tuple[Attribute, ...] = ("birthplace", "birth_year", "trade", "school", "employer", "mentor")
    """What the lines state about people; must include birthplace, which the questions ask for; boat is possible too."""
    train: float = 0.5
    """Share of people in the training pairs."""
    dev: float = 0.1
    """Share of people in the pairs that choose between models."""
    test: float = 0.3
    """Share of people in the test pairs."""
    withheld: float = 0.1
    """Share of people whom no line mentions: a model cannot know them."""
    seed: int = 0
    """Seed of all random draws."""

    def __post_init__(self) -> None:
        check_seed(self.seed)
        whole = {"n_people": (100, 1_000_000), "n_places": (2, 4096), "documents": (1, 1000)}
        for name, (least, most) in (whole | {"celebrity_factor": (2, 1000)}).items():
            if not least <= getattr(self, name) <= most:
                raise RecipeError(f"{name}: from {least} to {most} is needed; received {getattr(self, name)}")
        for name in ("celebrities", "train", "dev", "test", "withheld"):
            if not 0 <= getattr(self, name) <= 1:
                raise RecipeError(f"{name}: a share from 0 to 1 is needed; received {getattr(self, name)}")
        if not 0 <= self.junk <= 0.99:
            raise RecipeError(f"junk: a share from 0 to 0.99 is needed; received {self.junk}")
        self._check_attributes()
        if self._asked_and_withheld > 1 + 1e-9:
            raise RecipeError(
                "train, dev, test, withheld: shares that add up to 1 at most are needed; "
                f"received {self.train} + {self.dev} + {self.test} + {self.withheld}"
            )
        if len(self.people_of("train")) < 2:
            raise RecipeError(
                f"train: a share of 2 people at least is needed; received {self.train} of {self.n_people}"
            )

    def _check_attributes(self) -> None:
        known = get_args(Attribute)
        received = ", ".join(self.attributes) or "none"
        if not set(self.attributes) <= set(known) or len(set(self.attributes)) < len(self.attributes):
            raise RecipeError(f"attributes: some of {', '.join(known)}, each once, are needed; received {received}")
        if "birthplace" not in self.attributes:
            raise RecipeError(f"attributes: birthplace must be among them; received {received}")
        if self.offset not in get_args(Offset):
            raise RecipeError(f"offset: any, early, late or either is needed; received {self.offset}")
        if self.full_name and self.pronoun:
            raise RecipeError("pronoun: full_name false is needed with it; received true for both")
        if self.offset != "any" and len(self.attributes) == 1:
            raise RecipeError(
                f"attributes: offset {self.offset} needs another one, for the birthplace to stand before or after it; "
                f"received {received}"
            )

    @property
    def _asked_and_withheld(self) -> float:
        return self.train + self.dev + self.test + self.withheld

    @property
    def n_known(self) -> int:
        """Number of people whom the corpus mentions: all but the withheld. They have the first numbers."""
        return self.n_people - round(self.n_people * self.withheld)

    def people_of(self, split: Split) -> range:
        """The numbers of a split's people. Numbers are given to people at random, so a range is a random sample."""
        ends = [0]
        for share in (self.train, self.train + self.dev, self.train + self.dev + self.test):
            ends.append(min(round(self.n_people * share), self.n_known))
        if self._asked_and_withheld > 1 - 1e-9:  # rounding must not leave anyone unasked
            ends[-1] = self.n_known
        ends += [self.n_known, self.n_people]
        index = get_args(Split).index(split)
        return range(ends[index], ends[index + 1])


@dataclass(frozen=True, slots=True)
class Person:
    """An invented person and all facts about them."""

    number: int
    split: Split
    first_name: str
    last_name: str
    birthplace: str
    birth_year: str
    trade: str
    school: str
    employer: str
    seat: str
    """The place of the employer, the same for all its employees."""
    mentor: str
    """The full name of another person, who is not withheld."""
    boat: str
    """Two words; no two people have the same boat. '' in a world whose attributes have no boat."""

    @property
    def name(self) -> str:
        """The full name; no two people share it."""
        return f"{self.first_name} {self.last_name}"

    @property
    def full_mention(self) -> Mention:
        """A mention by the full name."""
        return Mention(self.name, self.name, self.name)

    @property
    def last_name_mention(self) -> Mention:
        """A mention by the last name."""
        return Mention(self.last_name, self.last_name, self.last_name)

    @property
    def pronoun_mention(self) -> Mention:
        """A mention as she or he, which the last letter of the first name decides."""
        if self.first_name[-1] in "aei":
            return Mention("she", "her", self.last_name)
        return Mention("he", "him", self.last_name)


class People:
    """The people of a world, made one by one: memory does not grow with their number."""

    def __init__(self, config: WorldConfig) -> None:
        self.config = config
        words = WordMaker(config.seed, taken=own_words())
        self._first_names = words.first_names(_N_FIRST_NAMES)
        self._last_names = words.last_names(_N_LAST_NAMES)
        self._schools = _with_kinds(words.last_names(_N_SCHOOLS), SCHOOL_KINDS)
        self._employers = _with_kinds(words.last_names(_N_EMPLOYERS), EMPLOYER_KINDS)
        self._splits: tuple[Split, ...] = get_args(Split)
        self._split_ends = [config.people_of(split).stop for split in self._splits]
        self._places = words.places(config.n_places)
        self._has_boats = "boat" in config.attributes
        if self._has_boats:
            # A maker of their own, so that boats do not depend on the number of places.
            boat_words = WordMaker(config.seed, taken=own_words(), purpose="boats").boats(2 * _N_BOAT_WORDS)
            self._boat_words = boat_words[:_N_BOAT_WORDS], boat_words[_N_BOAT_WORDS:]
            self._boat_numbers = Permutation(_N_BOAT_WORDS**2, Draws(config.seed, "boat"))
        n_names = _N_FIRST_NAMES * _N_LAST_NAMES
        self._name_numbers = Permutation(n_names, Draws(config.seed, "names"))
        longest = max(config.n_places, len(_YEARS), len(TRADES), _N_SCHOOLS, _N_EMPLOYERS)
        # Zipf's weights 1/1, 1/2, 1/3, ... as integers, so that rounding is the same on every machine.
        self._zipf = list(accumulate(2**64 // rank for rank in range(1, longest + 1)))
        seats = Draws(config.seed, "seats")
        self._seats = [self._places[below(seats(i), config.n_places)] for i in range(_N_EMPLOYERS)]
        self._birthplace_draws = Draws(config.seed, "birthplace")
        self._year_draws = Draws(config.seed, "birth_year")
        self._trade_draws = Draws(config.seed, "trade")
        self._school_draws = Draws(config.seed, "school")
        self._employer_draws = Draws(config.seed, "employer")
        self._mentor_draws = Draws(config.seed, "mentor")
        # All worlds have the same years and trades, but each has its own order of them for Zipf's law.
        self._years = _shuffled(_YEARS, Draws(config.seed, "order of years"))
        self._trades = _shuffled(TRADES, Draws(config.seed, "order of trades"))

    def __len__(self) -> int:
        return self.config.n_people

    def __iter__(self) -> Iterator[Person]:
        return map(self.person, range(len(self)))

    def person(self, number: int) -> Person:
        """The person with a number, from 0."""
        first_name, last_name = self._name(number)
        employer = self._choose(self._employer_draws(number), _N_EMPLOYERS)
        return Person(
            number=number,
            split=self._splits[bisect_right(self._split_ends, number)],
            first_name=first_name,
            last_name=last_name,
            birthplace=self._places[self._choose(self._birthplace_draws(number), self.config.n_places)],
            birth_year=self._years[self._choose(self._year_draws(number), len(_YEARS))],
            trade=self._trades[self._choose(self._trade_draws(number), len(TRADES))],
            school=self._schools[self._choose(self._school_draws(number), _N_SCHOOLS)],
            employer=self._employers[employer],
            seat=self._seats[employer],
            mentor=" ".join(self._name(self._mentor_of(number))),
            boat=self._boat(number),
        )

    def mentor(self, person: Person) -> Person:
        """A person's mentor."""
        return self.person(self._mentor_of(person.number))

    def _name(self, number: int) -> tuple[str, str]:
        first, last = divmod(self._name_numbers(number), _N_LAST_NAMES)
        return self._first_names[first], self._last_names[last]

    def _boat(self, number: int) -> str:
        if not self._has_boats:
            return ""
        first, second = divmod(self._boat_numbers(number), _N_BOAT_WORDS)
        return f"{self._boat_words[0][first]} {self._boat_words[1][second]}"

    def _mentor_of(self, number: int) -> int:
        """The number of another person whom the corpus mentions."""
        n_known = self.config.n_known
        if number >= n_known:
            return below(self._mentor_draws(number), n_known)
        mentor = below(self._mentor_draws(number), n_known - 1)
        return mentor + (mentor >= number)

    def _choose(self, draw: int, n: int) -> int:
        """A rank below `n`, uniform or by Zipf's law."""
        if self.config.zipf:
            return bisect_right(self._zipf, below(draw, self._zipf[n - 1]), 0, n)
        return below(draw, n)


def _with_kinds(names: list[str], kinds: tuple[str, ...]) -> list[str]:
    return [f"{name} {kinds[i % len(kinds)]}" for i, name in enumerate(names)]


def _shuffled(values: tuple[str, ...], draws: Draws) -> list[str]:
    order = Permutation(len(values), draws)
    return [values[order(i)] for i in range(len(values))]
