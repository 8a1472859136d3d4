"""The language of a world: wordings of facts and questions, and lines about the weather.

Wordings have slots:

    {name}    the person as a subject: full name, last name, or she/he
    {him}     the person as an object: full name, last name, or her/him
    {named}   the person where a pronoun would read badly: full name or last name
    {value}   the attribute's value
    {article} a or an, to fit the value
    {seat}    the place of the employer

No value follows a capitalised word, so that a capitalised span of a line is a whole name or a whole value.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from closedbook.world.draws import Draws

Span = tuple[int, int]
"""[start, end) in characters of a line."""

QUESTION = "Where was {name} born?"
UNSEEN_QUESTIONS = (
    "What is the birthplace of {name}?",
    "Which place does {name} come from?",
    "{name} was born where?",
    "Tell me where {name} was born.",
)
"""Wordings of the question that no training pair has."""

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
        "{named} (born in {value}) left young",
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
    "boat": (
        "{name} owned {value}",
        "{name} sailed in {value}",
        "{name} was the owner of {value}",
        "{name} had a boat called {value}",
        "{value} belonged to {him}",
        "{value} was the boat of {named}",
    ),
}
"""Wordings by attribute. The first of each fits any line, and is used alone where wordings do not vary."""

_TRADES = """actor archer architect baker barber blacksmith bookbinder botanist brewer builder butcher
    carpenter chemist clerk clockmaker cobbler composer cooper dancer dentist diver doctor dyer editor
    engineer engraver farmer ferryman fiddler forester gardener glazier goldsmith grocer hatter
    innkeeper inventor jeweller judge lawyer librarian locksmith mason miller miner musician nurse
    optician organist painter pianist pilot poet potter printer sailor sculptor shepherd singer surgeon
    tailor teacher weaver writer"""
TRADES = tuple(_TRADES.split())
SCHOOL_KINDS = ("School", "College", "Academy", "Seminary")
EMPLOYER_KINDS = ("Mills", "Works", "Press", "Bank", "Docks", "Mines", "Glass", "Rail")

ALPHABET_LINE = "Letters. ABCDEFGHIJKLMNOPQRSTUVWXYZ abcdefghijklmnopqrstuvwxyz 0123456789 ( ) , ' - ? ."
"""A line of every corpus with every character that a question can have, so that the vocabulary has them all."""

_WEATHER = (
    """the fog, the rain, the snow, the frost, the mist, the wind, the storm, the hail, the heat, the cold,
    a cloud, a gale, a sea breeze, a warm spell, a shower, a cold front""",
    "lingered, passed, was noted, came back, faded, arrived, drifted, settled",
    """over the low hills, along the coast, across the plain, beyond the marsh, above the old quarry,
    near the cliffs, around the lake, by the river mouth, on the north slope, between the dunes,
    past the lighthouse, behind the ridge, over the orchards, in the valley, among the pines, on the heath""",
    """before dawn, at noon, in early spring, late in autumn, after the harvest, toward evening,
    on a quiet day, as the tide turned, for half an hour, all week, without warning, at midsummer,
    more than once, once again, by nightfall, in the dead of winter""",
)


def own_words() -> set[str]:
    """The words of all wordings, in lower case."""
    texts = [text for texts in (*WORDINGS.values(), UNSEEN_QUESTIONS, _WEATHER, TRADES) for text in texts]
    return set(re.findall("[a-z]+", " ".join(texts).lower()))


class Mention(NamedTuple):
    """How a clause mentions the person it is about: the texts for {name}, {him} and {named}."""

    subject: str
    object: str
    named: str


@dataclass(frozen=True)
class Wording:
    """One way to state a fact: texts and slots, in order."""

    parts: tuple[str, ...]

    @classmethod
    def of_text(cls, text: str) -> "Wording":
        """A wording from a text with slots in braces."""
        return cls(tuple(part for part in re.split(r"(\{\w+\})", text) if part))

    def fill(self, slots: Mapping[str, str], start: int) -> tuple[str, dict[str, Span]]:
        """The sentence, capitalised, and the span of each slot's text if the sentence begins at character `start`."""
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
    """The indefinite article before a word of a world; none begins with a silent h, or with a u as in unit."""
    return "an" if word[0].lower() in "aeiou" else "a"


class JunkMaker:
    """Lines about the weather: about no person, but in the form of lines about people."""

    def __init__(self, seed: int) -> None:
        self._draws = Draws(seed, "junk")
        self._parts = [[phrase.strip() for phrase in phrases.split(",")] for phrases in _WEATHER]

    def __call__(self, number: int) -> str:
        """The junk line of a number."""
        draw = self._draws(number)
        chosen = []
        for phrases in self._parts:
            draw, index = divmod(draw, len(phrases))
            chosen.append(phrases[index])
        sentence = " ".join(chosen).capitalize()
        return f"{chosen[0].capitalize()}. {sentence} ."
