"""People forgotten by editing a run: does it know no more of them than a run that never read their lines?

    python benchmarks/forget.py CORPUS TRAIN DEV --setting self-study --steps 500 --seeds 0
        > benchmarks/results/forget-self-study.json
    python benchmarks/forget.py CORPUS TRAIN DEV --setting guided --steps 500 --seeds 0
        > benchmarks/results/forget-guided.json

For each seed two runs are trained: one on the corpus, and one on the corpus without the lines about 150 DEV people, as
in benchmarks/knows.py. The first forgets these people at once, and 50 of them one by one. `names_alone` sets the
rows of their names to zero and leaves those of their words' prefixes; `shared_too` also sets to zero the prefixes'
rows that others reach, which shows how much of what is left is in these.

- never_read: questions about the forgotten that get this state, and the mean probability of it; `agreement`: the same
  state as from the run that never read about them
- leak: what is left of the true answer once the model has to answer, after the question, after the name among pieces
  of words as training has it, and in a forgotten line with the answer masked. `right`: the greedy answer is true;
  `first`: of all forgotten people's answers the true one is the likeliest; `rank`: its median rank among them;
  `nats`: minus its mean log-probability, given that something was read; `gain`: how many nats more it has after its
  own text than on average after all of them, which is what the name still tells
- others: questions about other titles that get the same answer and state; `bit_for_bit`: the same logits
"""

import shutil
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import fmean, median
from typing import Any

import torch

from closedbook.editing.contexts import among_pieces
from closedbook.editing.forget import forget
from closedbook.editing.titles import parse_titles
from closedbook.evaluation.predict import predict
from closedbook.examples.datasets import question_ids
from closedbook.model.gpt import GPT
from closedbook.model.likelihood import log_likelihoods
from closedbook.storage.run import Run, open_run
from closedbook.text.documents import Corpus, read_corpus
from closedbook.text.links import link, title_in
from closedbook.text.questions import Question
from closedbook.text.vocabulary import MASK, Vocabulary
from knows import of_files
from runner import facts, one_line_errors, print_result, run_trial, trial

_LONGEST = 96
_N_OTHERS_ALONE = 20


def main() -> None:
    parser = ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs=3, type=Path, metavar=("CORPUS", "TRAIN", "DEV"))
    parser.add_argument("--setting", choices=("self-study", "guided"), default="self-study")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--alone", type=int, default=50)
    parser.add_argument("--others", type=int, default=1000)
    options = parser.parse_args()
    machine = facts()
    by_seed = []
    for seed in options.seeds:
        with tempfile.TemporaryDirectory() as folder:
            by_seed.append({"seed": seed, **measured(options, seed, Path(folder))})
    print_result({"setting": options.setting, "steps": options.steps, "seeds": by_seed}, machine)


@dataclass(frozen=True)
class Task:
    """The people to forget, with their questions, and texts in which their answers may leak."""

    corpus: Corpus
    titles: tuple[str, ...]
    questions: tuple[Question, ...]
    leaks: dict[str, list[tuple[str, str]]]
    others: list[str]


def measured(options: Any, seed: int, folder: Path) -> dict[str, Any]:
    """Train both runs, forget, and compare."""
    corpus_path, train, _ = options.files
    without = of_files(options.files, folder, seed)
    dev = folder / "written.tsv"
    dev.write_text("".join(f"{item.text}\t{item.answer}\n" for item in without.written), encoding="utf-8")
    one = trial(options.setting, "fast", seed=seed, steps=options.steps)
    run_trial(one, corpus_path, train, dev, folder / "read")
    run_trial(one, without.corpus, train, dev, folder / "never-read")
    read, never_read = open_run(folder / "read"), open_run(folder / "never-read")
    task = task_of(read_corpus(corpus_path), without.unwritten, never_read.info.vocabulary, options.others)
    return {"titles": len(task.titles), **compared(read, never_read, task, options.alone, folder)}


def task_of(corpus: Corpus, questions: Sequence[Question], vocabulary: Vocabulary, n_others: int) -> Task:
    """Everything that is asked."""
    named = {title_in(item.text, corpus.titles): item for item in questions}
    masked = []
    for fact in link(questions, corpus.texts):
        for at in fact.statements[:1]:
            text = corpus.texts[at.document]
            masked.append((f"{text[: at.start]}{MASK}{text[at.end :]}"[:_LONGEST], fact.answer))
    leaks = {
        "question": [(item.text, item.answer or "") for item in questions],
        "pieces": [(next(among_pieces(title, vocabulary, title)), item.answer or "") for title, item in named.items()],
        "masked_line": [one for one in masked if MASK in one[0] and not vocabulary.unknown(one[0])],
    }
    template = questions[0].text.replace(title_in(questions[0].text, corpus.titles), "{}")
    titles = [title for title in corpus.titles if title not in named and len(title) < 64]
    others = [template.format(title) for title in Random(0).sample(titles, min(len(titles), n_others))]
    return Task(corpus, tuple(named), tuple(questions), leaks, [q for q in others if not vocabulary.unknown(q)])


def compared(read: Run, never_read: Run, task: Task, n_alone: int, folder: Path) -> dict[str, Any]:
    """What each run says of the forgotten, and of others."""
    begin = time.process_time()
    forgotten, done = forget(read, parse_titles(task.titles, None), folder / "forgotten")
    seconds = time.process_time() - begin
    models = {"read": read.model(), "never_read": never_read.model(), "forgotten": forgotten.model()}
    models |= {"names_alone": read.model(), "shared_too": forgotten.model()}
    with torch.no_grad():
        models["names_alone"].name_table.table.weight[done.former["name_table.table.weight"].rows] = 0
        prefixes = models["shared_too"].prefix_table
        for title in task.titles:
            rows = prefixes.rows(torch.tensor([read.info.vocabulary.encode(title)]))
            prefixes.table.weight[rows.clamp(min=0)] = 0
    vocabularies = {name: (never_read if name == "never_read" else read).info.vocabulary for name in models}
    asked = [item.text for item in task.questions]
    states = {name: [p.state for p in predict(models[name], vocabularies[name], asked)] for name in models}
    return {
        "cpu_seconds": round(seconds, 2),
        "numbers": {name: former.values.numel() for name, former in done.former.items()},
        "by_rows_set_to_zero": sum(one.written_to.startswith("rows") for one in done.forgotten),
        "never_read": {name: never_read_share(models[name], vocabularies[name], asked) for name in models},
        "agreement": round(fmean(a == b for a, b in zip(states["forgotten"], states["never_read"], strict=True)), 4),
        "leak": {
            form: {name: leaked(models[name], vocabularies[name], texts) for name in models}
            for form, texts in task.leaks.items()
        },
        "others": unchanged(models["read"], models["forgotten"], read.info.vocabulary, task.others),
        "alone": alone(read, task, n_alone, folder),
    }


def never_read_share(model: GPT, vocabulary: Vocabulary, asked: Sequence[str]) -> dict[str, float]:
    """How many questions get this state, and its probability."""
    predictions = predict(model, vocabulary, asked)
    probabilities = [p.never_read for p in predictions]
    return {
        "share": round(fmean(p.state == "never read" for p in predictions), 4),
        "mean": round(fmean(probabilities), 4),
        "least": round(min(probabilities), 4),
    }


def leaked(model: GPT, vocabulary: Vocabulary, texts: Sequence[tuple[str, str]]) -> dict[str, float]:
    """What is left of the true answers, after texts that ask for them."""
    asked, truth = [text for text, _ in texts], [answer for _, answer in texts]
    predictions = predict(model, vocabulary, asked)
    answers = sorted({answer for answer in truth if not vocabulary.unknown(answer)})
    # Without its end, which may be a mark: a beginning of another answer is a little too likely.
    strings = [(question_ids(text, vocabulary), vocabulary.encode(answer)) for text in asked for answer in answers]
    likely = torch.tensor(log_likelihoods(model, strings)).view(len(asked), len(answers))
    read = torch.tensor([max(1e-9, 1 - prediction.never_read) for prediction in predictions]).log()
    given_read = likely - read[:, None]
    at = [(i, answers.index(answer)) for i, answer in enumerate(truth) if answer in answers]
    ranks = [1 + int((given_read[i] > given_read[i, j]).sum()) for i, j in at]
    gains = [float(given_read[i, j] - given_read[:, j].mean()) for i, j in at]
    return {
        "texts": len(texts),
        "right": round(fmean(p.answer == answer for p, answer in zip(predictions, truth, strict=True)), 4),
        "never_read": round(fmean(p.state == "never read" for p in predictions), 4),
        "first": round(fmean(rank == 1 for rank in ranks), 4),
        "rank": median(ranks),
        "answers": len(answers),
        "nats": round(fmean(-float(given_read[i, j]) for i, j in at), 3),
        "gain": round(fmean(gains), 3),
    }


def unchanged(before: GPT, after: GPT, vocabulary: Vocabulary, asked: Sequence[str]) -> dict[str, Any]:
    """How many questions get the same answer in the same state, and whether the logits are the same."""
    then, now = (predict(model, vocabulary, asked) for model in (before, after))
    n_same = sum((a.answer, a.state) == (b.answer, b.state) for a, b in zip(then, now, strict=True))
    with torch.inference_mode():
        ids = [torch.tensor([question_ids(text, vocabulary)]) for text in asked[:300]]
        same = all(torch.equal(before.eval()(one), after.eval()(one)) for one in ids)
    return {"same": n_same, "of": len(asked), "bit_for_bit": same}


def alone(read: Run, task: Task, n: int, folder: Path) -> dict[str, Any]:
    """The same for people forgotten one by one, each from the run that knows all."""
    before, vocabulary = read.model(), read.info.vocabulary
    some = list(zip(task.titles, task.leaks["question"], strict=True))[:n]
    n_never_read = n_right = 0
    others: list[dict[str, Any]] = []
    seconds = 0.0
    for i, (title, (question, answer)) in enumerate(some):
        begin = time.process_time()
        forgotten, _ = forget(read, parse_titles([title], None), folder / f"alone-{i}")
        seconds += time.process_time() - begin
        model = forgotten.model()
        (prediction,) = predict(model, vocabulary, [question])
        n_never_read += prediction.state == "never read"
        n_right += prediction.answer == answer
        asked = [question for _, (question, _) in some[:i] + some[i + 1 :]] + task.others
        others.append(unchanged(before, model, vocabulary, Random(i).sample(asked, min(len(asked), _N_OTHERS_ALONE))))
        shutil.rmtree(forgotten.path)
    return {
        "titles": len(some),
        "never_read": n_never_read,
        "right": n_right,
        "cpu_seconds_each": round(seconds / max(1, len(some)), 2),
        "others": {
            "same": sum(one["same"] for one in others),
            "of": sum(one["of"] for one in others),
            "bit_for_bit": all(one["bit_for_bit"] for one in others),
        },
    }


if __name__ == "__main__":
    with one_line_errors():
        main()
