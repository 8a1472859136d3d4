"""Ask the demo's models, and the rivals that need no network, and gather what they answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from closedbook.demo.method import method, people
from closedbook.demo.plan import DemoPlan
from closedbook.demo.results import Arm, Curve, Exchange, Kind, Report, Rival, Scores
from closedbook.evaluation.calibration import load_calibration
from closedbook.evaluation.confidence import Confidence, confidence_of
from closedbook.evaluation.predict import Prediction, predict
from closedbook.evaluation.score import Score, commonest, score
from closedbook.evaluation.setting import IN_WORDS, setting_of
from closedbook.model.config import Variant
from closedbook.model.gpt import GPT
from closedbook.reader.open_book import read_open_book
from closedbook.recipe.saved import recipe_toml
from closedbook.storage.run import Run, open_run
from closedbook.text.documents import Corpus, read_corpus
from closedbook.text.questions import Question, Questions, read_pairs
from closedbook.text.title_index import TitleIndex, title_in
from closedbook.training.metrics import read_metrics
from closedbook.world.world import WorldFiles

Arms = dict[tuple[Variant, bool], Run]
"""The run of each variant, with and without pretraining."""


@dataclass(frozen=True)
class _Asked:
    """The pairs that every model and rival is asked."""

    held_out: Questions
    other_wordings: Questions
    unknown: Questions

    def scores(self, answers: "_Answers") -> Scores:
        return Scores(
            score(answers.held_out, self.held_out.answers()),
            score(answers.other_wordings, self.other_wordings.answers()),
            Score(sum(answer != "" for answer in answers.unknown), len(self.unknown.items)),
        )


@dataclass(frozen=True)
class _Answers:
    """The answers to each group of questions; '' about an unknown person is none."""

    held_out: Sequence[str]
    other_wordings: Sequence[str]
    unknown: Sequence[str]


def report_of(plan: DemoPlan, files: WorldFiles, runs: Arms, command: str, seconds: float) -> Report:
    """Ask all runs, and report it; `seconds` is what this call of the demo took."""
    asked = _Asked(read_pairs(files.test), read_pairs(files.test_unseen_wording), read_pairs(files.withheld))
    corpus, train = read_corpus(files.corpus), read_pairs(files.train)
    arms = tuple(_arm(variant, pretrained, run, asked) for (variant, pretrained), run in runs.items())
    shown = next(arm for arm in arms if (arm.variant, arm.pretrained) == ("vanilla", True))
    run = runs["vanilla", True]
    questions = (*asked.held_out.items, *asked.unknown.items)
    predictions = predict(run.model(), run.info.vocabulary, [item.text for item in questions])
    right = [p.answer == item.answer for p, item in zip(predictions, questions, strict=True)]
    confidence = confidence_of(predictions, right, load_calibration(run.path))
    exchanges = _exchanges(predictions, confidence, questions, corpus)
    n_held_out = len(asked.held_out.items)
    return Report(
        title="closedbook: what a tiny transformer remembers",
        people=people(plan, n_held_out, len(asked.unknown.items)),
        method=tuple(method(plan, arms, IN_WORDS[setting_of(run)])),
        arms=arms,
        reader=_reader(corpus, train, plan.recipe.seed, asked),
        majority=_majority(train, asked),
        asked=shown.label,
        held_out=tuple(exchanges[:n_held_out]),
        unknown=tuple(exchanges[n_held_out:]),
        confidence=confidence,
        recipe_toml=recipe_toml(plan.recipe),
        command=command,
        # A demo that is continued trains only what is left; its runs know what they took before.
        seconds=max(seconds, sum(arm.seconds for arm in arms)),
    )


def _arm(variant: Variant, pretrained: bool, run: Run, asked: _Asked) -> Arm:
    model = run.model()
    curves = _curves(run)
    unknown = [p.answer if p.state == "known" else "" for p in _predict(model, run, asked.unknown)]
    held_out, other_wordings = (
        [p.answer for p in _predict(model, run, group)] for group in (asked.held_out, asked.other_wordings)
    )
    answers = _Answers(held_out, other_wordings, unknown)
    return Arm(
        variant=variant,
        pretrained=pretrained,
        n_parameters=model.n_parameters,
        n_table_parameters=model.n_table_parameters,
        seconds=sum(curve.seconds[-1] for curve in curves),
        scores=asked.scores(answers),
        curves=curves,
    )


def _predict(model: GPT, run: Run, questions: Questions) -> list[Prediction]:
    return predict(model, run.info.vocabulary, [item.text for item in questions.items])


def _reader(corpus: Corpus, train: Questions, seed: int, asked: _Asked) -> Rival:
    """The open-book reader as a dictionary of titles: what it answers about a person, however it is asked."""
    titles = corpus.titles
    answers: dict[str, str] = {}
    for pair in sorted(read_open_book(corpus, train, seed).pairs, key=lambda pair: pair.confidence):
        answers[title_in(pair.question, titles)] = pair.answer

    def looked_up(questions: Questions) -> list[str]:
        return [answers.get(title_in(item.text, titles), "") for item in questions.items]

    groups = (asked.held_out, asked.other_wordings, asked.unknown)
    return Rival("open-book reader, book open", asked.scores(_Answers(*map(looked_up, groups))))


def _majority(train: Questions, asked: _Asked) -> Rival:
    guess = commonest(train.answers())
    groups = (asked.held_out, asked.other_wordings, asked.unknown)
    answers = _Answers(*([guess] * len(group.items) for group in groups))
    return Rival(f"majority baseline, {guess!r}", asked.scores(answers))


def _curves(run: Run) -> tuple[Curve, ...]:
    """The losses of a run, after those of the run that it began from."""
    before = () if run.info.parent is None else _curves(open_run(Path(run.info.parent)))
    entries = list(read_metrics(run.path))
    steps = [entry for entry in entries if entry["kind"] == "step"]
    curve = Curve(
        name={"pretrain": "pretraining", "finetune": "finetuning"}[run.info.kind],
        steps=tuple(entry["step"] for entry in steps),
        losses=tuple(entry["loss"] for entry in steps),
        seconds=tuple(accumulate(entry["seconds"] for entry in steps)),
        validation=tuple((e["step"], e["validation_pairs_loss"]) for e in entries if e["kind"] == "evaluation"),
    )
    return (*before, curve)


def _exchanges(
    predictions: Sequence[Prediction], confidence: Confidence, questions: Sequence[Question], corpus: Corpus
) -> list[Exchange]:
    """Questions with answer, truth, probability and a line of the book."""
    exchanges = []
    judged = zip(predictions, questions, confidence.probabilities, confidence.right, strict=True)
    for prediction, question, probability, is_right in judged:
        evidence = _evidence(question.text, corpus.texts, corpus.titles)
        kind: Kind = "never written about" if evidence is None else "right" if is_right else "wrong"
        answer, truth = prediction.answer, question.answer or ""
        exchanges.append(Exchange(kind, question.text, answer, truth, probability, prediction.state, evidence))
    return exchanges


def _evidence(question: str, documents: Sequence[str], titles: TitleIndex) -> str | None:
    found = titles.get(title_in(question, titles))
    return documents[found[0]] if found else None
