"""Evaluation: a run is asked all questions of a file, its answers are kept and scored beside guessing."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from closedbook.errors import InputError
from closedbook.evaluation.breakdown import NEVER, Table, by_end, by_frequency
from closedbook.evaluation.predict import Prediction, predict
from closedbook.evaluation.score import Score, commonest, score
from closedbook.evaluation.sources import corpus_of, file_of, lineage, training_pairs_of
from closedbook.files.durable import write_atomically
from closedbook.storage.run import Run
from closedbook.text.links import link
from closedbook.text.questions import Questions, check_questions, read_pairs, read_questions


@dataclass(frozen=True)
class Evaluation:
    """Predictions for a file of questions and, if it has answers, their score and what guessing scores.

    `tables` break the score down as far as the run's files are at hand; `note` says what is not.
    """

    predictions: tuple[Prediction, ...]
    score: Score | None
    baseline: Score | None
    baseline_answer: str | None
    tables: tuple[Table, ...] = ()
    note: str | None = None

    def lines(self) -> Iterator[str]:
        """What is to be told of it."""
        if self.score is None:
            yield f"{len(self.predictions)} answers; no score, since the file has questions without answers"
            return
        yield f"accuracy: {self.score}"
        if self.baseline is not None:
            yield f"London baseline (always {self.baseline_answer!r}): {self.baseline}"
        else:
            yield "London baseline: unknown, since the run has no training pairs, or their file is not as it was"
        for table in self.tables:
            yield from (f"answer in no training pair: {row.score}" for row in table.rows if row.label == NEVER)
            yield table.line()
        if self.note is not None:
            yield self.note


def evaluate(run: Run, questions: Questions, training: Questions | None = None) -> Evaluation:
    """Ask a run all questions of a file.

    `baseline_answer` is the commonest answer of the training pairs, which are looked for where the run says
    that they were, if they are not given.
    """
    check_questions(questions, run.info.vocabulary, run.recipe.model.block_size)
    predictions = predict(run.model(), run.info.vocabulary, [item.text for item in questions.items])
    if any(item.answer is None for item in questions.items):
        return Evaluation(tuple(predictions), None, None, None)
    answers = questions.answers()
    training = training or _pairs_of(run)
    guess = None if training is None else commonest(training.answers())
    return Evaluation(
        tuple(predictions),
        score([prediction.answer for prediction in predictions], answers),
        None if guess is None else score([guess] * len(answers), answers),
        guess,
    )


def save_predictions(path: Path, predictions: Sequence[Prediction]) -> None:
    """One answer a line, in the order of the questions."""
    write_atomically(path, "".join(f"{prediction.answer}\n" for prediction in predictions).encode())


def evaluate_file(run: Run, pairs_path: Path) -> tuple[Evaluation, Path]:
    """Evaluate a run on a file, keep predictions and score in the run's folder, and say where."""
    questions = read_questions(pairs_path)
    evaluation = evaluate(run, questions)
    if evaluation.score is not None:
        evaluation = _broken_down(evaluation, run, questions)
    folder = run.path / "evaluations"
    folder.mkdir(exist_ok=True)
    path = folder / f"{pairs_path.stem}.predictions"
    save_predictions(path, evaluation.predictions)
    if evaluation.score is not None:
        facts = {
            "pairs": str(pairs_path.resolve()),
            "n_correct": evaluation.score.n_correct,
            "n_questions": evaluation.score.n_questions,
            "accuracy": evaluation.score.accuracy,
            "interval": evaluation.score.interval,
            "baseline_answer": evaluation.baseline_answer,
            "baseline_accuracy": evaluation.baseline and evaluation.baseline.accuracy,
            "tables": {table.name: table.facts() for table in evaluation.tables},
        }
        write_atomically(path.with_suffix(".json"), json.dumps(facts, indent=1, ensure_ascii=False).encode())
    return evaluation, path


def _pairs_of(run: Run) -> Questions | None:
    """The training pairs that a run was given, if it was and they are still as they were."""
    path = file_of([run], "pairs")
    return None if path is None else read_pairs(path)


def _broken_down(evaluation: Evaluation, run: Run, questions: Questions) -> Evaluation:
    """With the score by how common answers are and by where the text states them, where files are as they were."""
    answers = questions.answers()
    right = [p.answer == answer for p, answer in zip(evaluation.predictions, answers, strict=True)]
    try:
        runs = lineage(run)
    except InputError:
        runs = [run]
    training, corpus = training_pairs_of(runs), corpus_of(runs)
    tables = [] if training is None else [by_frequency(answers, training.answers(), right)]
    if corpus is None:
        note = "by where the text states the answer: unknown, since the run's corpus is gone or has another content"
        return replace(evaluation, tables=tuple(tables), note=note)
    facts = link(questions.items, [document.text for document in corpus.documents])
    return replace(evaluation, tables=(*tables, by_end(facts, right)))
