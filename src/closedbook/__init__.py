"""closedbook: pretrain a tiny transformer on a text, close the book, and ask it questions.

    import closedbook

    run = closedbook.study("people.txt", "train.tsv", "runs/people", budget_minutes=1)
    run = closedbook.load("runs/people")                    # any run that has ended
    run.answer("Where was Ada Byron born?")                 # Answer: text, probability
    run.answer_many(["Where was Ada Byron born?", ...])
    run.evaluate("dev.tsv").accuracy
    run.generate("Ada Byron. ", temperature=0.8)
    print(run.trace("Where was Ada Byron born?"))           # which part of the model gives the answer
    print(run.why("Where was Ada Byron born?"))             # which lines of the text taught it
    run = closedbook.grow(run, "more-people.txt", "runs/more")    # a run that has learned another text too
    run.edit("Where was Ada Byron born?", "Paris", "runs/paris")  # a run in which one fact is another
    run.export("people-hf")                                 # a folder for the transformers library, or for PyTorch
    run.model, run.vocabulary, run.recipe

Faults in files, folders and numbers raise InputError, whose message says what to do. PyTorch is imported when one of
these names is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from closedbook.errors import ClosedbookError, InputError

if TYPE_CHECKING:
    from closedbook.api.answer import Answer, Evaluation
    from closedbook.api.grow import grow
    from closedbook.api.run import Run, load
    from closedbook.api.study import study

__all__ = ["Answer", "ClosedbookError", "Evaluation", "InputError", "Run", "grow", "load", "study"]

_WHERE = {
    "Answer": "closedbook.api.answer",
    "Evaluation": "closedbook.api.answer",
    "Run": "closedbook.api.run",
    "grow": "closedbook.api.grow",
    "load": "closedbook.api.run",
    "study": "closedbook.api.study",
}


if not TYPE_CHECKING:  # A type checker would take any name for an attribute.

    def __getattr__(name: str) -> object:
        if name not in _WHERE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
