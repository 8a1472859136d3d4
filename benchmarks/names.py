"""What in a name brings the answer back: recombined names, and names whose last word nobody else has.

    python benchmarks/names.py RUN CORPUS DEV > benchmarks/results/names-guided.json

Questions about people who do not exist: the first word of one DEV person's name with the last word of another's. Whose
answer comes out? And accuracy on DEV by whether other titles of CORPUS share the first or the last word of a name.
"""

import argparse
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import fmean, median
from typing import Any

from closedbook.evaluation.predict import Prediction, predict
from closedbook.evaluation.score import Score
from closedbook.storage.run import open_run
from closedbook.text.documents import read_corpus
from closedbook.text.questions import read_pairs
from closedbook.text.title_index import title_in
from runner import facts, one_line_errors, print_result, share


@dataclass(frozen=True)
class Person:
    """Somebody asked about, with the question's text around the name."""

    name: str
    before: str
    after: str
    answer: str

    @property
    def words(self) -> list[str]:
        return self.name.split()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs=3, type=Path, metavar="RUN CORPUS DEV")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    machine = facts()
    run_path, corpus, dev = options.files
    run = open_run(run_path)
    titles = read_corpus(corpus).titles
    people = []
    for item in read_pairs(dev).items:
        name = title_in(item.text, titles)
        before, _, after = item.text.partition(name)
        if len(name.split()) > 1:
            people.append(Person(name, before, after, item.answer or ""))
    model, vocabulary = run.model(), run.info.vocabulary
    pairs = recombined(people, titles, Random(options.seed))
    asked = predict(model, vocabulary, [f"{a.before}{a.words[0]} {b.words[-1]}{a.after}" for a, b in pairs])
    real = predict(model, vocabulary, [f"{p.before}{p.name}{p.after}" for p in people])
    result = {
        "people": len(people),
        "recombined": whose(pairs, asked),
        "probability": {"of_real_people": spread(real), "of_recombined_names": spread(asked)},
        "accuracy_by_last_word": by_sharing(people, real, titles, -1),
        "accuracy_by_first_word": by_sharing(people, real, titles, 0),
    }
    print_result(result, machine)


def recombined(people: Sequence[Person], titles: Collection[str], random: Random) -> list[tuple[Person, Person]]:
    """Each person's first word with the last word of somebody else's, where nobody has that name and answers differ."""
    pairs = []
    for first in people:
        others = [p for p in people if p.answer != first.answer and f"{first.words[0]} {p.words[-1]}" not in titles]
        pairs.append((first, random.choice(others)))
    return pairs


def whose(pairs: Sequence[tuple[Person, Person]], predictions: Sequence[Prediction]) -> dict[str, int]:
    """How often the answer is that of the first word's person, of the last word's, or of neither."""
    kinds: Counter[str] = Counter()
    for (first, last), prediction in zip(pairs, predictions, strict=True):
        names = {first.answer: "of_the_first_word", last.answer: "of_the_last_word"}
        kinds[names.get(prediction.answer, "of_neither")] += 1
    return {name: kinds[name] for name in ("of_the_first_word", "of_the_last_word", "of_neither")}


def spread(predictions: Sequence[Prediction]) -> dict[str, float]:
    """Mean and median of the model's probability of its answers."""
    values = [prediction.confidence for prediction in predictions]
    return {"mean": round(fmean(values), 3), "median": round(median(values), 3)}


def by_sharing(
    people: Sequence[Person], predictions: Sequence[Prediction], titles: set[str], position: int
) -> dict[str, Any]:
    """Accuracy by whether another title has the same word at that position of the name."""
    counts = Counter(title.split()[position] for title in titles)
    rows = {}
    for label, is_in in (("nobody else has it", lambda n: n == 1), ("others have it", lambda n: n > 1)):
        asked = zip(people, predictions, strict=True)
        right = [p.answer == q.answer for p, q in asked if is_in(counts[p.words[position]])]
        rows[label] = share(Score(sum(right), len(right)))
    return rows


if __name__ == "__main__":
    with one_line_errors():
        main()
