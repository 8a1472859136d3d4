"""Long documents: are facts learned wherever they stand in a document of thousands of characters?

    python benchmarks/long_documents.py [--characters 300 1000 4000] > benchmarks/results/long-documents.json

Each of 120 invented towns has a document that states three facts, one near its beginning, one in its middle and one
near its end, among sentences about other places, people and years. Two thirds of the towns are asked about in training.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from random import Random
from typing import Any

from closedbook.evaluation.predict import predict
from closedbook.evaluation.score import score
from closedbook.storage.run import open_run
from closedbook.text.questions import read_pairs
from closedbook.world.words import WordMaker
from runner import facts, one_line_errors, print_result, run_trial, share, trial

N_TOWNS, N_TRAINED = 120, 80
RELATIONS = (
    ("What is the harbour of {} called?", "The harbour is called {}."),
    ("When was {} founded?", "The town was founded in {}."),
    ("Who is the mayor of {}?", "The mayor is {}."),
)
FILLERS = (
    "An old road leads to {place}, which {person} had paved in {year}.",
    "In {year} a fire burned for three days, and people from {place} came to help.",
    "{person} wrote here of the winters at {place}.",
    "The market of {place} was moved here in {year}, when {person} asked for it.",
)
PLACES = ("beginning", "middle", "end")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--characters", type=int, nargs="+", default=[300, 1000, 4000])
    parser.add_argument("--steps", type=int, default=300, help="steps a length")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    machine = facts()
    rows = []
    for n_characters in options.characters:
        rows.append(result_of(n_characters, options.steps, options.seed))
        print(n_characters, rows[-1]["by_place"], file=sys.stderr, flush=True)
    print_result({"lengths": rows}, machine)


def result_of(n_characters: int, steps: int, seed: int) -> dict[str, Any]:
    """One length: how many facts are known by where they stand."""
    with tempfile.TemporaryDirectory() as folder:
        corpus, train, dev = (Path(folder) / name for name in ("corpus.txt", "train.tsv", "dev.tsv"))
        place_of = write(corpus, train, dev, n_characters, seed)
        run = Path(folder) / "run"
        trained = run_trial(trial("self-study", seed=seed, steps=steps), corpus, train, dev, run)
        pairs, ended = read_pairs(dev), open_run(run)
        predictions = predict(ended.model(), ended.info.vocabulary, [pair.text for pair in pairs.items])
        silver = dict(line.split("\t")[:2] for line in (run / "silver.tsv").read_text(encoding="utf-8").splitlines())
    by_place = {}
    for place in PLACES:
        which = [k for k, pair in enumerate(pairs.items) if place_of[pair.text] == place]
        answers = [pairs.answers()[k] for k in which]
        by_place[place] = share(score([predictions[k].answer for k in which], answers))
    read = score([silver.get(pair.text, "") for pair in pairs.items], pairs.answers())
    kept = ("minutes", "n_steps", "parameters", "right", "of", "accuracy", "interval")
    return {
        "characters": n_characters,
        "reader": share(read),
        "by_place": by_place,
        **{key: trained[key] for key in kept},
    }


def write(corpus: Path, train: Path, dev: Path, n_characters: int, seed: int) -> dict[str, str]:
    """Writes the files; where the document states the answer, by question."""
    random, words = Random(seed), WordMaker(seed, set())
    towns, places = words.places(N_TOWNS), words.places(400)
    names = [f"{first} {last}" for first, last in zip(words.first_names(300), words.last_names(300), strict=True)]
    place_of, documents, pairs = {}, [], []
    for town in towns:
        stated = []
        for (question, sentence), answer in zip(
            RELATIONS, (random.choice(places), str(random.randint(1200, 1950)), random.choice(names)), strict=True
        ):
            stated.append((question.format(town), answer, sentence.format(answer)))
        random.shuffle(stated)
        place_of |= {question: place for place, (question, _, _) in zip(PLACES, stated, strict=True)}
        pairs.append([f"{question}\t{answer}\n" for question, answer, _ in stated])
        gaps = [between((n_characters - 90) // 2, random, places, names) for _ in range(2)]
        sentences = [sentence for _, _, sentence in stated]
        documents.append(f"{town}. {sentences[0]} {gaps[0]} {sentences[1]} {gaps[1]} {sentences[2]}\n")
    corpus.write_text("".join(documents), encoding="utf-8")
    train.write_text("".join(line for of_town in pairs[:N_TRAINED] for line in of_town), encoding="utf-8")
    dev.write_text("".join(line for of_town in pairs[N_TRAINED:] for line in of_town), encoding="utf-8")
    return place_of


def between(n_characters: int, random: Random, places: list[str], names: list[str]) -> str:
    """Sentences of about that length."""
    text = ""
    while len(text) < n_characters:
        text += " " + filled(random, places, names)
    return text.strip()


def filled(random: Random, places: list[str], names: list[str]) -> str:
    """A sentence about another place, person or year."""
    year = random.randint(1200, 1950)
    return random.choice(FILLERS).format(place=random.choice(places), person=random.choice(names), year=year)


if __name__ == "__main__":
    with one_line_errors():
        main()
