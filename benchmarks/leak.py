"""A control for leaks: trained on a text about other people alone, a model must know no more than the commonest answer.

    python benchmarks/leak.py CORPUS TRAIN DEV --track self-study --steps 400
        --set model.variant=perceiver > benchmarks/results/leak-self-study.json

Documents whose title stands in a question of DEV are left out of the text; what is asked is DEV itself. A model that
scored here would read its answers from somewhere that it should not.
"""

import argparse
import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "2000")  # before torch is imported, as in cli.py

from closedbook.evaluation.score import commonest, score
from closedbook.recipe.recipe import FAST
from closedbook.text.documents import read_corpus
from closedbook.text.questions import read_pairs
from closedbook.text.titles import title_length
from ladder import studied, with_values
from machine import facts


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs=3, type=Path, metavar="CORPUS TRAIN DEV")
    parser.add_argument("--track", choices=("self-study", "extraction"), default="self-study")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", nargs="*", default=[], dest="values", metavar="KEY=VALUE")
    options = parser.parse_args()
    corpus, train, dev = options.files
    machine = facts()
    stage = "study" if options.track == "self-study" else "pretrain"
    recipe = replace(with_values(FAST, [*options.values, f"{stage}.steps={options.steps}"]), seed=options.seed)
    texts = [document.text for document in read_corpus(corpus).documents]
    pairs = read_pairs(dev)
    questions = "\n".join(item.text for item in pairs.items)
    # A document without a title is nobody's, and may hold anybody's: it goes too.
    others = [text for text in texts if title_length(text) and text[: title_length(text)].rstrip(". ") not in questions]
    known = set("".join(others))
    asked = [item for item in pairs.items if known.issuperset(item.text)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "others.txt").write_text("".join(f"{text}\n" for text in others))
        (folder / "dev.tsv").write_text("".join(f"{item.text}\t{item.answer}\n" for item in asked))
        result = studied(
            folder / "others.txt", train, folder / "dev.tsv", folder / "run", options.track, recipe, None, looks=False
        )
    answers = [item.answer or "" for item in asked]
    guess = score([commonest(read_pairs(train).answers())] * len(answers), answers)
    summary = {
        "track": options.track,
        "set": options.values,
        "seed": options.seed,
        "documents": len(texts),
        "documents_kept": len(others),
        "questions_asked": len(asked),
        "right": result["right"],
        "interval": result["interval"],
        "right_by_the_commonest_answer": guess.n_correct,
        "n_steps": result["n_steps"],
        "machine": machine,
    }
    json.dump(summary, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
