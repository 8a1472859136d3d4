"""Do the lines that `ask --why` names teach the answer? Judged by training anew.

    python benchmarks/attribution.py CORPUS TRAIN DEV > benchmarks/results/attribution-guided-fast.json
    python benchmarks/attribution.py CORPUS TRAIN DEV --run RUN --setting self-study
        > benchmarks/results/attribution-self-study-fast.json
    python benchmarks/attribution.py --halves 50 --dattri > benchmarks/results/attribution-halves.json

With files:
- top1: for the questions of DEV that are answered rightly and whose answer a line states, the share for which the line
  with the highest score is one that states it; by arm (benchmarks/attribution_arms.py). Only the arms of table rows see
  names as such. With --run, nothing else is measured
- changed: in the top lines of --facts of these questions another answer is written in place of the one stated there,
  all at once, and a run is trained on that; how many questions get the new answer. `random_line`: the same new answers
  are written into lines about other people
- unwritten: a run is trained without the lines about --unwritten people of DEV; the top line's score for them and for
  the others, and how well it tells them apart (AUROC), with the model's probability of its answer as rival

Without files, in the built-in world: the linear datamodeling score (Park et al. 2023, section 2). Models are trained on
random halves of the lines. For each test question, the sum of the kept lines' scores is compared with the margin of the
right answer, log(p / (1 - p)), by Spearman's rank correlation over the halves; the mean over questions is reported.
--dattri adds Grad-Dot, Grad-Cos and TracIn by the package dattri, if it is installed, on all weights after attention.
"""

import os
import re
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "2000")

import torch
from torch import Tensor

from attribution_arms import arms, pooled, texts_of
from attribution_halves import halves
from closedbook.attribution.gradients import Prompt
from closedbook.attribution.lines import STANDS_OUT, Lines, asked_prompt, line_prompts, lines_of
from closedbook.evaluation.predict import Prediction, predict
from closedbook.evaluation.score import Score
from closedbook.model.gpt import GPT
from closedbook.recipe.recipe import PRESETS
from closedbook.recipe.settings import SETTINGS
from closedbook.storage.run import Run, open_run
from closedbook.text.documents import read_corpus
from closedbook.text.links import Fact, link
from closedbook.text.questions import Questions, read_pairs
from closedbook.text.title_index import title_in, titles_of
from closedbook.text.words import whole_words
from closedbook.training.mixture import examples_of_run
from runner import facts, one_line_errors, print_result, run_trial, share, trial


def main() -> None:
    parser = ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path, metavar="CORPUS TRAIN DEV")
    parser.add_argument("--run", type=Path, help="a run on CORPUS, in place of training one; top1 alone")
    parser.add_argument("--setting", choices=SETTINGS, default="guided")
    parser.add_argument("--recipe", choices=PRESETS, default="fast")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--facts", type=int, default=100)
    parser.add_argument("--unwritten", type=int, default=150)
    parser.add_argument("--halves", type=int, default=50)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--dattri", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    machine = facts()
    with tempfile.TemporaryDirectory() as name:
        measured = on_text if options.files else halves
        print_result(measured(options, Path(name)), machine)


def on_text(options: Namespace, folder: Path) -> dict[str, Any]:
    """Top lines by arm; facts that follow a changed line; people of whom nothing is written."""
    corpus, _, dev = options.files
    run = open_run(options.run) if options.run else _trained(options, corpus, folder / "run", options.seed)
    begin = time.process_time()
    examples = examples_of_run(run)
    read = time.process_time()
    model, vocabulary = run.model().eval(), run.info.vocabulary
    lines = lines_of(model, vocabulary, run.recipe, examples)
    compared = time.process_time()
    known = _known(model, run, read_pairs(dev), read_corpus(corpus).texts)
    asked = [(fact.question, fact.answer) for fact in known]
    scores = lines.scores(model, vocabulary, asked)
    top = scores.argmax(1).tolist()
    print(f"{_hits(top, known)} of {len(known)} top lines state the answer", flush=True, file=sys.stderr)
    prompts = list(line_prompts(vocabulary, run.recipe, examples))
    result: dict[str, Any] = {
        "parameters": model.n_parameters,
        "lines": lines.n,
        "examples": len(prompts),
        "cpu_seconds": {"examples": round(read - begin, 1), "gradients": round(compared - read, 1)},
        "top1": share(Score(_hits(top, known), len(known))),
        "top_scores": _spread(scores.amax(1)),
        "top1_by_arm": _by_arm(model, run, prompts, asked, known, lines.n),
    }
    if not options.run:
        result["changed"] = _changed(options, folder, known, top)
        result["unwritten"] = _unwritten(options, folder)
    return result


def _trained(options: Namespace, corpus: Path, out: Path, seed: int) -> Run:
    _, train, dev = options.files
    run_trial(trial(options.setting, options.recipe, seed=seed, steps=options.steps), corpus, train, dev, out)
    return open_run(out)


def _known(model: GPT, run: Run, asked: Questions, texts: Sequence[str]) -> list[Fact]:
    """The facts that a line states and the run knows."""
    predictions = predict(model, run.info.vocabulary, [item.text for item in asked.items])
    linked = zip(link(asked.items, texts), predictions, strict=True)
    return [fact for fact, one in linked if one.answer == fact.answer and fact.statements]


def _hits(top: Sequence[int], known: Sequence[Fact]) -> int:
    pairs = zip(top, known, strict=True)
    return sum(line in {statement.document for statement in fact.statements} for line, fact in pairs)


def _by_arm(
    model: GPT,
    run: Run,
    examples: Sequence[tuple[int, Prompt]],
    asked: Sequence[tuple[str, str]],
    known: Sequence[Fact],
    n: int,
) -> dict[str, Any]:
    documents, prompts = zip(*examples, strict=True)
    theirs = texts_of(model, prompts)
    ours = texts_of(model, [asked_prompt(*one, run.info.vocabulary) for one in asked])
    document, result = torch.tensor(documents), {}
    for name, scores in arms(ours, theirs):
        by_pool = {
            how: round(_hits(pooled(scores, document, n, pool).argmax(1).tolist(), known) / len(known), 4)
            for how, pool in (("best_example", "amax"), ("all_examples", "sum"))
        }
        result[name] = by_pool
    return result


def _changed(options: Namespace, folder: Path, known: Sequence[Fact], top: Sequence[int]) -> dict[str, Any]:
    """Trains on the corpus with new answers in the top lines, and with these in lines about other people."""
    corpus, train, _ = options.files
    random = Random(options.seed)
    order = random.sample(range(len(known)), min(2 * options.facts, len(known)))
    chosen, others = order[: options.facts], order[options.facts :]
    answers = sorted({answer for answer in read_pairs(train).answers() if len(answer) > 2})
    new = {fact: random.choice([one for one in answers if one != known[fact].answer]) for fact in chosen}
    texts = read_corpus(corpus).texts
    in_top = {top[fact]: _with(texts[top[fact]], known[fact].answer, new[fact]) for fact in chosen}
    elsewhere = {}
    for fact, other in zip(chosen, others, strict=False):
        line = known[other].statements[0].document
        elsewhere[line] = _with(texts[line], known[other].answer, new[fact])
    questions = [known[fact].question for fact in chosen]
    result: dict[str, Any] = {}
    for number, (name, changes) in enumerate((("top_line", in_top), ("random_line", elsewhere)), 1):
        path = folder / f"{name}.txt"
        path.write_text("".join(f"{changes.get(i, text)}\n" for i, text in enumerate(texts)), encoding="utf-8")
        run = _trained(options, path, folder / name, options.seed + number)
        now = [one.answer for one in predict(run.model().eval(), run.info.vocabulary, questions)]
        got, kept = (
            sum(answer == wanted for answer, wanted in zip(now, some, strict=True))
            for some in ([new[fact] for fact in chosen], [known[fact].answer for fact in chosen])
        )
        result[name] = {
            "lines": len(changes),
            "new": share(Score(got, len(now))),
            "former": share(Score(kept, len(now))),
        }
    return result


def _with(text: str, former: str, new: str) -> str:
    """The text with the new answer wherever it has the former; as it is where it has none."""
    return re.sub(whole_words(former), lambda _: new, text)


def _unwritten(options: Namespace, folder: Path) -> dict[str, Any]:
    """Top scores for people of whom nothing is written, and for the others."""
    corpus, _, dev = options.files
    texts, asked = read_corpus(corpus).texts, read_pairs(dev).items
    titles = titles_of(texts)
    unwritten = {item.text for item in asked[: options.unwritten]}
    gone = {line for item in asked if item.text in unwritten for line in titles.get(title_in(item.text, titles), ())}
    path = folder / "written.txt"
    path.write_text("".join(f"{text}\n" for i, text in enumerate(texts) if i not in gone), encoding="utf-8")
    run = _trained(options, path, folder / "written", options.seed)
    model, vocabulary = run.model().eval(), run.info.vocabulary
    lines: Lines = lines_of(model, vocabulary, run.recipe, examples_of_run(run))
    given: list[Prediction] = predict(model, vocabulary, [item.text for item in asked])
    best = lines.scores(model, vocabulary, [(one.question, one.answer) for one in given]).amax(1)
    sure = torch.tensor([one.confidence for one in given])
    is_unwritten = torch.tensor([item.text in unwritten for item in asked])
    is_right = torch.tensor([one.answer == item.answer for one, item in zip(given, asked, strict=True)])
    groups = {"unwritten": is_unwritten, "written_right": ~is_unwritten & is_right, "wrong": ~is_unwritten & ~is_right}
    return {
        "lines_left_out": len(gone),
        "auroc": {
            "top_score": _auroc(best[~is_unwritten], best[is_unwritten]),
            "probability": _auroc(sure[~is_unwritten], sure[is_unwritten]),
        },
        "groups": {name: _spread(best[group]) for name, group in groups.items()},
    }


def _auroc(high: Tensor, low: Tensor) -> float:
    """The probability that one of `high` is above one of `low`."""
    pairs = high[:, None] - low[None]
    return round(float(((pairs > 0) + 0.5 * (pairs == 0)).mean()), 4)


def _spread(scores: Tensor) -> dict[str, Any]:
    at = (0.01, 0.05, 0.5, 0.95, 0.99)
    quantiles = scores.quantile(torch.tensor(at)).tolist()
    return {
        "n": len(scores),
        "quantiles": {str(q): round(value, 3) for q, value in zip(at, quantiles, strict=True)},
        f"below_{STANDS_OUT}": round(float((scores < STANDS_OUT).float().mean()), 4),
    }


if __name__ == "__main__":
    with one_line_errors():
        main()
