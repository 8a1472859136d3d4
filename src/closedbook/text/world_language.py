"""What a world is told in: invented words of seeded syllables, wordings of facts and questions, junk.

Wordings have slots:

    {name}    who it is about, as a subject: full name, last name, or she/he
    {him}     the same as an object: full name, last name, or her/him
    {named}   the same where a pronoun would read badly: full name or last name
    {value}   the attribute's value        {article}  a/an, by the value
    {seat}    the place of the employer

No value follows a capitalised word, so that a capitalised span of a line is a whole name or a whole value.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from closedbook.text.world_draws import Draws

Span = tuple[int, int]
"""Where something starts in a line and where it ends, in characters, the end not included."""

FIRST_NAME_LENGTH, LAST_NAME_LENGTH, PLACE_LENGTH = 6, 7, 9
"""The longest words of each kind, so that two clauses fit a line."""

QUESTION = "Where was {name} born?"
UNSEEN_QUESTIONS = (
    "What is the birthplace of {name}?",
    "Which place does {name} come from?",
    "{name} was born where?",
    "Tell me where {name} was born.",
)
"""Wordings that no training pair has."""

WORDINGS: Mapping[str, tuple[str, ...]] = {
    "birthplace": (
        "{name} was born in {value}",
        "{name} comes from {value}",
        "{name} hails from {value}",
        "{name} is a native of {value}",
        "{name} began life in {value}",
        "{name} was a child of {value}",
        "{name} is {article} {value} native",
        "{name} first drew breath in {value}",
        "{name} (born in {value}) left young",
        "The birthplace of {named} is {value}",
        "{value} is where {name} was born",
        "{value} is where {name} comes from",
        "{value} saw the birth of {named}",
        "{value} gave {him} to the world",
        "{value} is the birthplace of {named}",
        "Born in {value}, {name} left young",
        "Natives of {value} include {him}",
        "The town of {value} bore {him}",
    ),
    "birth_year": (
        "{name} was born in the year {value}",
        "{name} has lived since {value}",
        "{name} came into the world in {value}",
        "{name} was a baby in {value}",
        "The year when {name} was born was {value}",
        "{value} is the year {name} was born",
    ),
    "trade": (
        "{name} worked as {article} {value}",
        "{name} became {article} {value}",
        "{name} was {article} {value} by trade",
        "{name} earned a living as {article} {value}",
        "{name} was known as {article} {value}",
        "{article} {value} by trade, {name} worked hard",
    ),
    "school": (
        "{name} went to {value}",
        "{name} studied at {value}",
        "{name} attended {value}",
        "{name} is a graduate of {value}",
        "{value} is where {name} studied",
        "{value} was the school of {named}",
    ),
    "employer": (
        "{name} worked for {value}",
        "{name} was employed by {value}",
        "{name} worked for {value} of {seat}",
        "{name} had a post at {value} in {seat}",
        "{value} employed {him}",
        "{value} of {seat} hired {him}",
    ),
    "mentor": (
        "{name} learnt from {value}",
        "{name} studied under {value}",
        "{name} was a pupil of {value}",
        "{name} had {value} as a mentor",
        "{value} taught {him}",
        "{value} was the mentor of {named}",
    ),
}
"""The first of each attribute is the one of a world whose wordings do not vary; it is short enough for any line."""

TRADES = tuple(
    """actor archer architect baker barber blacksmith bookbinder botanist brewer builder butcher carpenter chemist
    clerk clockmaker cobbler composer cooper dancer dentist diver doctor dyer editor engineer engraver farmer
    ferryman fiddler forester gardener glazier goldsmith grocer hatter innkeeper inventor jeweller judge lawyer
    librarian locksmith mason miller miner musician nurse optician organist painter pianist pilot poet potter
    printer sailor sculptor shepherd singer surgeon tailor teacher weaver writer""".split()
)
SCHOOL_KINDS = ("School", "College", "Academy", "Seminary")
EMPLOYER_KINDS = ("Mills", "Works", "Press", "Bank", "Docks", "Mines", "Glass", "Rail")

ALPHABET_LINE = (
    "Letters. ABCDEFGHIJKLMNOPQRSTUVWXYZ abcdefghijklmnopqrstuvwxyz 0123456789 ( ) , ' - ? ."
)
"""One line of every corpus: every character that a question can have, so that all are in the vocabulary."""

_JUNK = (
    """The fog|The rain|The snow|The frost|The mist|The wind|The storm|The hail|The heat|The cold|A cloud|A gale
    |A sea breeze|A warm spell|A shower|A cold front""",
    "lingered|passed|was noted|came back|faded|arrived|drifted|settled",
    """over the low hills|along the coast|across the plain|beyond the marsh|above the old quarry|near the cliffs
    |around the lake|by the river mouth|on the north slope|between the dunes|past the lighthouse|behind the ridge
    |over the orchards|in the valley|among the pines|upon the heath""",
    """before dawn|at noon|in early spring|late in autumn|after the harvest|toward evening|on a quiet day
    |as the tide turned|for half an hour|all week|without warning|at midsummer|more than once|once again
    |by nightfall|in the dead of winter""",
)

_VOWELS = "aeiou"
# Letters that stand more than once are drawn more often, as in real names.
_ONSETS = "b d f g h j k l l m m n n p r r s s t t v v z br dr gr kl pl st tr".split()
_MEDIALS = "b d d g k l l m m n n p r r s t t v v z ld lm ln lt lv mb nd nk nt rd rk rl rm rn rt rv sk st".split()
_FIRST_ENDINGS = "a a a e i i o o an en el in is on or us".split()
_LAST_ENDINGS = "ak ald an and ane ar ard ask ec ek ell en ent er esh ett ik in ing ir olt on or osk ov un und".split()
_CODAS = "b d g k l ll m n n nd r r rk rl rm rn s s sk st t v v".split()
_PLACE_ENDINGS = (
    "a ava ea eno era ika ima ino ira ona ora oss una uva croft dune fell gard heim holt mere mond moor stead tarn "
    "vale wold vik"
).split()
_HARD_TO_SAY = re.compile(r"([^aeiou])(?!\1)(?=.).*\1|[^aeiou]{4}|([^aeiou])\2[^aeiou]")
"""A consonant that comes back, four in a row, or a doubled one before another."""

_BLOCKED = """anal anus arse bitch butt cock coon cunt damn dick dild dumb dyke fag fart fuck fuk gay gook hell hitl homo
    jew kike kill lesb mong nazi neg nig paki pedo penis pimp piss poo porn pube puss rape satan scum sex shit slag
    slav slut sod spas spic suck tard tit turd twat vagin wank whor wog""".split()
"""No invented word holds one of these."""
_REAL = frozenset(
    """bali bari berlin bergen bogota bolivia brasov burma dakar delhi denver dora dover dresden dubai dublin elena
    geneva granada havana kenia kenya kobe lima lisbon london madeira madrid malaga mali manila marina milan moldova
    montana monaco moscow munich narvik nevada osaka ostend oslo parma perth peru pisa porto prague riga roma rome
    salamanca samara sana seville siberia siena sofia syria tokyo toledo torino tula turin venice verona vienna
    warsaw zagreb adria bosnia estonia galicia iberia india persia russia serbia slavonia styria lapland holland
    corona opera lenin stalin putin franco""".split()
)
"""No invented word is one of these: what chance might well have made."""


class Mention(NamedTuple):
    """How a clause calls the person it is about."""

    subject: str
    object: str
    named: str


@dataclass(frozen=True)
class Wording:
    """One way to tell a fact."""

    parts: tuple[str, ...]
    """Texts and slots in turn."""

    @classmethod
    def of_text(cls, text: str) -> "Wording":
        """A wording from a text with slots in braces."""
        return cls(tuple(part for part in re.split(r"(\{\w+\})", text) if part))

    def tell(self, slots: Mapping[str, str], start: int) -> tuple[str, dict[str, Span]]:
        """The sentence, capitalised, and where each slot's text lies if the sentence begins at `start`."""
        texts, spans = [], {}
        end = start
        for part in self.parts:
            text = slots.get(part, part)
            if part[0] == "{":
                spans[part] = (end, end + len(text))
            texts.append(text)
            end += len(text)
        sentence = "".join(texts)
        return sentence[0].upper() + sentence[1:], spans


def article(word: str) -> str:
    """The indefinite article before a word of ours; none begins with a silent h or a u as in unit."""
    return "an" if word[0].lower() in _VOWELS else "a"


class WordMaker:
    """Invented words, capitalised; none twice, none the beginning of another, none of the wordings' own.

    That none begins another lets a name be searched for in a text without finding a longer one.
    """

    def __init__(self, seed: int) -> None:
        self._draws = Draws(seed, "words")
        self._n_drawn = 0
        own = (text for texts in (*WORDINGS.values(), UNSEEN_QUESTIONS, _JUNK) for text in texts)
        self._words = {word for text in own for word in re.findall("[a-z]+", text.lower())} | _REAL
        self._beginnings: set[str] = set()

    def first_names(self, n: int) -> list[str]:
        """Given names, with or without a consonant before the first vowel."""
        return self._words_of(n, FIRST_NAME_LENGTH, (["", *_ONSETS], _VOWELS, _MEDIALS, _FIRST_ENDINGS))

    def last_names(self, n: int) -> list[str]:
        """Family names; schools and employers bear such a name too."""
        return self._words_of(n, LAST_NAME_LENGTH, (_ONSETS, _VOWELS, _MEDIALS, _LAST_ENDINGS))

    def places(self, n: int) -> list[str]:
        """Names of towns."""
        return self._words_of(n, PLACE_LENGTH, (["", *_ONSETS], _VOWELS, _CODAS, _PLACE_ENDINGS))

    def _words_of(self, n: int, longest: int, syllables: tuple[list[str] | str, ...]) -> list[str]:
        made: list[str] = []
        while len(made) < n:
            draw = self._draws(self._n_drawn)
            self._n_drawn += 1
            word = ""
            for choices in syllables:
                draw, place = divmod(draw, len(choices))
                word += choices[place]
            if len(word) <= longest and self._is_new(word):
                self._words.add(word)
                self._beginnings.update(word[:end] for end in range(1, len(word) + 1))
                made.append(word.capitalize())
        return made

    def _is_new(self, word: str) -> bool:
        if word in self._beginnings or _HARD_TO_SAY.search(word) or any(part in word for part in _BLOCKED):
            return False
        return not any(word[:end] in self._words for end in range(3, len(word) + 1))


class JunkMaker:
    """Lines about the weather: facts about no person, in the shape of those that are."""

    def __init__(self, seed: int) -> None:
        self._draws = Draws(seed, "junk")
        self._parts = [[phrase.strip() for phrase in phrases.split("|")] for phrases in _JUNK]

    def __call__(self, number: int) -> str:
        """The junk line of that number."""
        draw = self._draws(number)
        chosen = []
        for phrases in self._parts:
            draw, place = divmod(draw, len(phrases))
            chosen.append(phrases[place])
        return f"{chosen[0]}. {' '.join(chosen)} ."
