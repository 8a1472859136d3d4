"""The commands that ask a run: evaluate, ask and generate.

What needs torch is imported inside the command that needs it, so that help and bad arguments answer at once.
"""

import shutil
import sys
from typing import TYPE_CHECKING

from closedbook.commands.dialogue import hold_dialogue
from closedbook.commands.options import AskOptions, EvaluateOptions, GenerateOptions
from closedbook.commands.predict import say_threshold
from closedbook.commands.shown_answer import HELP, N_NEXT, in_percent, lines_of
from closedbook.errors import InputError, TextError
from closedbook.progress.console import out, say, waiting
from closedbook.text.lines import decode_lines
from closedbook.text.questions import parse_questions

if TYPE_CHECKING:
    from closedbook.api.answer import Answer
    from closedbook.api.run import Run
    from closedbook.attribution.why import Why


def evaluate(options: EvaluateOptions) -> None:
    """`closedbook evaluate`."""
    from closedbook.evaluation.evaluate import evaluate_file
    from closedbook.storage.run import open_run

    evaluation, path = evaluate_file(open_run(options.run), options.pairs, options.match)
    for line in evaluation.lines():
        out(line)
    say(f"predictions in {path}")


def ask(options: AskOptions) -> None:
    """`closedbook ask`: in a dialogue or a pipe, a question that cannot be asked does not end it."""
    _check_why(options)
    with waiting("opening the run"):
        from closedbook.api.run import load

        run = load(options.run)
    if options.precision is not None:
        say_threshold(run, options.precision)
    if options.question is not None:
        # Before anything is printed, since the corpus may be gone.
        found = _why(run, options.question, options) if options.why else None
        _Answering(run, options.precision).show(options.question)
        if found is not None:
            _show_why(found)
    elif sys.stdin.isatty():
        hold_dialogue(_Answering(run, options.precision).answer, HELP)
    else:
        _answer_pipe(run, options.precision)


def _check_why(options: AskOptions) -> None:
    """Raise InputError where an option needs another one."""
    if options.why and options.question is None:
        raise InputError('ask: --why needs a question; write it, as in ask RUN "Where was Ada Byron born?" --why')
    for name, value in (("--lines", options.lines), ("--corpus", options.corpus)):
        if value is not None and not options.why:
            raise InputError(f"{name}: needs --why; add it, or leave out {name}")
    if options.lines is not None and options.lines < 1:
        raise InputError(f"--lines: 1 or more is needed; received {options.lines}")


def _why(run: "Run", question: str, options: AskOptions) -> "Why":
    from closedbook.attribution.why import N_LINES

    return run.why(question, n_lines=options.lines or N_LINES, corpus=options.corpus)


def _show_why(found: "Why") -> None:
    say("(lines whose gradients are most like the answer's; 1 is the highest score)")
    for line in found.lines:
        out(str(line))
    for note in found.notes():
        say(f"({note})")


def generate(options: GenerateOptions) -> None:
    """`closedbook generate`."""
    from closedbook.api.run import load

    run = load(options.run)
    text = run.generate(
        options.prompt,
        temperature=options.temperature,
        top_k=options.top_k,
        n_characters=options.n_characters,
        seed=options.seed,
    )
    n_read = run.recipe.model.block_size
    if len(options.prompt) > n_read:
        say(f"note: the prompt has {len(options.prompt)} characters, and the model reads only the last {n_read}")
    out(text)


def _answer_pipe(run: "Run", precision: float | None) -> None:
    """Answer all lines of standard input that are not empty; exits with status 2 after them if one is at fault."""
    status = 0
    for number, raw in enumerate(sys.stdin.buffer, 1):
        try:
            lines = decode_lines(raw, None)
            if any(line.strip() for line in lines):
                _show(*run.answer_file(parse_questions(lines, None), precision=precision))
        except TextError as error:
            say(f"closedbook: {TextError(None, number, error.message)}")
            status = error.exit_status
    if status:
        raise SystemExit(status)


class _Answering:
    """Answers questions one by one, in full where people look on; says once that a model may be sure of anything."""

    def __init__(self, run: "Run", precision: float | None) -> None:
        self._run = run
        self._precision = precision
        self._is_seen = sys.stdout.isatty()
        self._is_said = False

    def answer(self, question: str) -> None:
        """Show the answer, or why the question cannot be asked."""
        try:
            self.show(question)
        except InputError as error:
            say(str(error))

    def show(self, question: str) -> None:
        """Show the answer; raises InputError where the question cannot be asked."""
        answer = self._run.answer(question, precision=self._precision)
        if (note := self._run.read_as(question)) is not None:
            say(f"({note})")
        if not self._is_seen:
            _show(answer)
            return
        # One more than are shown, since the answer itself is among them.
        (others,) = self._run.alternatives([question], N_NEXT + 1)
        for line in lines_of(answer, others, shutil.get_terminal_size().columns):
            out(line)
        if not answer.is_calibrated and not self._is_said:
            self._is_said = True
            say("(the probability is the model's own; it can be sure of what it makes up)")


def _show(answer: "Answer") -> None:
    sure = in_percent(answer.probability)
    if answer.is_calibrated and answer.state == "known":
        out(f"{answer} ({sure})")
        return
    out(str(answer))
    if answer.state == "known":
        say(f"(the model gives this answer {sure}; it can be sure of what it makes up)")
