"""Any text: what comes out for folders of other people's texts, with the form that was recognized and what could come.

    python benchmarks/cases.py CASE... [--setting self-study] [--budget 1.5] > benchmarks/results/cases.json
    python benchmarks/cases.py CASE... --texts corpus.txt --pairs-a-wording 3 > benchmarks/results/cases-3-pairs.json

A case is a folder with train.tsv, dev.tsv, and the text once or twice: corpus.txt, one document a line with a title,
and corpus_raw.txt, the text as its owner has it. With --pairs-a-wording only so many pairs of each
wording are trained on, drawn by the seed. A case that is refused has its line in place of figures. No text is in
the result.
"""

import argparse
import re
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

from closedbook.errors import ClosedbookError
from closedbook.evaluation.score import commonest, score
from closedbook.forms.corpus import read_asked_pairs, read_book
from closedbook.text.check import check_corpus, check_pairs
from closedbook.text.documents import Corpus
from closedbook.text.questions import Question, Questions
from closedbook.text.templates import link_templates
from runner import facts, one_line_errors, print_result, run_trial, share, trial

TEXTS = ("corpus.txt", "corpus_raw.txt")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("cases", nargs="+", type=Path, metavar="CASE")
    parser.add_argument("--setting", choices=("self-study", "guided"), default="self-study")
    parser.add_argument("--budget", type=float, default=1.5, help="minutes a text")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--texts", nargs="+", choices=TEXTS, default=TEXTS)
    parser.add_argument("--pairs-a-wording", type=int, help="at most; all without it")
    options = parser.parse_args()
    machine = facts()
    rows = []
    for case in options.cases:
        for text in options.texts:
            if (case / text).exists():
                row = result_of(case, text, options)
                print(f"{case.name} {text}: {row.get('refused') or row['accuracy']}", file=sys.stderr, flush=True)
                rows.append({"case": case.name, "text": text, **row})
    by_text = {text: [row.get("accuracy", 0.0) for row in rows if row["text"] == text] for text in TEXTS}
    mean = {text: round(fmean(accuracies), 4) for text, accuracies in by_text.items() if accuracies}
    print_result({"mean_accuracy": mean, "cases": rows}, machine)


def result_of(case: Path, text: str, options: argparse.Namespace) -> dict[str, Any]:
    """One case: what was recognized, how many answers could be learned, and how many were."""
    try:
        corpus, train, dev = read_book(case / text), *map(read_asked_pairs, (case / "train.tsv", case / "dev.tsv"))
        if options.pairs_a_wording:
            train = some_of_each(train, corpus, options.pairs_a_wording, options.seed)
        one = trial(options.setting, seed=options.seed, budget=options.budget)
        found, asked = check_corpus(corpus, one.recipe.model.block_size), check_pairs(dev, corpus)
        guess = commonest(train.answers())
        known = {
            "form": corpus.notes[0].partition(": ")[2] if corpus.notes else "one document a line",
            "documents": found.n_documents,
            "titles": found.n_titles,
            "training_pairs": len(train.items),
            "questions_that_name_a_title": asked.n_pairs - len(asked.unnamed),
            "stated": asked.n_stated,
            "majority": share(score([guess] * asked.n_pairs, dev.answers())),
        }
        with tempfile.TemporaryDirectory() as folder:
            run, pairs = Path(folder) / "run", Path(folder) / "train.tsv"
            pairs.write_text("".join(f"{item.text}\t{item.answer}\n" for item in train.items), encoding="utf-8")
            trained = run_trial(one, case / text, pairs, case / "dev.tsv", run)
            reader = read_by_the_reader(run / "silver.tsv", dev.answers(), [item.text for item in dev.items])
    except ClosedbookError as error:
        return {"refused": re.sub("'[^']*'", "'...'", str(error).replace(f"{case}/", ""))}
    kept = ("minutes", "n_steps", "parameters", "right", "of", "accuracy", "interval")
    return {**known, "reader": reader, **{key: trained[key] for key in kept}}


def some_of_each(pairs: Questions, corpus: Corpus, n: int, seed: int) -> Questions:
    """At most `n` pairs of each wording."""
    random, kept = Random(seed), list[Question]()
    for by_title in link_templates(pairs.items, corpus.titles).templates.values():
        of_wording = [pair for of_title in by_title.values() for pair in of_title]
        kept += random.sample(of_wording, min(n, len(of_wording)))
    return replace(pairs, items=tuple(sorted(kept, key=lambda pair: pair.line)))


def read_by_the_reader(silver: Path, answers: list[str], questions: list[str]) -> dict[str, Any] | None:
    """How many of the questions the open-book reader answers as it wrote them down; None where it wrote nothing."""
    if not silver.exists():
        return None
    lines = (line.split("\t") for line in silver.read_text(encoding="utf-8").split("\n") if line)
    read = {fields[0]: fields[1] for fields in lines}
    return share(score([read.get(question, "") for question in questions], answers))


if __name__ == "__main__":
    with one_line_errors():
        main()
