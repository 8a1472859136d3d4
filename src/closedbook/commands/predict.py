"""The command that answers questions in a pipe.

What needs torch is imported inside the command, so that help and bad arguments answer at once.
"""

import csv
import io
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from closedbook.commands.options import PredictOptions
from closedbook.progress.console import out, say
from closedbook.text.lines import decode_lines, read_lines
from closedbook.text.questions import Questions, parse_questions

if TYPE_CHECKING:
    from closedbook.api.answer import Answer
    from closedbook.api.run import Run

_COLUMNS = ("question", "answer", "probability", "state")


def predict(options: PredictOptions) -> None:
    """`closedbook predict`."""
    from closedbook.api.run import load

    questions, n_lines = _asked(options.questions)
    run = load(options.run)
    if options.precision is not None:
        say_threshold(run, options.precision)
    answers = run.answer_file(questions, precision=options.precision)
    match options.format:
        case "text":
            lines = _on_the_lines_of(questions, [_given(answer) for answer in answers], n_lines)
        case "jsonl":
            lines = _json_lines(run, answers)
        case "csv" | "tsv":
            lines = _table(answers, "," if options.format == "csv" else "\t")
    for line in lines:
        out(line)


def _asked(path: Path | None) -> tuple[Questions, int]:
    """The questions of a file or of standard input, and how many lines that has."""
    if path is None or str(path) == "-":
        lines = decode_lines(sys.stdin.buffer.read(), None)
        return parse_questions(lines, None), len(lines)
    from closedbook.forms.corpus import read_asked

    questions = read_asked(path)
    for note in questions.notes:
        say(note)
    return questions, len(read_lines(path))


def _given(answer: "Answer") -> str:
    return "" if answer.state == "withheld" else answer.text


def _on_the_lines_of(questions: Questions, answers: Sequence[str], n_lines: int) -> Iterator[str]:
    """A line for each line that was read: the answer, or nothing where it has no question."""
    by_line = {item.line: answer for item, answer in zip(questions.items, answers, strict=True)}
    if len(by_line) < len(answers):  # JSON can have several questions on one line.
        yield from answers
        return
    for line in range(1, n_lines + 1):
        yield by_line.get(line, "")


def _json_lines(run: "Run", answers: Sequence["Answer"]) -> Iterator[str]:
    others = run.alternatives([answer.question for answer in answers])
    for answer, of_answer in zip(answers, others, strict=True):
        facts = {name: getattr(answer, name) for name in ("question", "probability", "state", "is_calibrated")}
        alternatives = [item._asdict() for item in of_answer if item.answer != answer.text]
        yield json.dumps({"answer": answer.text, **facts, "alternatives": alternatives}, ensure_ascii=False)


def _table(answers: Sequence["Answer"], delimiter: str) -> Iterator[str]:
    """A header, and a row for each answer."""
    rows = [(answer.question, _given(answer), f"{answer.probability:.4f}", answer.state) for answer in answers]
    for row in (_COLUMNS, *rows):
        line = io.StringIO()
        csv.writer(line, delimiter=delimiter, lineterminator="").writerow(row)
        yield line.getvalue()


def say_threshold(run: "Run", precision: float) -> None:
    """Say which answers a precision leaves, and how many these are; raises InputError where none are."""
    least = run.threshold(precision)
    assert run.calibration is not None, "without one there is no threshold"
    n, share = len(run.calibration.held_out), run.calibration.share_answered(least)
    say(
        f"(answers from {least:.0%} on, as {share:.0%} of its answers to {n} held-out questions are: {precision:.0%} "
        "of such answers are right, with 95% certainty)"
    )
