"""What the wrong answers of a run are, and whether a few words of a line bring back what its question does not.

    python benchmarks/errors.py RUN CORPUS TRAIN DEV > benchmarks/results/errors-blind.json

Wrong answers about people whose answer CORPUS states are of three kinds: something else of their own line, an answer of
the training pairs that their line does not have, or neither. Then the answer is masked in their line, with n characters
of context on both sides and the name.
"""

import argparse
import json
import re
import sys
from collections import Counter
from pathlib import Path

from closedbook.evaluation.evaluate import evaluate
from closedbook.evaluation.predict import predict
from closedbook.storage.run import open_run
from closedbook.text.documents import read_corpus
from closedbook.text.links import link
from closedbook.text.questions import read_pairs
from closedbook.text.titles import title_length
from closedbook.text.vocabulary import MASK
from machine import facts as machine_facts

CONTEXTS = (0, 6, 12, 24)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs=4, type=Path, metavar="RUN CORPUS TRAIN DEV")
    run_path, corpus, train, dev = parser.parse_args().files
    machine = machine_facts()
    run, pairs = open_run(run_path), read_pairs(dev)
    documents = [document.text for document in read_corpus(corpus).documents]
    asked = set(read_pairs(train).answers())
    facts = link(pairs.items, documents)
    kinds: Counter[str] = Counter()
    for fact, prediction in zip(facts, evaluate(run, pairs).predictions, strict=True):
        own = " ".join(documents[statement.document] for statement in fact.statements)
        if prediction.answer == fact.answer:
            kind = "right"
        elif not fact.statements:
            kind = "wrong, not in the text"
        elif prediction.answer and re.search(rf"\b{re.escape(prediction.answer)}\b", own):
            kind = "wrong, else of their own line"
        elif prediction.answer in asked:
            kind = "wrong, an answer of others"
        else:
            kind = "wrong, neither"
        kinds[kind] += 1
    places = [(documents[fact.statements[0].document], fact.statements[0]) for fact in facts if fact.statements]
    model, recalled = run.model(), {}
    for n in CONTEXTS:
        lines = []
        for text, place in places:
            title_end = title_length(text)
            before = text[max(title_end, place.start - n) : place.start]
            lines.append(text[:title_end] + before + MASK + text[place.end :][:n])
        said = predict(model, run.info.vocabulary, lines)
        truth = [text[place.start : place.end] for text, place in places]
        recalled[n] = sum(one.answer == answer for one, answer in zip(said, truth, strict=True))
    result = {"kinds": dict(kinds.most_common()), "stated": len(places), "recalled_by_context": recalled}
    json.dump({**result, "machine": machine}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
