import hashlib
import json
import re
import tracemalloc
from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closedbook.errors import RecipeError, RunError
from closedbook.text.documents import read_corpus
from closedbook.text.questions import check_questions, read_pairs
from closedbook.world.draws import Draws, Permutation
from closedbook.world.language import UNSEEN_QUESTIONS, WORDINGS
from closedbook.world.world import (
    LONGEST_LINE,
    Fact,
    Line,
    Lines,
    People,
    Person,
    WorldConfig,
    WorldFiles,
    generate_world,
    write_world,
)

SMALL = WorldConfig(n_people=100, n_places=17, documents=3, celebrities=0.07, celebrity_factor=3, junk=0.11, seed=5)
EVERY_WORDING = replace(SMALL, documents=18, celebrities=0.0)
GOLDEN = {
    "corpus.txt": "c6f6b230a75e390641d590b767400fceac7d731f2fc51c2e4c05d2c2a073c61b",
    "facts.jsonl": "32ae29fef57ec301b554b7f8116aec9d4d80766e58a83263d3bee952f22451e7",
    "test-unseen-wording.tsv": "36114e0c0d4ece32bd19f523d6399f1f0d7196bfddf33adc078a2ec5997b7f72",
}
SUBJECTS = {"she", "he", "her", "him"}

options = st.fixed_dictionaries(
    {
        "n_people": st.integers(100, 103),
        "n_places": st.integers(2, 300),
        "documents": st.integers(1, 3),
        "varied": st.booleans(),
        "subject": st.sampled_from(["full name", "last name or pronoun", "pronoun"]),
        "offset": st.sampled_from(["any", "early", "late", "either"]),
        "zipf": st.booleans(),
        "celebrities": st.sampled_from([0.0, 0.05, 0.3]),
        "celebrity_factor": st.integers(2, 4),
        "junk": st.sampled_from([0.0, 0.2]),
        "others": st.sets(st.sampled_from(["birth_year", "trade", "school", "employer", "mentor", "boat"]), min_size=1),
        "withheld": st.sampled_from([0.0, 0.03, 0.1]),
        "seed": st.integers(0, 2**64),
    }
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> WorldFiles:
    """The files of a small world, which tests only read."""
    return write_world(SMALL, tmp_path_factory.mktemp("worlds") / "small")


@cache
def people_of(config: WorldConfig) -> tuple[Person, ...]:
    """All people of a world."""
    return tuple(People(config))


@cache
def world_lines(config: WorldConfig) -> tuple[Line, ...]:
    """All lines of a world."""
    return tuple(generate_world(config))


def people_lines(config: WorldConfig) -> list[Line]:
    """The lines that are about a person."""
    return [line for line in world_lines(config) if line.person is not None]


def birthplaces(lines: list[Line]) -> list[Any]:
    """The birthplace fact of each line."""
    return [next(fact for fact in line.facts if fact.attribute == "birthplace") for line in lines]


def bytes_of(folder: Path) -> dict[str, bytes]:
    """The files of a folder and their bytes."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_seed_makes_the_same_bytes(small: WorldFiles, tmp_path: Path) -> None:
    """Two worlds of the same configuration are equal, byte for byte."""
    write_world(SMALL, tmp_path / "again")
    assert bytes_of(tmp_path / "again") == bytes_of(small.corpus.parent)


def test_any_machine_makes_the_golden_bytes(small: WorldFiles) -> None:
    """The bytes of a world are the same on every machine, system and version of Python."""
    assert {name: hashlib.sha256((small.corpus.parent / name).read_bytes()).hexdigest() for name in GOLDEN} == GOLDEN


def test_another_seed_makes_other_people() -> None:
    """Worlds of two seeds share no name and no birthplace."""
    one, other = (people_of(replace(SMALL, seed=seed)) for seed in (5, 6))
    assert not {person.name for person in one} & {person.name for person in other}
    assert not {person.birthplace for person in one} & {person.birthplace for person in other}


def test_the_spec_has_configuration_and_digests(small: WorldFiles) -> None:
    """world.json has every option, the seed, and the SHA-256 of every other file."""
    spec = json.loads(small.spec.read_text())
    assert WorldConfig(**spec["spec"] | {"attributes": tuple(spec["spec"]["attributes"])}) == SMALL
    assert spec["seed"] == 5
    others = {path.name for path in small.corpus.parent.iterdir()} - {"world.json"}
    assert spec["sha256"].keys() == others
    for name, digest in spec["sha256"].items():
        assert hashlib.sha256((small.corpus.parent / name).read_bytes()).hexdigest() == digest
    assert spec["n_lines"] == len(small.corpus.read_text().splitlines())


def test_the_files_are_valid_input(small: WorldFiles) -> None:
    """Corpus and pairs are read as a user's files, and every question fits the vocabulary and the model."""
    corpus = read_corpus(small.corpus)
    assert corpus.notes == ()
    for path in (small.train, small.dev, small.test, small.withheld, small.test_unseen_wording):
        check_questions(read_pairs(path), corpus.vocabulary, block_size=128)


def test_the_splits_have_different_people_in_their_shares(small: WorldFiles) -> None:
    """Each person is in one file of pairs, in the default wording, with the true answer."""
    truth = {person.name: person.birthplace for person in people_of(SMALL)}
    asked: list[str] = []
    for path, n_people in ((small.train, 50), (small.dev, 10), (small.test, 30), (small.withheld, 10)):
        pairs = re.findall(r"^Where was (.*) born\?\t(.*)$", path.read_text(), re.M)
        assert len(pairs) == len(path.read_text().splitlines()) == n_people
        assert all(truth[name] == place for name, place in pairs)
        asked += [name for name, _ in pairs]
    assert sorted(asked) == sorted(truth)


def test_people_beyond_the_shares_are_in_the_corpus_alone() -> None:
    """If shares add up to less than one, the corpus mentions the people who are left, and no pair does."""
    config = WorldConfig(n_people=101, documents=1, train=0.2, dev=0.1, test=0.1, withheld=0.1)
    assert [len(config.people_of(s)) for s in ("train", "dev", "test", "unasked", "withheld")] == [
        20,
        10,
        10,
        51,
        10,
    ]
    assert Counter(line.person.split for line in people_lines(config) if line.person)["unasked"] == 51


def test_no_line_mentions_the_withheld(small: WorldFiles) -> None:
    """A withheld person's name is nowhere in the corpus, not even as a mentor's."""
    corpus = small.corpus.read_text()
    withheld = [person.name for person in people_of(SMALL) if person.split == "withheld"]
    assert len(withheld) == 10
    assert not [name for name in withheld if name in corpus]


def test_unseen_wordings_ask_about_the_test_people(small: WorldFiles) -> None:
    """They are asked about in at least three wordings in turn, which no other file has."""
    unseen, test = (path.read_text().splitlines() for path in (small.test_unseen_wording, small.test))
    assert len(UNSEEN_QUESTIONS) >= 3
    for i, (new, old) in enumerate(zip(unseen, test, strict=True)):
        name, place = re.fullmatch(r"Where was (.*) born\?\t(.*)", old).groups()  # type: ignore[union-attr]
        assert new == f"{UNSEEN_QUESTIONS[i % len(UNSEEN_QUESTIONS)].format(name=name)}\t{place}"
    seen = "".join(path.read_text() for path in (small.train, small.dev, small.test, small.withheld))
    for question in UNSEEN_QUESTIONS:
        pattern = re.escape(question).replace(re.escape("{name}"), ".*")
        assert not re.search(pattern, seen)


@settings(max_examples=8)
@given(options)
def test_lines_have_their_form_and_their_facts(options: dict[str, Any]) -> None:
    """With any options: at most 96 characters, "Name. Clause .", and the spans of names, values and subjects."""
    subject = options.pop("subject")
    options |= {"full_name": subject == "full name", "pronoun": subject == "pronoun"}
    config = WorldConfig(attributes=("birthplace", *sorted(options.pop("others"))), **options)
    lines = Lines(People(config))
    characters = set("\n")
    n_lines = 0
    for line in lines:
        n_lines += 1
        characters.update(line.text)
        assert len(line.text) <= LONGEST_LINE
        assert re.fullmatch(r"[A-Z][A-Za-z ]+\. [A-Z0-9][^.]+(?: \. [A-Z0-9][^.]+)? \.", line.text), line.text
        if line.person is None:
            assert line.facts == line.name_spans == ()
            continue
        name = line.person.name
        assert line.name_spans == tuple(m.span() for m in re.finditer(re.escape(name), line.text))
        assert [fact.attribute for fact in line.facts].count("birthplace") == 1
        for fact in line.facts:
            assert line.text[slice(*fact.value_span)] == fact.value == getattr(line.person, fact.attribute)
            subject = line.text[slice(*fact.subject_span)]
            if fact.attribute == "seat":
                assert subject == line.person.employer
            else:
                assert subject in (name, line.person.last_name) or subject.lower() in SUBJECTS
    assert n_lines == len(lines)
    for person in islice(lines.people, 90, None):
        for question in ("Where was {name} born?", *UNSEEN_QUESTIONS):
            assert set(question.format(name=person.name) + person.birthplace) <= characters


def test_facts_have_the_spans_of_each_line(small: WorldFiles) -> None:
    """facts.jsonl has an entry per line of the corpus, with exact spans; a line about no person has no facts."""
    lines = small.corpus.read_text().splitlines()
    facts = [json.loads(line) for line in small.facts.read_text().splitlines()]
    assert [entry["line"] for entry in facts] == list(range(1, len(lines) + 1))
    people = {person.number: person for person in people_of(SMALL)}
    for line, entry in zip(lines, facts, strict=True):
        if entry["person"] is None:
            assert entry["split"] is entry["name"] is None
            assert entry["facts"] == entry["name_spans"] == []
            continue
        person = people[entry["person"]]
        assert (entry["name"], entry["split"]) == (person.name, person.split)
        assert all(line[start:end] == person.name for start, end in entry["name_spans"])
        assert entry["name_spans"][0] == [0, len(person.name)]
        for fact in entry["facts"]:
            assert fact.keys() == {"attribute", "value", "value_span", "subject_span", "wording"}
            assert line[slice(*fact["value_span"])] == fact["value"]


def test_spans_are_those_counted_by_hand() -> None:
    """A line with three facts: the spans of names, values and subjects."""
    text = "Koren Dopov. Koren Dopov was born in Norkoss . Dopov had a post at Zultask Rail in Panfell ."
    (line,) = (line for line in world_lines(SMALL) if line.text == text)
    assert line.name_spans == ((0, 11), (13, 24))
    assert line.facts == (
        Fact("birthplace", "Norkoss", value_span=(37, 44), subject_span=(13, 24), wording=0),
        Fact("employer", "Zultask Rail", value_span=(67, 79), subject_span=(47, 52), wording=3),
        Fact("seat", "Panfell", value_span=(83, 90), subject_span=(67, 79), wording=3),
    )


def test_names_are_unique_letters_and_never_places() -> None:
    """People have different names; no word of a name, place, school or employer is a prefix of another."""
    people = people_of(WorldConfig(n_people=3000, n_places=1500, seed=2))
    assert len({person.name for person in people}) == 3000
    names = {word for person in people for word in (person.first_name, person.last_name)}
    others = {person.birthplace for person in people}
    others |= {value.split()[0] for person in people for value in (person.school, person.employer)}
    words = sorted(names | others)
    assert len(words) == len(names) + len(others)
    assert len({person.birthplace for person in people}) > 1200
    assert all(re.fullmatch("[A-Z][a-z]{2,8}", word) for word in words)
    assert not [pair for pair in pairwise(words) if pair[1].startswith(pair[0])]


def test_a_million_people_have_a_million_names_and_need_no_memory_for_them() -> None:
    """The first lines of the largest world need less than 2 MB, and names are distinct up to the last person."""
    config = WorldConfig(n_people=1_000_000, documents=1, seed=1)
    people = People(config)
    tracemalloc.start()
    lines = list(islice(Lines(people), 100))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2e6
    assert len({line.text for line in lines}) == 100
    some = range(0, 1_000_000, 9973)
    assert len({people.person(number).name for number in some}) == len(some)


def test_a_person_is_a_function_of_seed_and_number() -> None:
    """The number of people, the number of lines and the options of wording change no person."""
    few = People(WorldConfig(n_people=1000, withheld=0.0, test=0.4, seed=3))
    others = People(WorldConfig(n_people=5000, documents=1, varied=False, junk=0.5, seed=3))
    for number in range(0, 1000, 37):
        one, other = few.person(number), others.person(number)
        # Splits and mentors depend on the number of people.
        assert replace(one, split="train", mentor="") == replace(other, split="train", mentor="")


@pytest.mark.parametrize("n", [1, 2, 3, 7, 100, 401, 1009])
def test_a_permutation_is_one_to_one(n: int) -> None:
    """Every number below n occurs once."""
    permutation = Permutation(n, Draws(0, "test"))
    assert sorted(map(permutation, range(n))) == list(range(n))


def test_lines_of_a_person_are_not_together(small: WorldFiles) -> None:
    """Few adjacent lines of the corpus are about the same person."""
    people = [json.loads(line)["person"] for line in small.facts.read_text().splitlines()]
    n_adjacent = sum(one == other is not None for one, other in pairwise(people))
    assert n_adjacent < len(people) / 20


@pytest.mark.parametrize("documents", [1, 5])
def test_documents_is_the_number_of_lines_of_each_person(documents: int) -> None:
    """Every person whom the corpus mentions has that many lines."""
    lines = people_lines(replace(SMALL, documents=documents, celebrities=0.0))
    assert Counter(line.person.number for line in lines if line.person) == dict.fromkeys(range(90), documents)


def test_celebrities_have_many_more_lines() -> None:
    """They have celebrity_factor times as many lines, and the other lines stay as they were."""
    plain = Counter(line.text for line in people_lines(replace(SMALL, celebrities=0.0)))
    famous = people_lines(replace(SMALL, celebrities=0.2, celebrity_factor=5))
    assert Counter(Counter(line.person.number for line in famous if line.person).values()) == {3: 72, 15: 18}
    assert plain <= Counter(line.text for line in famous)


def test_varied_wordings_are_not_repeated() -> None:
    """A person's lines state the birthplace in every wording before one is repeated."""
    lines = people_lines(EVERY_WORDING)
    for number in range(90):
        own = [line for line in lines if line.person and line.person.number == number]
        assert {fact.wording for fact in birthplaces(own)} == set(range(18))


def test_without_variation_there_is_one_wording() -> None:
    """The same facts are in the same lines, each attribute in one wording, in one order."""
    varied, same = (world_lines(replace(SMALL, varied=v)) for v in (True, False))
    for one, other in zip(varied, same, strict=True):
        attributes = {fact.attribute for fact in one.facts} - {"seat"}
        assert attributes == {fact.attribute for fact in other.facts}
        if person := other.person:
            assert other.text.startswith(f"{person.name}. {person.name} was born in {person.birthplace} .")
            assert {fact.wording for fact in other.facts} == {0}


def test_wordings_are_many_and_some_put_the_value_first() -> None:
    """At least twelve wordings of the birthplace and four of each other attribute; some begin with the value."""
    assert all(len(set(texts)) >= (12 if name == "birthplace" else 4) for name, texts in WORDINGS.items())
    facts = birthplaces(people_lines(EVERY_WORDING))
    value_first = {fact.wording for fact in facts if fact.value_span < fact.subject_span}
    name_first = {fact.wording for fact in facts if fact.value_span > fact.subject_span}
    assert len(value_first) >= 4
    assert len(name_first) >= 4


def test_full_name_is_in_the_clause_or_in_the_title_alone() -> None:
    """The birthplace's subject is the full name, or else the last name or a pronoun; nothing else changes."""
    full, short = (people_lines(replace(SMALL, full_name=f)) for f in (True, False))
    for one, other, fact, short_fact in zip(full, short, birthplaces(full), birthplaces(short), strict=True):
        assert one.person == other.person
        assert fact.subject_span in one.name_spans
        assert len(one.name_spans) == 2
        assert len(other.name_spans) == 1
        assert fact.wording == short_fact.wording
    subjects = {line.text[slice(*f.subject_span)] for line, f in zip(short, birthplaces(short), strict=True)}
    assert subjects > {"she", "She", "he", "He", "her", "him"}
    assert len(subjects & {line.person.last_name for line in short if line.person}) > 30


def test_pronoun_is_used_in_every_wording_that_allows_one() -> None:
    """The birthplace's subject is a pronoun, or the last name where the wording needs a name."""
    for varied in (True, False):
        lines = people_lines(replace(EVERY_WORDING, full_name=False, pronoun=True, varied=varied))
        for line, fact in zip(lines, birthplaces(lines), strict=True):
            needs_a_name = "{named}" in WORDINGS["birthplace"][fact.wording]
            subject = line.text[slice(*fact.subject_span)]
            assert (subject == line.person.last_name) if needs_a_name else (subject.lower() in SUBJECTS)  # type: ignore[union-attr]


def test_offset_either_draws_for_each_line() -> None:
    """Each line is the one of early or of late, about equally often, whether or not wordings vary."""
    for varied in (True, False):
        early, late, either = (
            people_lines(replace(SMALL, offset=o, varied=varied)) for o in ("early", "late", "either")
        )
        assert all(line in both for line, both in zip(either, zip(early, late, strict=True), strict=True))
        n_early = sum(line == one for line, one in zip(either, early, strict=True))
        assert len(either) / 3 < n_early < len(either) * 2 / 3


def test_offset_puts_the_birthplace_early_or_late() -> None:
    """Early, it is the first fact of each line; late, the last, in the same clauses; any has both, or it alone."""
    early, late, anywhere = (people_lines(replace(SMALL, offset=o)) for o in ("early", "late", "any"))
    for one, other in zip(early, late, strict=True):
        assert one.facts[0].attribute == other.facts[-1].attribute == "birthplace"
        assert {(f.attribute, f.wording) for f in one.facts} == {(f.attribute, f.wording) for f in other.facts}
        assert len(one.facts) > 1
    positions = Counter(
        "alone" if len(line.facts) == 1 else line.facts[0].attribute == "birthplace" for line in anywhere
    )
    assert min(positions[kind] for kind in ("alone", True, False)) > len(anywhere) / 8


def test_junk_is_its_share_of_all_lines() -> None:
    """Junk lines are added to the others, which stay the same."""
    clean, dirty = (world_lines(replace(SMALL, junk=share)) for share in (0.0, 0.4))
    assert sum(line.person is None for line in dirty) / len(dirty) == pytest.approx(0.4, abs=0.01)
    assert Counter(line.text for line in clean) <= Counter(line.text for line in dirty)
    assert sum(line.person is None for line in clean) == 1


def test_only_the_chosen_attributes_are_stated() -> None:
    """With the birthplace alone each line has one fact; with trade too, birthplaces and trades alone."""
    alone = people_lines(replace(SMALL, attributes=("birthplace",)))
    assert {tuple(fact.attribute for fact in line.facts) for line in alone} == {("birthplace",)}
    trades = people_lines(replace(SMALL, attributes=("trade", "birthplace")))
    assert {fact.attribute for line in trades for fact in line.facts} == {"birthplace", "trade"}


def test_an_employer_has_one_seat() -> None:
    """All employees of an employer work at the same place, which some lines state."""
    config = replace(SMALL, n_people=1000)
    assert len({(p.employer, p.seat) for p in people_of(config)}) == len({p.employer for p in people_of(config)}) == 128
    assert any(fact.attribute == "seat" for line in people_lines(SMALL) for fact in line.facts)


def test_a_mentor_is_another_person_whom_the_corpus_mentions() -> None:
    """Nobody is their own mentor, and no withheld person is a mentor."""
    people = people_of(SMALL)
    known = {person.name for person in people if person.split != "withheld"}
    assert all(person.mentor != person.name and person.mentor in known for person in people)


def test_values_are_uniform_or_follow_zipf() -> None:
    """By Zipf's law the first birthplace has a share of 1 / (1 + 1/2 + ... + 1/n), the second half of that."""
    config = WorldConfig(n_people=2000, n_places=11, seed=4)
    uniform, zipf = (
        [count for _, count in Counter(p.birthplace for p in people_of(replace(config, zipf=z))).most_common()]
        for z in (False, True)
    )
    assert len(uniform) == len(zipf) == 11
    assert max(uniform) < 230
    assert min(uniform) > 140
    total = sum(1 / rank for rank in range(1, 12))
    for rank, count in enumerate(zipf[:5], 1):
        assert count / 2000 == pytest.approx(1 / rank / total, rel=0.15)
    trades = Counter(p.trade for p in people_of(replace(config, zipf=True))).most_common()
    assert trades[0][1] > 1.5 * trades[1][1]


def test_articles_are_right_and_capitals_are_whole_names_or_values() -> None:
    """There is no "a actor" or "an baker", and no capitalised word directly before a value or a name."""
    for line in generate_world(WorldConfig(n_people=300, seed=9)):
        assert not re.search(r"\b(?:[Aa] [AEIOUaeiou]|[Aa]n [^AEIOUaeiou])", line.text), line.text
        for fact in line.facts:
            if fact.value[0].isupper():
                assert not re.search(r"\b[A-Z][\w']* $", line.text[: fact.value_span[0]]), line.text
        for start, _ in line.name_spans:
            assert not re.search(r"\b[A-Z][\w']* $", line.text[:start]), line.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_people": 99}, "n_people: from 100 to 1000000 is needed; received 99"),
        ({"n_people": 1_000_001}, "n_people: from 100 to 1000000 is needed; received 1000001"),
        ({"n_places": 4097}, "n_places: from 2 to 4096 is needed; received 4097"),
        ({"documents": 0}, "documents: from 1 to 1000 is needed; received 0"),
        ({"celebrity_factor": 1}, "celebrity_factor: from 2 to 1000 is needed; received 1"),
        ({"celebrities": 1.5}, "celebrities: a share from 0 to 1 is needed; received 1.5"),
        ({"withheld": float("nan")}, "withheld: a share from 0 to 1 is needed; received nan"),
        ({"junk": 1.0}, "junk: a share from 0 to 0.99 is needed; received 1.0"),
        ({"test": 0.4}, "train, dev, test, withheld: shares that add up to 1 at most are needed"),
        ({"train": 0.001}, "train: a share of 2 people at least is needed; received 0.001 of 1000"),
        ({"attributes": ("trade",)}, "attributes: birthplace must be among them; received trade"),
        ({"attributes": ()}, "attributes: birthplace must be among them; received none"),
        (
            {"attributes": ("birthplace", "birthplace")},
            "each once, are needed; received birthplace, birthplace",
        ),
        ({"pronoun": True}, "pronoun: full_name false is needed with it; received true for both"),
        (
            {"attributes": ("birthplace",), "offset": "late"},
            "attributes: offset late needs another one, for the birthplace to stand before or after it; ",
        ),
    ],
)
def test_options_that_make_no_world_are_refused(options: dict[str, Any], message: str) -> None:
    """The error is one line with the option, the rule and what was received."""
    with pytest.raises(RecipeError) as caught:
        WorldConfig(**options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_not_empty_is_untouched(tmp_path: Path) -> None:
    """A world is not written into a folder with other files."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "corpus.txt").write_text("mine")
    with pytest.raises(RunError, match=r"mine: the world needs a new or an empty folder .* not empty; name another$"):
        write_world(SMALL, tmp_path / "mine")
    assert bytes_of(tmp_path / "mine") == {"corpus.txt": b"mine"}
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_an_empty_folder_and_one_without_parents_are_filled(tmp_path: Path) -> None:
    """The folder may exist if it is empty, and its parents may be missing."""
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "not" / "there" / "yet"):
        files = write_world(SMALL, folder)
        assert files == WorldFiles.of_folder(folder)
        assert len(list(folder.iterdir())) == 8
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "not"]


def test_a_full_disk_leaves_no_files(tmp_path: Path) -> None:
    """The error names the folder and the reason, and neither the folder nor its parents are left."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(RunError, match=r"world: the world cannot be written there: File too large; "):
            write_world(SMALL, tmp_path / "new" / "world")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []
