"""How well the open-book reader answers: held-out training questions, dev questions, candidates and confidences.

    python benchmarks/reader.py CORPUS TRAIN [DEV] > benchmarks/results/reader.json

The reader sees CORPUS and TRAIN alone; DEV is read after its silver pairs exist. A held-out question is answered by a
reader fitted on the other four folds. `namesakes` are titles with several documents or several answers; the reader
gives one answer for each title.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from closedbook.evaluation.score import Score
from closedbook.reader.open_book import HeldOut, OpenBook, read_open_book
from closedbook.text.documents import Corpus, read_corpus
from closedbook.text.links import link
from closedbook.text.questions import Questions, read_pairs
from closedbook.text.title_index import titles_of

BOUNDS = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
SEEDS = range(5)


def share(right: Sequence[bool]) -> dict[str, object]:
    score = Score(sum(right), len(right))
    interval = [round(bound, 4) for bound in score.interval]
    return {"right": sum(right), "of": len(right), "accuracy": round(score.accuracy, 4), "interval": interval}


def reliability(answered: Sequence[tuple[float, bool]]) -> list[dict[str, object]]:
    """Mean confidence and share of right answers, by confidence; the last bound is included."""
    rows = []
    for low, high in pairwise(BOUNDS):
        inside = [(c, right) for c, right in answered if low <= c < high or (c == high == BOUNDS[-1])]
        if inside:
            confidence = sum(c for c, _ in inside) / len(inside)
            rows.append({"from": low, "to": high, "confidence": round(confidence, 4), **share([r for _, r in inside])})
    return rows


def held_out(book: OpenBook, unique: set[str]) -> dict[str, object]:
    def right(items: Sequence[HeldOut]) -> list[bool]:
        return [item.answer == item.expected for item in items]

    return {
        "all": share(right(book.held_out)),
        "without_namesakes": share(right([item for item in book.held_out if item.question in unique])),
        "where_the_answer_is_a_candidate": share(right([item for item in book.held_out if item.stated])),
    }


def without_namesakes(corpus: Corpus, pairs: Questions) -> set[str]:
    """The questions that are asked once, about a title with one document."""
    texts = [document.text for document in corpus.documents]
    titles = titles_of(texts)
    asked = Counter(pair.text for pair in pairs.items)
    facts = link(pairs.items, texts)
    return {fact.question for fact in facts if asked[fact.question] == 1 and len(titles.get(fact.title, ())) == 1}


def recall(corpus: Corpus, pairs: Questions, book: OpenBook) -> dict[str, object]:
    """How many of the training answers that stand in their title's documents are candidates."""
    texts = [document.text for document in corpus.documents]
    titles = titles_of(texts)
    facts = {(fact.question, fact.answer): fact for fact in link(pairs.items, texts)}
    asked = [facts[item.question, item.expected].title for item in book.held_out]
    inside = [
        item
        for item, title in zip(book.held_out, asked, strict=True)
        if any(item.expected in texts[document][len(title) :] for document in titles[title])
    ]
    return share([item.stated for item in inside])


def main() -> None:
    corpus, train = read_corpus(Path(sys.argv[1])), read_pairs(Path(sys.argv[2]))
    start = time.perf_counter()
    book = read_open_book(corpus, train, seed=0)
    seconds = time.perf_counter() - start
    unique = without_namesakes(corpus, train)
    accuracies = [Score(b.n_right, len(b.held_out)).accuracy for b in (read_open_book(corpus, train, s) for s in SEEDS)]
    figures: dict[str, object] = {
        "seconds": round(seconds, 2),
        "documents": len(corpus.documents),
        "silver_pairs": len(book.pairs),
        "notes": book.notes,
        "recall_of_candidates": recall(corpus, train, book),
        "held_out": held_out(book, unique),
        "held_out_by_seed": [round(accuracy, 4) for accuracy in accuracies],
        "reliability_held_out": reliability([(h.confidence, h.answer == h.expected) for h in book.held_out]),
    }
    if len(sys.argv) > 3:
        dev = read_pairs(Path(sys.argv[3]))
        silver = {pair.question: pair for pair in book.pairs}
        answered = [
            (silver[i.text].confidence, silver[i.text].answer == i.answer) for i in dev.items if i.text in silver
        ]
        n_unanswered = len(dev.items) - len(answered)
        figures["dev"] = share([right for _, right in answered] + [False] * n_unanswered)
        figures["dev_unanswered"] = n_unanswered
        figures["reliability_dev"] = reliability(answered)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
