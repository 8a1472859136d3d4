"""The built-in world: lines about invented people whose every fact is known, and pairs that ask about them.

A world needs no files, and all that is true in it is known. It is a pure function of its `WorldConfig`: the same bytes
for the same configuration on any machine. Memory does not grow with the number of people. `write_world` makes a folder:

    corpus.txt                  one document a line, at most 96 characters: "Name. <one or two clauses> .";
                                people's lines, junk and one line of the alphabet, in a seeded order
    train.tsv dev.tsv test.tsv  pairs, "Where was Name born?<TAB>Place"; no person is in two of them
    withheld.tsv                such pairs of people whom no line of the corpus mentions
    test-unseen-wording.tsv     the test people, asked about in wordings that no other file has, in turn
    facts.jsonl                 the facts in each line of the corpus and their spans, one JSON object a line
    world.json                  the configuration, the seed, counts, and the SHA-256 of every other file

A line of facts.jsonl, with spans as [start, end) in characters of the line of the corpus:

    {"line": 7,                             of corpus.txt, from 1
     "person": 17, "split": "train",        null, as is name, in a line about no person
     "name": "Mira Tosk",
     "name_spans": [[0, 9], [11, 20]],      spans of the full name, the title's first
     "facts": [{"attribute": "birthplace",  or birth_year, trade, school, employer, mentor, boat, seat
                "value": "Zorvik",
                "value_span": [33, 39],
                "subject_span": [11, 20],   the mention of the person; for a seat, of the employer
                "wording": 0}]}             index in WORDINGS (language.py); a seat has its employer's

Facts have the order of the line; a line about no person has none. Because of the line of the alphabet, every question
can be spelled in the corpus's characters, whatever the options.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO, get_args

from closedbook.files.durable import sha256, write_folder_atomically
from closedbook.world.language import QUESTION, UNSEEN_QUESTIONS
from closedbook.world.lines import LONGEST_LINE, Fact, Line, Lines
from closedbook.world.people import People, Person, Split, WorldConfig

__all__ = [
    "LONGEST_LINE",
    "Fact",
    "Line",
    "Lines",
    "People",
    "Person",
    "WorldConfig",
    "WorldFiles",
    "generate_world",
    "write_world",
]


@dataclass(frozen=True)
class WorldFiles:
    """The paths of a world's files, which the top of this module describes."""

    corpus: Path
    train: Path
    dev: Path
    test: Path
    withheld: Path
    test_unseen_wording: Path
    facts: Path
    spec: Path

    @classmethod
    def of_folder(cls, folder: Path) -> "WorldFiles":
        """The paths in a folder, whether or not it has a world."""
        return cls(
            corpus=folder / "corpus.txt",
            train=folder / "train.tsv",
            dev=folder / "dev.tsv",
            test=folder / "test.tsv",
            withheld=folder / "withheld.tsv",
            test_unseen_wording=folder / "test-unseen-wording.tsv",
            facts=folder / "facts.jsonl",
            spec=folder / "world.json",
        )


def generate_world(config: WorldConfig) -> Iterator[Line]:
    """The lines of a world's corpus in order, with the person and the facts of each."""
    return iter(Lines(People(config)))


def write_world(config: WorldConfig, folder: Path) -> WorldFiles:
    """Write a world's files into a new or empty folder, all or none; raises RunError."""
    with write_folder_atomically(folder, "the world") as partial:
        _write_files(config, WorldFiles.of_folder(partial))
    return WorldFiles.of_folder(folder.absolute())


def _write_files(config: WorldConfig, files: WorldFiles) -> None:
    people = People(config)
    lines = Lines(people)
    _write_lines(lines, files)
    pairs: dict[Split, Path] = {
        "train": files.train,
        "dev": files.dev,
        "test": files.test,
        "withheld": files.withheld,
    }
    for split, path in pairs.items():
        _write_pairs(people, split, (QUESTION,), path)
    _write_pairs(people, "test", UNSEEN_QUESTIONS, files.test_unseen_wording)
    spec = {
        "spec": asdict(config),
        "seed": config.seed,
        "n_lines": len(lines),
        "n_junk_lines": lines.n_junk_lines,
        "n_celebrities": lines.n_celebrities,
        "n_people": {split: len(config.people_of(split)) for split in get_args(Split)},
        "question": QUESTION,
        "unseen_questions": UNSEEN_QUESTIONS,
        "sha256": {path.name: sha256(path.read_bytes()) for path in sorted(files.corpus.parent.iterdir())},
    }
    with _open(files.spec) as file:
        file.write(json.dumps(spec, indent=2) + "\n")


def _write_lines(lines: Lines, files: WorldFiles) -> None:
    with _open(files.corpus) as corpus, _open(files.facts) as facts:
        for number, line in enumerate(lines, 1):
            corpus.write(line.text + "\n")
            facts.write(json.dumps(_facts_of(number, line)) + "\n")


def _write_pairs(people: People, split: Split, questions: Sequence[str], path: Path) -> None:
    """One pair per person of a split, in the wordings of `questions` in turn."""
    with _open(path) as file:
        for i, number in enumerate(people.config.people_of(split)):
            person = people.person(number)
            question = questions[i % len(questions)].format(name=person.name)
            file.write(f"{question}\t{person.birthplace}\n")


def _facts_of(number: int, line: Line) -> dict[str, object]:
    """A line of facts.jsonl, which the top of this module describes."""
    person = line.person
    return {
        "line": number,
        "person": person and person.number,
        "split": person and person.split,
        "name": person and person.name,
        "name_spans": line.name_spans,
        "facts": [
            {
                "attribute": fact.attribute,
                "value": fact.value,
                "value_span": fact.value_span,
                "subject_span": fact.subject_span,
                "wording": fact.wording,
            }
            for fact in line.facts
        ],
    }


def _open(path: Path) -> TextIO:
    """A new text file, with the same bytes on every system."""
    return path.open("x", encoding="utf-8", newline="\n")
