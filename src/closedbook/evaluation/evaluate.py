"""Evaluation: asks a run all questions of a file, keeps its answers and scores them next to the majority baseline."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from closedbook.errors import RunError
from closedbook.evaluation.breakdown import NEVER, Table, by_end, by_frequency
from closedbook.evaluation.calibration import load_calibration
from closedbook.evaluation.confidence import Confidence, confidence_of
from closedbook.evaluation.confidence_figure import draw_confidence
from closedbook.evaluation.match import IN_WORDS as MATCH_IN_WORDS
from closedbook.evaluation.match import Counted, Match
from closedbook.evaluation.naming import result_name
from closedbook.evaluation.predict import Prediction, predict
from closedbook.evaluation.score import Score, commonest
from closedbook.evaluation.setting import IN_WORDS, RunSetting, setting_of
from closedbook.evaluation.sources import corpus_of, file_of, lineage_left, split_of, training_pairs_of
from closedbook.figures.pictures import as_png
from closedbook.files.durable import write_atomically
from closedbook.files.names import json_with_names
from closedbook.forms.corpus import read_asked, read_asked_pairs
from closedbook.model.gpt import GPT
from closedbook.storage.paths import paths_from
from closedbook.storage.run import Run, Source
from closedbook.text.links import link
from closedbook.text.questions import Questions, check_questions
from closedbook.text.spelling import Spelling, spelled


@dataclass(frozen=True)
class Baseline:
    """The majority baseline: the score of one answer given to every question."""

    answer: str
    score: Score
    is_from_training: bool
    """Whether `answer` is the commonest of the training pairs, or else of the questions themselves."""

    def __str__(self) -> str:
        why = "" if self.is_from_training else ", the commonest answer here, since the training pairs are unknown"
        return f"majority baseline (always {self.answer!r}{why}): {self.score}"


@dataclass(frozen=True)
class Evaluation:
    """Predictions for a file of questions and, if it has answers, their score and the majority baseline's.

    There is a prediction for each line with a question; all else is over the questions as they are `counted`. `tables`
    break the score down as far as the run's files are unchanged; `notes` say what is missing, what counts once, and
    what was read otherwise than it is spelled.
    """

    predictions: tuple[Prediction, ...]
    setting: RunSetting
    score: Score | None = None
    baseline: Baseline | None = None
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    confidence: Confidence | None = None
    counted: Counted | None = None

    def lines(self) -> Iterator[str]:
        """The lines to show to the user."""
        if self.score is None:
            yield f"{len(self.predictions)} answers; no score, since the file has questions without answers"
            yield from self.notes
            return
        yield f"accuracy: {self.score}"
        yield str(self.baseline)
        yield from [] if self.match in ("exact", None) else [f"match: {MATCH_IN_WORDS[self.match]}"]
        yield f"setting: {IN_WORDS[self.setting]}"
        yield from [] if self.confidence is None else self.confidence.lines()
        for table in self.tables:
            yield from (f"answer in no training pair: {row.score}" for row in table.rows if row.label == NEVER)
            yield table.line()
        yield from self.notes

    @property
    def match(self) -> Match | None:
        """When a prediction counts as right; None without answers, and where only the same string does."""
        return None if self.counted is None else self.counted.match

    def facts(self) -> dict[str, object]:
        """The same as JSON has it."""
        if self.score is None or self.baseline is None:
            return {"setting": self.setting, "n_questions": len(self.predictions)}
        return {
            "setting": self.setting,
            "match": self.match,
            "n_correct": self.score.n_correct,
            "n_questions": self.score.n_questions,
            "accuracy": self.score.accuracy,
            "interval": self.score.interval,
            "baseline_answer": self.baseline.answer,
            "baseline_accuracy": self.baseline.score.accuracy,
            "baseline_from": "training pairs" if self.baseline.is_from_training else "these questions",
            "confidence": None if self.confidence is None else self.confidence.facts(),
            "tables": {table.name: table.facts() for table in self.tables},
        }


def evaluate(
    run: Run,
    questions: Questions,
    training: Questions | None = None,
    *,
    model: GPT | None = None,
    is_reworded: bool = True,
    match: Match | None = "exact",
) -> Evaluation:
    """Ask a run all questions of a file, which all have answers or none has.

    Raises TextError with the first line that lacks an answer where others have one, or does not fit the run's model.

    `model` is the run's model, if it is loaded already. The majority baseline's answer is the commonest of the training
    pairs: those given, else those of the run if their file is unchanged. Without either it is the commonest of the
    questions' own answers, which no constant answer beats. Questions in words that no training pair had are asked as
    they are, unless they are reworded (see `Spelling`). A question on several lines counts once, right if any of its
    answers fits; with None for `match`, each line counts and only the same string is right, as the assignment has it.
    """
    has_answers = any(item.answer is not None for item in questions.items)
    if has_answers:
        questions.answers()
    asked, notes = _as_asked(run, questions, is_reworded=is_reworded)
    predictions = tuple(predict(model or run.model(), run.info.vocabulary, [item.text for item in asked.items]))
    setting = setting_of(run)
    if not has_answers:  # The file is for predictions alone.
        return Evaluation(predictions, setting, notes=tuple(notes))
    training = training or _pairs_of(run)
    counted = Counted.of(questions.items, match)
    right = counted.right([prediction.answer for prediction in predictions])
    return Evaluation(
        predictions,
        setting,
        Score(sum(right), len(right)),
        majority_baseline(counted, None if training is None else training.answers()),
        confidence=confidence_of(counted.first(predictions), right, load_calibration(run.path)),
        notes=(*notes, *counted.notes(questions.path)),
        counted=counted,
    )


def _as_asked(run: Run, questions: Questions, *, is_reworded: bool) -> tuple[Questions, list[str]]:
    """The questions as the run is asked, and notes to show the user; raises TextError where it cannot be."""
    spelling = Spelling(run.info.vocabulary, is_reworded=is_reworded)
    asked, notes = spelled(questions, spelling)
    check_questions(asked, run.info.vocabulary, run.recipe.model.block_size)
    return asked, [*questions.notes, *notes, *spelling.of_another_text(asked)]


def majority_baseline(counted: Counted, training_answers: Sequence[str] | None) -> Baseline:
    """The baseline on questions with answers; `training_answers` is None where they are unknown."""
    if training_answers is None:
        given = [pair for answers in counted.answers for pair in answers.items()]
    else:
        given = list(zip(counted.compared(training_answers), training_answers, strict=True))
    guess = commonest([compared for compared, _ in given])
    answer = next(written for compared, written in given if compared == guess)
    score = Score(sum(guess in answers for answers in counted.answers), len(counted.answers))
    return Baseline(answer, score, training_answers is not None)


def save_predictions(path: Path, predictions: Sequence[Prediction]) -> None:
    """Write one answer a line, in the order of the questions; raises RunError."""
    write_atomically(path, "".join(f"{prediction.answer}\n" for prediction in predictions).encode())


def evaluate_file(run: Run, pairs_path: Path, match: Match = "exact") -> tuple[Evaluation, Path]:
    """Evaluate a run on a file, and keep NAME.predictions, NAME.json and NAME.png in the run's folder.

    Also returns the path of the predictions. NAME is the file's, with '-normalized' where this is the match and with
    digits of its SHA-256 (see `result_name`).
    """
    questions = read_asked(pairs_path)
    evaluation = evaluate(run, questions, match=match)
    if evaluation.counted is not None:
        evaluation = _with_breakdown(evaluation, evaluation.counted, run, questions)
    folder = run.path / "evaluations"
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: cannot be made: {error.strerror}; move what is in the way") from None
    source = Source.of(pairs_path)
    plain = pairs_path.stem if evaluation.match in ("exact", None) else f"{pairs_path.stem}-{evaluation.match}"
    name = result_name(folder, plain, source.sha256)
    facts = {"pairs": paths_from(folder, pairs_path)[-1], "sha256": source.sha256, **evaluation.facts()}
    # First, since it says what the predictions are about.
    write_atomically(folder / f"{name}.json", json_with_names(facts))
    path = folder / f"{name}.predictions"
    save_predictions(path, evaluation.predictions)
    if evaluation.confidence is not None and evaluation.confidence.is_calibrated:
        write_atomically(folder / f"{name}.png", as_png(draw_confidence(evaluation.confidence)))
    return evaluation, path


def _pairs_of(run: Run) -> Questions | None:
    """The pairs that a run was trained on, without those held out, if there were any and their file is unchanged."""
    path = file_of([run], "pairs")
    return None if path is None else split_of(read_asked_pairs(path), run.recipe).training


def _with_breakdown(evaluation: Evaluation, counted: Counted, run: Run, questions: Questions) -> Evaluation:
    """With tables by how common the answer is and by where the text states it, as far as the files are unchanged.

    Of several answers to a question the commonest counts, and the one that is stated first.
    """
    right = counted.right([prediction.answer for prediction in evaluation.predictions])
    runs = lineage_left(run)
    training, corpus = training_pairs_of(runs), corpus_of(runs)
    tables = []
    if training is not None:
        trained = Counter(counted.compared(training.answers()))
        tables.append(by_frequency([max(of, key=trained.__getitem__) for of in counted.answers], trained, right))
    if corpus is None:
        note = "by where the text states the answer: unknown, since the run's corpus is gone or has changed"
        return replace(evaluation, tables=tuple(tables), notes=(*evaluation.notes, note))
    facts = link(questions.items, corpus.texts)
    ends = [min((facts[i].end or math.inf, i) for i in places) for places in counted.places]
    return replace(evaluation, tables=(*tables, by_end([facts[i] for _, i in ends], right)))
