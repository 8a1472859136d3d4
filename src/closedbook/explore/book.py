"""The book: all that the page knows besides its code."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from random import Random

import numpy as np

from closedbook.evaluation.calibration import load_calibration
from closedbook.explore.facts import engine_facts, run_facts
from closedbook.explore.likeness import Answers, Likeness, narrowest
from closedbook.explore.questions import Asked
from closedbook.explore.weights import packed_text
from closedbook.storage.run import Run
from closedbook.text.documents import Corpus
from closedbook.text.titles import title_of
from closedbook.text.vocabulary import Vocabulary, with_signs

_N_QUESTIONS = 200
_N_BINS = 10

WITHOUT_TEXT = (
    "Whoever has this file can read the model's weights, the words and titles of its text, and these questions."
)
WITH_TEXT = "Whoever has this file can read the model's weights, and the whole text that it learned."


@dataclass(frozen=True)
class Book:
    """What the page knows: `facts` as JSON, and two packed parts; `likeness` says how the weights were chosen."""

    facts: Mapping[str, object]
    weights: str
    texts: str
    likeness: Likeness

    def scripts(self) -> str:
        """The elements that the page's engine reads."""
        return (
            f'<script type="application/json" id="book">{json_of(self.facts)}</script>\n'
            f'<script type="text/plain" id="weights">{self.weights}</script>\n'
            f'<script type="text/plain" id="texts">{self.texts}</script>'
        )


def book_of(run: Run, asked: Asked, corpus: Corpus | None, command: str, *, with_text: bool) -> Book:
    """The book of a run; `corpus` is its text, if it is left, whose lines may be in it."""
    model, vocabulary, calibration = run.model().eval(), run.info.vocabulary, load_calibration(run.path)
    # Where there are no questions, those about people of the text show how it answers.
    known = [item.text for item in asked.questions] or asked.about(asked.people)
    strangers = asked.about(asked.strangers)
    own = Answers.of(model, vocabulary, calibration, known, strangers)
    packed, likeness = narrowest(model, vocabulary, calibration, own)
    facts = {
        **run_facts(run, model, corpus),
        **engine_facts(model, vocabulary, calibration),
        "tensors": packed.tensors,
        "questions": _questions(asked, own),
        "questionsFrom": asked.source,
        "template": None if asked.template is None else str(asked.template),
        "people": asked.people,
        "strangers": asked.strangers,
        "histograms": _histograms(own),
        "isOfText": asked.is_of_text,
        "madeBy": f"closedbook {version('closedbook')}",
        "date": date.today().isoformat(),
        "command": command,
        "warning": WITH_TEXT if with_text else WITHOUT_TEXT,
    }
    texts = json_of(texts_of(vocabulary, corpus if with_text else None)).encode()
    return Book(facts, packed_text(packed.data, is_text=False), packed_text(texts, is_text=True), likeness)


def json_of(value: object) -> str:
    """JSON that can stand in a script element."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _questions(asked: Asked, own: Answers) -> list[dict[str, object]]:
    """A random part of the questions, in their order, as the run itself answers them."""
    n = len(asked.questions)
    return [
        {
            "question": asked.questions[i].text,
            "answer": asked.questions[i].answer,
            "predicted": with_signs(own.known[i].answer),
            "state": own.known[i].state,
            "probability": round(own.probabilities[i], 4),
        }
        for i in sorted(Random(0).sample(range(n), min(_N_QUESTIONS, n)))
    ]


def _histograms(own: Answers) -> dict[str, object]:
    """How many known people and strangers have an answer of each probability."""
    edges = np.linspace(0, 1, _N_BINS + 1)
    n = len(own.known)

    def counts(values: Sequence[float]) -> list[int]:
        of: list[int] = np.histogram(values, edges)[0].tolist()
        return of

    known, strangers = counts(own.probabilities[:n]), counts(own.probabilities[n:])
    return {"of": "probability", "edges": edges.round(4).tolist(), "known": known, "strangers": strangers}


def texts_of(vocabulary: Vocabulary, corpus: Corpus | None) -> dict[str, object]:
    """The words, titles and wordings that a run knows, and the lines of a text."""
    lines = corpus and [
        {"number": one.line, "title": title_of(one.text).name, "line": one.text} for one in corpus.documents
    ]
    return {
        "words": vocabulary.words,
        "titles": vocabulary.titles,
        "wordings": vocabulary.wordings,
        "lines": lines,
    }
