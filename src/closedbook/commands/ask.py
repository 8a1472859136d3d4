"""The commands that ask a run: evaluate, predict, ask and generate.

What needs torch is imported inside the command that needs it, so that help and bad arguments answer at once.
"""

import sys
from collections.abc import Iterator

from closedbook.commands.options import AskOptions, EvaluateOptions, GenerateOptions, PredictOptions
from closedbook.errors import InputError, TextError
from closedbook.progress.console import out, say
from closedbook.text.lines import decode_lines
from closedbook.text.questions import parse_questions, read_questions


def evaluate(options: EvaluateOptions) -> None:
    """`closedbook evaluate`."""
    from closedbook.evaluation.evaluate import evaluate_file
    from closedbook.storage.run import open_run

    evaluation, path = evaluate_file(open_run(options.run), options.pairs)
    for line in evaluation.lines():
        out(line)
    say(f"predictions in {path}")


def predict(options: PredictOptions) -> None:
    """`closedbook predict`."""
    from closedbook.api.run import load

    if options.questions is None or str(options.questions) == "-":
        questions = parse_questions(decode_lines(sys.stdin.buffer.read(), None), None)
    else:
        questions = read_questions(options.questions)
    for answer in load(options.run).answer_file(questions):
        out(answer.text)


def ask(options: AskOptions) -> None:
    """`closedbook ask`: in a dialogue, a question that cannot be asked does not end it."""
    from closedbook.api.run import load

    run = load(options.run)
    for question in _dialogue() if options.question is None else [options.question]:
        try:
            answer = run.answer(question)
        except InputError as error:
            if options.question is not None:
                raise
            say(str(error))
            continue
        out(answer.text)
        sure = f"{answer.probability:.0%}" if answer.probability >= 0.01 else "under 1%"
        say(f"(the model gives this answer {sure}; it can be sure of what it makes up)")


def generate(options: GenerateOptions) -> None:
    """`closedbook generate`."""
    from closedbook.api.run import load

    out(
        load(options.run).generate(
            options.prompt,
            temperature=options.temperature,
            top_k=options.top_k,
            n_characters=options.n_characters,
            seed=options.seed,
        )
    )


def _dialogue() -> Iterator[str]:
    """Lines typed until an empty one or Ctrl-D; or all lines of a pipe that are not empty."""
    if not sys.stdin.isatty():
        for number, raw in enumerate(sys.stdin.buffer, 1):
            try:
                yield from (line for line in decode_lines(raw, None) if line.strip())
            except TextError as error:
                raise TextError(None, number, error.message) from None
        return
    say("Ask; an empty line or Ctrl-D ends.")
    while True:
        try:
            line = input("> ")
        except EOFError:
            return
        if not line.strip():
            return
        yield line
