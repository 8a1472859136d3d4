"""What `closedbook ledger` tells: how often a run's training exposed each fact of a file, and which it can answer.

Nothing was counted while it trained: the masks are a function of the recipe's seed, the epoch and the document, so the
run's files and the number of its steps are enough to count them afterwards.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from closedbook.analysis.ledger.counts import Exposure, Ledger, replay
from closedbook.analysis.ledger.figure import draw_tables
from closedbook.analysis.ledger.tables import by_asking, by_exposure
from closedbook.errors import RunError, TextError
from closedbook.evaluation.breakdown import Table, by_end, by_frequency
from closedbook.evaluation.evaluate import Evaluation, evaluate
from closedbook.evaluation.sources import as_learnt, learnt_pairs, lineage, needed, training_pairs_of
from closedbook.examples.batches import Batches, Position
from closedbook.examples.corruption import pair_string
from closedbook.examples.datasets import EpochDataset, supervised
from closedbook.files.durable import write_atomically
from closedbook.files.pictures import as_png, as_svg_file
from closedbook.storage.checkpoint import load_best
from closedbook.storage.run import Run
from closedbook.text.documents import read_corpus
from closedbook.text.links import Fact, link
from closedbook.text.questions import Question, Questions, read_pairs
from closedbook.training.metrics import read_metrics, read_steps
from closedbook.training.mixture import examples_of, stage_of


@dataclass(frozen=True)
class ExposureReport:
    """Facts, their exposures over a run and all that it began from, whether each is answered rightly, and tables."""

    facts: tuple[Fact, ...]
    exposures: tuple[Exposure, ...]
    right: tuple[bool, ...]
    evaluation: Evaluation
    tables: tuple[Table, ...]

    def lines(self) -> Iterator[str]:
        """What is to be told of it."""
        stated = [e for fact, e in zip(self.facts, self.exposures, strict=True) if fact.statements]
        yield f"accuracy: {self.evaluation.score}"
        yield f"stated in the text: {len(stated)} of {len(self.facts)}"
        if stated:
            total = sum(stated, start=Exposure())
            means = {name: f"{count / len(stated):,.1f}" for name, count in asdict(total).items()}
            yield (
                f"exposures of each in training, on average: seen {means['seen']} times, predicted with the name "
                f"visible {means['predicted']}, as masked content {means['masked']}, in the form of an answer "
                f"{means['in_answer_form']}; asked {means['asked']}"
            )
        for table in self.tables:
            yield from table.lines()


def exposure_report(run: Run, pairs_path: Path, train_path: Path | None = None) -> ExposureReport:
    """Count and ask; frequencies are of the run's training pairs, if no other file of them is given.

    Raises InputError where the run has not ended or where files that it was trained on are not as they were.
    """
    runs = lineage(run)
    pairs = read_pairs(pairs_path)
    training = training_pairs_of(runs) if train_path is None else as_learnt(read_pairs(train_path), run)
    evaluation = evaluate(run, pairs, training)
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


def save_report(report: ExposureReport, folder: Path, name: str) -> Path:
    """Write NAME.json, NAME.svg and NAME.png; no word of the questions stands in them, only their lines."""
    rows = [
        {
            "line": fact.line,
            "documents": [statement.document for statement in fact.statements],
            "end": fact.end,
            **asdict(exposure),
            "right": is_right,
        }
        for fact, exposure, is_right in zip(report.facts, report.exposures, report.right, strict=True)
    ]
    content = {"tables": {table.name: table.facts() for table in report.tables}, "facts": rows}
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: cannot be made: {error.strerror}") from None
    figure = draw_tables(report.tables)
    path = folder / f"{name}.json"
    write_atomically(path.with_suffix(".svg"), as_svg_file(figure))
    write_atomically(path.with_suffix(".png"), as_png(figure))
    write_atomically(path, json.dumps(content, indent=1).encode())
    return path


def exposures_of(run: Run, facts: list[Fact]) -> list[Exposure]:
    """What a run by itself, without those that it began from, exposed of facts, up to the weights that it kept.

    Raises RunError where the examples are not those of its metrics, since masks may change between versions.
    """
    dataset = dataset_of(run)
    stage = stage_of(run.info.kind, run.recipe, is_from_scratch=run.info.parent is None)
    batches = Batches(dataset, stage.batch_size, shuffle=stage.shuffle, seed=run.recipe.seed, window=stage.sort_window)
    _check_examples(run, dataset, batches.n_steps)
    end = _position(run, batches.n_steps)
    ledger = Ledger(facts, [_as_asked(fact, run) for fact in facts])
    for epoch in range(end.epoch):
        replay(dataset, ledger, epoch)
    if end.step:
        replay(dataset, ledger, end.epoch, batches.rows(end.epoch, end.step))
    return ledger.exposures


def dataset_of(run: Run) -> EpochDataset:
    """The examples that a run was trained on; raises RunError where a file is not as it was."""
    pairs = learnt_pairs(needed(run, "pairs"), run) if "pairs" in run.info.sources else None
    stage = stage_of(run.info.kind, run.recipe, is_from_scratch=run.info.parent is None)
    has_text = run.info.kind != "finetune" or stage.replay > 0
    corpus = read_corpus(needed(run, "corpus")) if has_text else None
    return examples_of(run.info.kind, run.recipe, run.info.vocabulary, corpus, pairs).dataset


def _documents(runs: list[Run]) -> list[str]:
    """Of the text that a run or one that it began from has read, or took its characters from."""
    for run in runs:
        if "corpus" in run.info.sources:
            return [document.text for document in read_corpus(needed(run, "corpus")).documents]
    raise RunError(f"{runs[-1].path / 'run.json'}: names no corpus; put it back from a copy")


def _as_asked(fact: Fact, run: Run) -> str:
    """The pair as the run's training pairs would spell it; nothing where nothing is left of it."""
    pair = Questions(None, (Question(fact.question, fact.answer, fact.line),))
    try:
        (item,) = as_learnt(pair, run).items
    except TextError:
        return ""
    return pair_string(item.text, item.answer or "")


def _position(run: Run, n_steps: int) -> Position:
    """Behind the last step that the run's weights learnt from; `n_steps` are an epoch."""
    best = load_best(run.path)
    if best is not None:
        return Position(best.state["epoch"], best.state["step_of_epoch"])
    step = max((entry["step"] for entry in read_metrics(run.path)), default=0)
    return Position(*divmod(step, n_steps))


def _check_examples(run: Run, dataset: EpochDataset, n_steps: int) -> None:
    """Compare the first epoch's supervised characters with those that the run counted, if it had all of its steps."""
    first = [entry for entry in read_steps(run.path) if entry["epoch"] == 0]
    if len(first) < n_steps:
        return
    dataset.epoch = 0
    now = sum(supervised(dataset[row][1]) for row in range(len(dataset)))
    then = sum(entry["n_supervised"] for entry in first)
    if now != then:
        raise RunError(
            f"{run.path}: its first epoch had {then:,} characters to learn, and the same recipe gives {now:,} now; "
            "examples are made otherwise since: use the version of closedbook that trained it"
        )
