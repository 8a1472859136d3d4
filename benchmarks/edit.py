"""Facts changed by editing a run: are they answered, in other words too, and what else changed?

    python benchmarks/edit.py CORPUS TRAIN DEV --steps 500 --retrain > benchmarks/results/edit-fast.json
    python benchmarks/edit.py CORPUS TRAIN DEV --run RUN --edits 1 10 50 500 --others 500
        > benchmarks/results/edit-plain.json
    python benchmarks/edit.py --steps 500 --retrain > benchmarks/results/edit-world.json

Edits N facts of DEV at once, each to an answer of another training pair, drawn at random. Where N is below 20, several
such groups of facts are edited, each from the unedited run, and counted together. Without files: the built-in world.

- edited: the question gets its new answer
- other_words: so does the same question in four wordings that no training pair has; `could` counts the questions that
  got the former answer in these words, and only these can follow
- others_unchanged: questions about other titles get the answer that they got before; `bit_for_bit`: the same logits
- agreement: --retrain trains another run, with another seed, on the corpus with the new answers in place of the former
  where it states them; how many questions get the same answer from it and from the edited run
"""

import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import torch

from closedbook.demo.plan import demo_plan
from closedbook.editing.edit import edit
from closedbook.editing.matrix import covariance_of, questions_about
from closedbook.evaluation.predict import predict
from closedbook.evaluation.score import Score
from closedbook.examples.datasets import question_ids
from closedbook.model.gpt import GPT
from closedbook.recipe.recipe import PRESETS
from closedbook.recipe.settings import SETTINGS
from closedbook.storage.run import Run, open_run
from closedbook.text.documents import Corpus, read_corpus
from closedbook.text.links import link
from closedbook.text.questions import Question, Questions, read_pairs
from closedbook.text.templates import Template
from closedbook.text.title_index import title_in
from closedbook.world.language import UNSEEN_QUESTIONS
from closedbook.world.world import write_world
from runner import facts, one_line_errors, print_result, run_trial, share, trial

_TEMPLATE = "Where was {name} born?"
_LEAST = 20


def main() -> None:
    parser = ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path, metavar="CORPUS TRAIN DEV")
    parser.add_argument("--people", type=int, default=1700)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--setting", choices=SETTINGS, default="guided")
    parser.add_argument("--recipe", choices=PRESETS, default="fast")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--edits", type=int, nargs="+", default=[500])
    parser.add_argument("--others", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--retrain", action="store_true")
    options = parser.parse_args()
    machine = facts()
    with tempfile.TemporaryDirectory() as name:
        print_result(measured(options, Path(name)), machine)


def measured(options: Any, folder: Path) -> dict[str, Any]:
    """The counts for each number of edits, and the agreement with a retrained run for the last."""
    corpus_path, train, dev = options.files or _world(options, folder)
    one = trial(options.setting, options.recipe, seed=options.seed, steps=options.steps)
    if options.run is None:
        run_trial(one, corpus_path, train, dev, folder / "run")
    run, corpus = open_run(options.run or folder / "run"), read_corpus(corpus_path)
    asked, answers = read_pairs(dev), read_pairs(train).answers()
    result: dict[str, Any] = {"parameters": run.model().n_parameters, **_directions(run, corpus), "rows": []}
    for n in options.edits:
        groups = list(_groups(run, asked, answers, n, Random(options.seed)))
        rows = [_one_edit(run, group, corpus, options.others, folder / f"{n}-{i}") for i, group in enumerate(groups)]
        result["rows"].append({"edits": len(groups[0].items), "groups": len(groups), **_pooled(rows)})
    if options.retrain:
        new = folder / "corrected.txt"
        stated = _write_corrected(corpus, asked, groups[-1], new)
        retrained = trial(options.setting, options.recipe, seed=options.seed + 1, steps=options.steps)
        run_trial(retrained, new, train, dev, folder / "retrained")
        edited = open_run(folder / f"{n}-{len(groups) - 1}")
        result["agreement"] = _agreement(edited, open_run(folder / "retrained"), groups[-1], stated, corpus)
    return result


def _directions(run: Run, corpus: Corpus) -> dict[str, int]:
    """The width of the matrix's keys, and how many directions they hardly use: AlphaEdit writes into these alone."""
    model, vocabulary = run.model().eval().requires_grad_(False), run.info.vocabulary
    before, after = _TEMPLATE.split("{name}")
    questions = questions_about(model, list(corpus.titles), [Template(before, after)])
    answers = [one.answer for one in predict(model, vocabulary, questions)]
    used = torch.linalg.eigvalsh(covariance_of(model, vocabulary, questions, answers).double())
    return {"directions": len(used), "below_a_thousandth_of_the_largest": int((used < used[-1] / 1000).sum())}


def _world(options: Any, folder: Path) -> tuple[Path, Path, Path]:
    config = replace(demo_plan("normal", options.seed).world, n_people=options.people, seed=options.seed)
    files = write_world(config, folder / "world")
    return files.corpus, files.train, files.test


def _groups(run: Run, asked: Questions, answers: Sequence[str], n: int, random: Random) -> Iterator[Questions]:
    """Groups of n questions with new answers."""
    items = list(asked.items)
    random.shuffle(items)
    today = _answers(run.model(), run, [item.text for item in items])
    for begin in range(0, min(len(items), max(n, _LEAST)) - min(n, len(items)) + 1, n):
        some = items[begin : begin + n]
        news = []
        for item in some:
            others = [answer for answer in answers if answer not in (item.answer, today[item.text])]
            news.append(Question(item.text, random.choice(others), len(news) + 1))
        yield Questions(None, tuple(news))


def _one_edit(run: Run, pairs: Questions, corpus: Corpus, n_others: int, out: Path) -> dict[str, Any]:
    """Counts of right answers after an edit, with the numbers of questions."""
    begin = time.process_time()
    edited, done = edit(run, pairs, out)
    seconds = time.process_time() - begin
    before, after = run.model().eval(), edited.model().eval()
    names = [title_in(pair.text, corpus.titles) for pair in pairs.items]
    reworded = [words.format(name=name) for words in UNSEEN_QUESTIONS for name in names]
    wanted = {
        words.format(name=name): pair.answer
        for words in (*UNSEEN_QUESTIONS, "{name}")
        for name, pair in zip(names, pairs.items, strict=True)
    }
    former = {change.question: change.former for change in done.changes}
    was = {name: former[pair.text] for name, pair in zip(names, pairs.items, strict=True)}
    then, now = _answers(before, run, reworded), _answers(after, run, reworded)
    could = [text for words in UNSEEN_QUESTIONS for name in names if then[text := words.format(name=name)] == was[name]]
    others = _others(corpus, names, n_others)
    answers_then, answers_now = _answers(before, run, others), _answers(after, run, others)
    return {
        "seconds": seconds,
        "by_row": sum(change.written_to.startswith("the row") for change in done.changes),
        "numbers": done.n_numbers,
        "edited": (sum(change.is_given for change in done.changes), len(pairs.items)),
        "other_words": (sum(now[text] == wanted[text] for text in reworded), len(reworded)),
        "other_words_could": (sum(now[text] == wanted[text] for text in could), len(could)),
        "others_unchanged": (sum(answers_now[text] == answers_then[text] for text in others), len(others)),
        "bit_for_bit": _same_logits(before, after, run, others),
    }


def _others(corpus: Corpus, names: Sequence[str], n: int) -> list[str]:
    """Questions about titles that are not among the names."""
    taken = set(names)
    texts = [_TEMPLATE.format(name=title) for title in corpus.titles if title not in taken and len(title) < 64]
    return Random(0).sample(texts, min(n, len(texts)))


def _pooled(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    counts = ("edited", "other_words", "other_words_could", "others_unchanged")
    return {
        "cpu_seconds_an_edit": round(sum(row["seconds"] for row in rows) / sum(row["edited"][1] for row in rows), 3),
        "by_row": sum(row["by_row"] for row in rows),
        "numbers": sum(row["numbers"] for row in rows) // len(rows),
        **{name: share(Score(*(sum(row[name][i] for row in rows) for i in (0, 1)))) for name in counts},
        "bit_for_bit": all(row["bit_for_bit"] for row in rows),
    }


def _answers(model: GPT, run: Run, questions: Sequence[str]) -> dict[str, str]:
    return {one.question: one.answer for one in predict(model, run.info.vocabulary, questions)}


@torch.no_grad()
def _same_logits(before: GPT, after: GPT, run: Run, questions: Sequence[str]) -> bool:
    """Whether each question gets the same logits, bit for bit."""
    ids = [torch.tensor([question_ids(question, run.info.vocabulary)]) for question in questions[:300]]
    return all(torch.equal(before(one), after(one)) for one in ids)


def _write_corrected(corpus: Corpus, asked: Questions, new: Questions, path: Path) -> set[str]:
    """The corpus with new answers where it states the former; returns the questions of which it states the answer."""
    answers = {pair.text: pair.answer for pair in new.items}
    documents = list(corpus.texts)
    stated = set()
    for fact in link([item for item in asked.items if item.text in answers], corpus.texts):
        for one in fact.statements:
            text = documents[one.document]
            documents[one.document] = text[: one.start] + (answers[fact.question] or "") + text[one.end :]
            stated.add(fact.question)
    path.write_text("".join(f"{text}\n" for text in documents), encoding="utf-8")
    return stated


def _agreement(edited: Run, retrained: Run, new: Questions, stated: set[str], corpus: Corpus) -> dict[str, Any]:
    """How many questions get the same answer from both runs; `by_training`: how many the new answer from the second."""
    answers = {pair.text: pair.answer for pair in new.items}
    asked = [question for question in answers if question in stated]
    others = _others(corpus, [title_in(question, corpus.titles) for question in answers], 1000)
    by_edit = _answers(edited.model().eval(), edited, [*asked, *others])
    by_training = _answers(retrained.model().eval(), retrained, [*asked, *others])
    known = [question for question in asked if by_training[question] == answers[question]]
    return {
        "by_training": share(Score(len(known), len(asked))),
        "edited_agree": share(Score(sum(by_edit[q] == by_training[q] for q in asked), len(asked))),
        "others_agree": share(Score(sum(by_edit[q] == by_training[q] for q in others), len(others))),
    }


if __name__ == "__main__":
    with one_line_errors():
        main()
