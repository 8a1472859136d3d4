"""A control for leaks: a model of a text about other people must answer no better than the majority baseline.

    python benchmarks/leak.py CORPUS TRAIN DEV --setting guided --steps 400 > benchmarks/results/leak-guided.json

Documents whose title occurs in a question of DEV are left out of the text; DEV itself is asked. A model that scored
here would read its answers from somewhere that it should not.
"""

import tempfile
from pathlib import Path

from closedbook.evaluation.score import commonest, score
from closedbook.text.documents import read_corpus
from closedbook.text.questions import read_pairs
from closedbook.text.titles import title_of
from runner import facts, one_line_errors, parser_of, print_result, run_trial, trial


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    corpus, train, dev = options.files
    machine = facts()
    one = trial(options.setting, options.recipe, options.values, seed=options.seed, steps=options.steps)
    texts = [document.text for document in read_corpus(corpus).documents]
    pairs = read_pairs(dev)
    questions = "\n".join(item.text for item in pairs.items)
    # A document without a title may be about anybody: it goes too.
    others = [text for text in texts if (name := title_of(text).name) and name not in questions]
    known = set("".join(others))
    asked = [item for item in pairs.items if known.issuperset(item.text)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "others.txt").write_text("".join(f"{text}\n" for text in others))
        (folder / "dev.tsv").write_text("".join(f"{item.text}\t{item.answer}\n" for item in asked))
        result = run_trial(one, folder / "others.txt", train, folder / "dev.tsv", folder / "run")
    answers = [item.answer or "" for item in asked]
    guess = score([commonest(read_pairs(train).answers())] * len(answers), answers)
    summary = {
        "setting": options.setting,
        "recipe": options.recipe,
        "set": options.values,
        "seed": options.seed,
        "documents": len(texts),
        "documents_kept": len(others),
        "questions_asked": len(asked),
        "right": result["right"],
        "interval": result["interval"],
        "right_by_the_majority_baseline": guess.n_correct,
        "n_steps": result["n_steps"],
    }
    print_result(summary, machine)


if __name__ == "__main__":
    with one_line_errors():
        main()
