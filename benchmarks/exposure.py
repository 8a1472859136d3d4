"""How often each objective exposes a fact in an epoch, in expectation: the cause of what a model can answer.

    python benchmarks/exposure.py CORPUS PAIRS [TRAIN] > benchmarks/results/exposure.json

Objective `guided` needs TRAIN, whose answers teach the reader what to mask; PAIRS should then be about other people.

For the pairs whose answers the corpus states, over 200 epochs of masks: the share of epochs in which the answer is
seen, predicted with the name visible, masked, and masked in the form of an answer (`Exposure` in
analysis/ledger/counts.py defines each), by where the answer ends in its document. Exposures of a fact with several
statements are added up. Also how far span corruption reads, and what masking one capitalised word would give.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import get_args

from closedbook.analysis.ledger.counts import Exposure, Ledger, replay
from closedbook.evaluation.breakdown import ENDS, bin_labels, bin_number
from closedbook.examples.corruption import CorruptionConfig, Objective
from closedbook.examples.datasets import CharCorruptionDataset
from closedbook.reader.open_book import read_open_book
from closedbook.text.documents import Corpus, Span, read_corpus
from closedbook.text.links import Fact, link
from closedbook.text.questions import read_pairs
from closedbook.text.titles import title_length
from closedbook.text.vocabulary import MASK
from closedbook.training.reading import tagged_spans

N_EPOCHS = 200
BLOCK_SIZE = 128
WORD_FROM_LETTER = re.compile(r"\w[\w'’-]*")
SHARES = ("seen", "predicted", "masked", "in_answer_form")


def main(corpus_path: Path, pairs_path: Path, train_path: Path | None = None) -> None:
    corpus = read_corpus(corpus_path)
    documents = [document.text for document in corpus.documents]
    pairs = read_pairs(pairs_path)
    facts = [fact for fact in link(pairs.items, documents) if fact.statements]
    objectives = {}
    for name in get_args(Objective):
        if name == "guided" and train_path is None:
            continue
        tagged = (
            tagged_spans(corpus, read_open_book(corpus, read_pairs(train_path), 0), {})[0]
            if name == "guided" and train_path
            else {}
        )
        objectives[name] = shares_by_end(facts, dataset_of(name, corpus, tagged))
        print_table(name, objectives[name])
    result = {
        "corpus": corpus_path.name,
        "pairs": pairs_path.name,
        "block_size": BLOCK_SIZE,
        "n_epochs": N_EPOCHS,
        "n_documents": len(documents),
        "n_pairs": len(pairs.items),
        "n_stated": len(facts),
        "objectives": objectives,
        "span": span_corruption_reads(facts, dataset_of("span", corpus, {})),
        "one_capitalised_word": one_capitalised_word(facts, documents),
    }
    print(json.dumps(result, indent=1))


def dataset_of(objective: str, corpus: Corpus, tagged: Mapping[int, Sequence[Span]]) -> CharCorruptionDataset:
    """The corpus masked by one objective alone."""
    config = CorruptionConfig(**{name: float(name == objective) for name in get_args(Objective)})
    documents = [document.text for document in corpus.documents]
    return CharCorruptionDataset(documents, corpus.vocabulary, BLOCK_SIZE, config, tagged=tagged)


def shares_by_end(facts: Sequence[Fact], dataset: CharCorruptionDataset) -> list[dict[str, object]]:
    """For all facts and then for each bin: how many, and exposures an epoch."""
    ledger = Ledger(facts)
    for epoch in range(N_EPOCHS):
        replay(dataset, ledger, epoch)
    exposures = ledger.exposures
    rows = [mean_row("all", exposures)]
    for number, label in enumerate(bin_labels(ENDS)):
        of_bin = [e for fact, e in zip(facts, exposures, strict=True) if bin_number(ENDS, fact.end) == number]
        rows += [mean_row(label, of_bin)] if of_bin else []
    return rows


def mean_row(label: str, exposures: Sequence[Exposure]) -> dict[str, object]:
    total = asdict(sum(exposures, start=Exposure()))
    shares = {name: round(total[name] / (len(exposures) * N_EPOCHS), 5) for name in SHARES}
    return {"end": label, "n": len(exposures), **shares}


def span_corruption_reads(facts: Sequence[Fact], dataset: CharCorruptionDataset) -> dict[str, float]:
    """How often the truncated text reaches the answer's end, and how often the masked content begins where it does."""
    statements = [statement for fact in facts for statement in fact.statements]
    reached = begins = begins_whole = 0
    for dataset.epoch in range(N_EPOCHS):
        for statement in statements:
            prefix, suffix, content, _ = dataset.masked(statement.document).split(MASK)
            reached += len(prefix) + len(suffix) + len(content) >= statement.end
            is_at_start = len(prefix) == statement.start
            begins += is_at_start
            begins_whole += is_at_start and len(content) >= statement.end - statement.start
    n = len(statements) * N_EPOCHS
    return {
        "text_reaches_the_end_of_the_answer": round(reached / n, 5),
        "content_begins_where_the_answer_does": round(begins / n, 5),
        "and_holds_all_of_it": round(begins_whole / n, 5),
    }


def one_capitalised_word(facts: Sequence[Fact], documents: Sequence[str]) -> dict[str, float]:
    """The chance that one capitalised word after the title, drawn evenly, is the answer's first, or any of it."""
    first = any_of_it = 0.0
    for fact in facts:
        statement = fact.statements[0]
        document = documents[statement.document]
        words = WORD_FROM_LETTER.finditer(document, title_length(document))
        starts = [word.start() for word in words if word.group()[0].isupper()]
        first += (statement.start in starts) / max(1, len(starts))
        any_of_it += sum(statement.start <= start < statement.end for start in starts) / max(1, len(starts))
    return {"is_the_answers_first": round(first / len(facts), 5), "is_of_the_answer": round(any_of_it / len(facts), 5)}


def print_table(name: str, rows: Sequence[dict[str, object]]) -> None:
    print(f"{name:<10} n     " + "  ".join(f"{share:>14}" for share in SHARES), file=sys.stderr)
    for row in rows:
        shares = "  ".join(f"{float(str(row[share])):>14.2%}" for share in SHARES)
        print(f"{row['end']:<9}{row['n']:>5}  {shares}", file=sys.stderr)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
