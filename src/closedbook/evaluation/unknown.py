"""What a model says of its answer, and what is said in place of one that it does not know. Imports no torch."""

from typing import Literal

_PARTICLES = ["van", "von", "der", "den", "de", "del", "di", "da", "du", "la", "le", "al", "bin", "ibn", "y"]

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
    """The longest run of capitalized words, the question's first word alone aside; else whom the question names."""
    runs: list[list[str]] = [[]]
    for word in question.split():
        if word[0].isupper() or (runs[-1] and word in _PARTICLES):
            runs[-1].append(word)
        else:
            runs.append([])
    names = (" ".join(run).rstrip("?!.,;:") for run in runs if run and run != question.split()[:1])
    return max(names, key=len, default=f"whom {question!r} names")
