"""Invented words of seeded syllables: names of people, schools, employers, towns and boats."""

import re
from collections.abc import Iterator

from closedbook.world.draws import Draws

FIRST_NAME_LENGTH, LAST_NAME_LENGTH, PLACE_LENGTH = 6, 7, 9
"""Length of the longest word of each kind, chosen so that two clauses fit a line."""

# Repeated items are drawn more often, as in real names.
_VOWELS = "a e i o u"
_ONSETS = "b d f g h j k l l m m n n p r r s s t t v v z br dr gr kl pl st tr"
_MEDIALS = "b d d g k l l m m n n p r r s t t v v z ld lm ln lt lv mb nd nk nt rd rk rl rm rn rt rv sk st"
_FIRST_ENDINGS = "a a a e i i o o an en el in is on or us"
_LAST_ENDINGS = "ak ald an and ane ar ard ask ec ek ell en ent er esh ett ik in ing ir olt on or osk ov un und"
_BOAT_ONSETS = "c c ch cl cr w w wh y y"
_CODAS = "b d g k l ll m n n nd r r rk rl rm rn s s sk st t v v"
_PLACE_ENDINGS = """a ava ea eno era ika ima ino ira ona ora oss una uva croft dune fell gard heim holt
    mere mond moor stead tarn vale wold vik"""

_HARD_TO_SAY = re.compile(r"([^aeiou])(?!\1)(?=.).*\1|[^aeiou]{4}|([^aeiou])\2[^aeiou]")
"""A repeated consonant that is not doubled, four consonants in a row, or a doubled one before another."""

_RUDE = """anal anus arse bitch butt cock coon cunt damn dick dild dumb dyke fag fart fuck fuk gay gook
    hell hitl homo jew jizz kike kill kurv lesb merd mong muslim nazi neg nig paki pedo penis pimp piss
    poo porn pub puss puta puto rape satan scum sex shit slag slav slut sod spas spic suck tard tit turd
    twat vagin wank whor wog"""
"""No invented word contains one of these."""
_REAL = """adria bali bari bergen berlin bogota bolivia bosnia brasov burma corona dakar delhi denver
    dora dover dresden dubai dublin elena estonia franco galicia geneva granada havana holland iberia
    india kenia kenya kobe lapland lenin lima lisbon london madeira madrid malaga mali manila marina
    milan moldova monaco montana moscow munich narvik nevada opera osaka oslo ostend parma persia perth
    peru pisa porto prague putin riga roma rome russia salamanca samara sana serbia seville siberia
    siena slavonia sofia stalin styria syria tokyo toledo torino tula turin venice verona vienna warsaw
    zagreb"""
"""No invented word is one of these, which chance could produce; others may still be real words."""


class WordMaker:
    """Invented words, capitalised: all distinct, none a prefix of another, none of the `taken` words.

    Since none is a prefix of another, searching a text for a name never finds a longer name.
    """

    def __init__(self, seed: int, taken: set[str], purpose: str = "words") -> None:
        self._draws = Draws(seed, purpose)
        self._n_drawn = 0
        self._words = {*taken, *_REAL.split()}
        self._prefixes: set[str] = set()
        self._rude = re.compile("|".join(_RUDE.split()))

    def first_names(self, n: int) -> list[str]:
        """First names; some begin with a vowel."""
        return self._words_of(n, FIRST_NAME_LENGTH, ["", *_ONSETS.split()], _MEDIALS, _FIRST_ENDINGS)

    def last_names(self, n: int) -> list[str]:
        """Last names, which also name schools and employers."""
        return self._words_of(n, LAST_NAME_LENGTH, _ONSETS.split(), _MEDIALS, _LAST_ENDINGS)

    def places(self, n: int) -> list[str]:
        """Names of towns."""
        return self._words_of(n, PLACE_LENGTH, ["", *_ONSETS.split()], _CODAS, _PLACE_ENDINGS)

    def boats(self, n: int) -> list[str]:
        """Words for boats; they begin with letters with which no word of another kind begins."""
        return self._words_of(n, LAST_NAME_LENGTH, _BOAT_ONSETS.split(), _MEDIALS, _LAST_ENDINGS)

    def _words_of(self, n: int, longest: int, onsets: list[str], middles: str, endings: str) -> list[str]:
        made: list[str] = []
        for word in self._candidates((onsets, _VOWELS.split(), middles.split(), endings.split())):
            if len(made) == n:
                break
            if len(word) > longest or _HARD_TO_SAY.search(word) or self._rude.search(word):
                continue
            prefixes = {word[:end] for end in range(3, len(word) + 1)}
            if word not in self._prefixes and self._words.isdisjoint(prefixes):
                self._words.add(word)
                self._prefixes |= prefixes
                made.append(word.capitalize())
        return made

    def _candidates(self, syllables: tuple[list[str], ...]) -> Iterator[str]:
        """Endless words, each of one item from every list of syllables."""
        while True:
            draw = self._draws(self._n_drawn)
            word = ""
            for parts in syllables:
                draw, index = divmod(draw, len(parts))
                word += parts[index]
            yield word
            self._n_drawn += 1
