"""The demo's report as plain lines, and as JSON."""

import textwrap
from collections.abc import Iterator
from typing import Any

from closedbook.demo.results import Report, Scores
from closedbook.evaluation.score import Score

_WIDTH = 100


def summary(report: Report) -> Iterator[str]:
    """Who was asked about, the table, some answers, how sure they are, and how the models were trained."""
    yield from textwrap.wrap(report.people, _WIDTH)
    yield ""
    yield _row("", "held-out people", "other wordings", "made up", "minutes")
    for arm in report.arms:
        yield _row(arm.label, *_cells(arm.scores), f"{arm.seconds / 60:.1f}")
    for rival in (report.reader, report.majority):
        yield _row(rival.label, *_cells(rival.scores), "")
    yield ""
    for exchange in report.shown:
        yield f"{exchange.kind}: {exchange.question}"
        yield f"  {exchange.in_words()}"
        yield f"  the book says: {exchange.evidence or 'nothing about this person'}"
        yield ""
    for paragraph in (report.on_confidence(), *report.method):
        yield from textwrap.wrap(paragraph, _WIDTH)
    yield ""


def _row(label: str, held_out: str, other_wordings: str, made_up: str, minutes: str) -> str:
    return f"{label:<30}{held_out:<34}{other_wordings:<16}{made_up:<13}{minutes:>7}".rstrip()


def _cells(scores: Scores) -> tuple[str, str, str]:
    low, high = scores.held_out.interval
    held_out = f"{_count(scores.held_out)} = {scores.held_out.accuracy:.1%} ({low:.1%} to {high:.1%})"
    return held_out, _count(scores.other_wordings), _count(scores.made_up)


def _count(result: Score) -> str:
    return f"{result.n_correct}/{result.n_questions}"


def facts(report: Report) -> dict[str, Any]:
    """The report's figures as JSON has them."""
    return {
        "command": report.command,
        "seconds": report.seconds,
        "arms": [
            {
                "variant": arm.variant,
                "pretrained": arm.pretrained,
                "n_parameters": arm.n_parameters,
                "n_table_parameters": arm.n_table_parameters,
                "seconds": arm.seconds,
                **_facts_of(arm.scores),
            }
            for arm in report.arms
        ],
        "reader": _facts_of(report.reader.scores),
        "majority": _facts_of(report.majority.scores),
        "confidence": {"of": report.asked, **report.confidence.facts()},
    }


def _facts_of(scores: Scores) -> dict[str, Any]:
    return {
        name: {"right": result.n_correct, "of": result.n_questions, "interval": result.interval}
        for name, result in (("held_out", scores.held_out), ("other_wordings", scores.other_wordings))
    } | {"made_up": {"answered": scores.made_up.n_correct, "of": scores.made_up.n_questions}}
