"""The lines of a world's corpus, with the facts that each states; every line can be made without the others."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import gcd

from closedbook.world.draws import Draws, Permutation
from closedbook.world.language import ALPHABET_LINE, WORDINGS, JunkMaker, Mention, Span, Wording, article
from closedbook.world.people import Attribute, People, Person

LONGEST_LINE = 96
"""Length of the longest line, in characters."""

_SUBJECTS = ("{name}", "{him}", "{named}")
_MAX_LINES_PER_PERSON = 2**20


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that a line states about a person, and the spans that state it."""

    attribute: str
    """An attribute of the person, or 'seat': the place of the employer in the fact before."""
    value: str
    value_span: Span
    subject_span: Span
    """The mention of the person who has the attribute; for a seat, of the employer."""
    wording: int
    """Index of the wording in WORDINGS; a seat has its employer's."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the corpus; `person` is None if it is about no person."""

    text: str
    person: Person | None
    name_spans: tuple[Span, ...]
    """The spans of the full name, the title's first."""
    facts: tuple[Fact, ...]
    """In the order of the line."""


@dataclass(frozen=True, slots=True)
class _Clause:
    """A fact to state: its attribute, its wording, and how it mentions the person."""

    attribute: Attribute
    wording: int
    mention: Mention


class Lines:
    """The lines of a world, in the seeded order of its corpus.

    Numbers go to people's lines first, then to the additional lines of celebrities, to junk, and to the alphabet. The
    order is a permutation of the numbers, so that lines are made one by one without keeping any.
    """

    def __init__(self, people: People) -> None:
        self.people = people
        config = people.config
        self._config = config
        self._wordings = {name: [Wording.of_text(text) for text in texts] for name, texts in WORDINGS.items()}
        self._others = [attribute for attribute in config.attributes if attribute != "birthplace"]
        self._n_extra = config.documents * (config.celebrity_factor - 1)
        self._n_plain_lines = config.n_known * config.documents
        self.n_celebrities = round(config.n_known * config.celebrities)
        self.n_person_lines = self._n_plain_lines + self.n_celebrities * self._n_extra
        self.n_junk_lines = round(self.n_person_lines * config.junk / (1 - config.junk))
        self._order = Permutation(len(self), Draws(config.seed, "order"))
        self._celebrities = Permutation(config.n_known, Draws(config.seed, "celebrities"))
        self._person_draws = Draws(config.seed, "wordings of a person")
        self._line_draws = Draws(config.seed, "line")
        self._junk = JunkMaker(config.seed)
        n_wordings = len(WORDINGS["birthplace"])
        self._strides = [stride for stride in range(1, n_wordings) if gcd(stride, n_wordings) == 1]

    def __len__(self) -> int:
        return self.n_person_lines + self.n_junk_lines + 1

    def __iter__(self) -> Iterator[Line]:
        return (self._line(self._order(i)) for i in range(len(self)))

    def _line(self, number: int) -> Line:
        documents = self._config.documents
        if number < self._n_plain_lines:
            person, document = divmod(number, documents)
            return self._document(person, document)
        if number < self.n_person_lines:
            celebrity, document = divmod(number - self._n_plain_lines, self._n_extra)
            return self._document(self._celebrities(celebrity), documents + document)
        if number < self.n_person_lines + self.n_junk_lines:
            return Line(self._junk(number - self.n_person_lines), None, (), ())
        return Line(ALPHABET_LINE, None, (), ())

    def _document(self, number: int, document: int) -> Line:
        """Line number `document` of a person: the title, the birthplace and, in some lines, another fact."""
        person = self.people.person(number)
        # Each choice uses its own bits of the draw, so that switching one off leaves the others as they were.
        draw = self._line_draws(number * _MAX_LINES_PER_PERSON + document)
        offset, varied = self._config.offset, self._config.varied
        birthplace = self._birthplace_clause(person, document, draw)
        if not self._others or (offset == "any" and draw & 1):
            return self._compose(person, [birthplace])
        is_drawn = offset == "either" or (offset == "any" and varied)
        birthplace_last = offset == "late" or (is_drawn and draw & 2)
        for other in self._other_clauses(person, document, draw):
            line = self._compose(person, [other, birthplace] if birthplace_last else [birthplace, other])
            if len(line.text) <= LONGEST_LINE:
                return line
        raise AssertionError(f"an attribute's first wording is short enough for any line: {line.text}")

    def _birthplace_clause(self, person: Person, document: int, draw: int) -> _Clause:
        wording = 0
        if self._config.varied:
            # Each person has an order of wordings, in which none is repeated before all have been used.
            start = self._person_draws(person.number)
            stride = self._strides[(start >> 32) % len(self._strides)]
            wording = (start + document * stride) % len(self._wordings["birthplace"])
        mention = person.last_name_mention
        if self._config.full_name:
            mention = person.full_mention
        elif self._config.pronoun or (self._config.varied and draw & 4):
            mention = person.pronoun_mention
        return _Clause("birthplace", wording, mention)

    def _other_clauses(self, person: Person, document: int, draw: int) -> Iterator[_Clause]:
        """Clauses for another fact: as drawn, and then ever shorter ones in case the line gets too long."""
        first = self._person_draws(person.number) >> 16
        attribute = self._others[(first + document) % len(self._others)]
        if self._config.varied:
            wording = (draw >> 8) % len(self._wordings[attribute])
            if draw & 8:
                yield _Clause(attribute, wording, person.last_name_mention)
            yield _Clause(attribute, wording, person.pronoun_mention)
        yield _Clause(attribute, 0, person.pronoun_mention)

    def _compose(self, person: Person, clauses: list[_Clause]) -> Line:
        text = f"{person.name}."
        name_spans = [(0, len(person.name))]
        facts: list[Fact] = []
        for clause in clauses:
            sentence, clause_facts = self._state(person, clause, start=len(text) + 1)
            text += f" {sentence} ."
            facts += clause_facts
            if clause.mention.subject == person.name:
                name_spans.append(clause_facts[0].subject_span)
        return Line(text, person, tuple(name_spans), tuple(facts))

    def _state(self, person: Person, clause: _Clause, start: int) -> tuple[str, list[Fact]]:
        """The sentence of a clause, and its facts if the sentence begins at character `start`."""
        attribute, mention = clause.attribute, clause.mention
        value: str = getattr(person, attribute)
        slots = {
            "{name}": mention.subject,
            "{him}": mention.object,
            "{named}": mention.named,
            "{value}": value,
            "{article}": article(value),
            "{seat}": person.seat,
        }
        sentence, spans = self._wordings[attribute][clause.wording].fill(slots, start)
        subject_span = next(spans[slot] for slot in _SUBJECTS if slot in spans)
        facts = [Fact(attribute, value, spans["{value}"], subject_span, clause.wording)]
        if "{seat}" in spans:
            facts.append(Fact("seat", person.seat, spans["{seat}"], spans["{value}"], clause.wording))
        return sentence, facts
