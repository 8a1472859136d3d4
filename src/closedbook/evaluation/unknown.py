"""What a model says of its answer, and what is said in place of one that it does not know. Imports no torch."""

from typing import Literal

from closedbook.examples.corruption import salient_spans

State = Literal["known", "never read", "not told"]
"""What a model says of its answer: that it knows it, that it read nothing about the name, or that no text says it."""
Withheld = Literal["withheld"]
"""The state of an answer that is known, but not surely enough for the precision that was asked for."""


def unknown_in_words(question: str, state: State | Withheld) -> str:
    """Why a question has no answer, for every state but known."""
    if state == "withheld":
        return "unknown: not sure enough"
    whom = _whom(question)
    if state == "never read":
        return f"unknown: nothing read about {whom}"
    return f"unknown: what was read about {whom} does not say"


def _whom(question: str) -> str:
    """The longest run of capitalized words, the question's first word aside; else whom the question names."""
    spans = salient_spans(question, 0)
    first = question.split(" ")[0]
    names = [question[i:j] for i, j in spans if question[i:j] != first]
    return max(names, key=len, default=f"whom {question!r} names")
