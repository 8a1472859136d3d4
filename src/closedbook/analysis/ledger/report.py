"""The report of `closedbook ledger`: how often training exposed each fact of a file, and which facts the run knows.

Nothing is counted during training. The masks are a function of the recipe's seed, the epoch and the document, so the
exposures can be counted afterwards from the run's files and its number of steps.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from closedbook.analysis.ledger.counts import Exposure
from closedbook.analysis.ledger.figure import draw_tables
from closedbook.analysis.ledger.recount import exposures_of
from closedbook.analysis.ledger.tables import by_asking, by_exposure
from closedbook.errors import RunError
from closedbook.evaluation.breakdown import Table, by_end, by_frequency
from closedbook.evaluation.evaluate import Evaluation, evaluate
from closedbook.evaluation.naming import result_name
from closedbook.evaluation.sources import as_learned, lineage, text_of, training_pairs_of
from closedbook.figures.pictures import as_png, as_svg_file
from closedbook.files.durable import write_atomically
from closedbook.forms.corpus import read_asked_pairs
from closedbook.storage.run import Run, Source
from closedbook.text.links import Fact, link


@dataclass(frozen=True)
class ExposureReport:
    """Facts, their exposures by a run and the runs it began from, which of them it answers rightly, and tables."""

    facts: tuple[Fact, ...]
    exposures: tuple[Exposure, ...]
    right: tuple[bool, ...]
    evaluation: Evaluation
    tables: tuple[Table, ...]

    def lines(self) -> Iterator[str]:
        """The lines to show to the user."""
        stated = [e for fact, e in zip(self.facts, self.exposures, strict=True) if fact.statements]
        yield from self.evaluation.lines()
        yield f"stated in the text: {len(stated)} of {len(self.facts)}"
        if stated:
            total = sum(stated, start=Exposure())
            means = {name: f"{count / len(stated):,.1f}" for name, count in asdict(total).items()}
            yield (
                f"mean exposures of each in training: seen {means['seen']} times, predicted with the name visible "
                f"{means['predicted']}, as masked content {means['masked']}, in the form of an answer "
                f"{means['in_answer_form']}; asked {means['asked']}"
            )
        for table in self.tables:
            yield from table.lines()

    def content(self) -> dict[str, object]:
        """The report as JSON has it: it names the questions by their lines and repeats none of their words."""
        rows = [
            {
                "line": fact.line,
                "documents": [statement.document for statement in fact.statements],
                "end": fact.end,
                **asdict(exposure),
                "right": is_right,
            }
            for fact, exposure, is_right in zip(self.facts, self.exposures, self.right, strict=True)
        ]
        return {"tables": {table.name: table.facts() for table in self.tables}, "facts": rows}


def exposure_report(run: Run, pairs_path: Path, train_path: Path | None = None) -> ExposureReport:
    """Count the exposures of a file's facts and ask the run about them.

    How common an answer is, is counted in the pairs of `train_path`, or else in the run's training pairs. Raises
    InputError where the run has not ended or where a file that it was trained on is gone or has changed.
    """
    runs = lineage(run)
    pairs = read_asked_pairs(pairs_path)
    training = training_pairs_of(runs) if train_path is None else as_learned(read_asked_pairs(train_path), run)
    evaluation = evaluate(run, pairs, training, match=None)  # A fact is a line's.
    answers = pairs.answers()
    right = [p.answer == answer for p, answer in zip(evaluation.predictions, answers, strict=True)]
    facts = link(pairs.items, _documents(runs))
    exposures = [Exposure() for _ in facts]
    for one in reversed(runs):
        exposures = [e + more for e, more in zip(exposures, exposures_of(one, facts), strict=True)]
    tables = [by_exposure(facts, exposures, right), by_end(facts, right)]
    if training is not None:
        tables.append(by_frequency(answers, training.answers(), right))
    if any(exposure.asked for exposure in exposures):
        tables.append(by_asking(exposures, right))
    return ExposureReport(tuple(facts), tuple(exposures), tuple(right), evaluation, tuple(tables))


def save_report(report: ExposureReport, folder: Path, pairs_path: Path) -> Path:
    """Write NAME.json, NAME.svg and NAME.png into a folder, and return the path of the first; raises RunError.

    NAME is that of the pairs' file, with digits of its SHA-256 (see `result_name`).
    """
    digest = Source.of(pairs_path).sha256
    path = folder / f"{result_name(folder, pairs_path.stem, digest)}.json"
    figure = draw_tables(report.tables)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: cannot be made: {error.strerror}; move what is in the way") from None
    # JSON first, since it says what the figures are about.
    write_atomically(path, json.dumps({"sha256": digest, **report.content()}, indent=1).encode())
    write_atomically(path.with_suffix(".svg"), as_svg_file(figure))
    write_atomically(path.with_suffix(".png"), as_png(figure))
    return path


def _documents(runs: list[Run]) -> Sequence[str]:
    """The documents of the nearest run of a lineage that was given a corpus."""
    for run in runs:
        if "corpus" in run.info.sources:
            return text_of(run).texts
    raise RunError(f"{runs[-1].path / 'run.json'}: names no corpus; put it back from a copy")
