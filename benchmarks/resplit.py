"""A recipe on seeded re-splits of all people whose answers are at hand: is a figure that of one split alone?

    python benchmarks/resplit.py CORPUS TRAIN DEV --setting self-study --steps 500 [--splits 5]
        > benchmarks/results/resplit-self-study.json

Each split draws as many training pairs as TRAIN has from TRAIN and DEV together, and is asked about the rest. The
splits overlap, so the interval of their mean is the corrected one of Nadeau and Bengio (2003, section 3). The model's
seed is that of the split; with --seeds-alone TRAIN and DEV stay as they are, and nothing else differs.
"""

import statistics
import sys
import tempfile
from pathlib import Path
from random import Random

from closedbook.evaluation.compare import corrected_interval
from closedbook.text.questions import read_pairs
from runner import facts, one_line_errors, parser_of, print_result, run_trial, trial


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--budget", type=float)
    parser.add_argument("--steps", type=int, default=0, help="steps in place of a budget")
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--seeds-alone", action="store_true", help="TRAIN and DEV as they are, whatever the seed")
    options = parser.parse_args()
    corpus, train, dev = options.files
    machine = facts()
    known = list(read_pairs(train).items)
    everybody = [*known, *read_pairs(dev).items]
    results = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seed in range(options.splits):
            shuffled = everybody.copy()
            if not options.seeds_alone:
                Random(f"resplit {seed}").shuffle(shuffled)
            parts = {"train": shuffled[: len(known)], "dev": shuffled[len(known) :]}
            for part, items in parts.items():
                (folder / f"{part}.tsv").write_text("".join(f"{item.text}\t{item.answer}\n" for item in items))
            one = trial(
                options.setting,
                options.recipe,
                options.values,
                seed=seed,
                budget=options.budget,
                steps=options.steps,
            )
            files = (corpus, folder / "train.tsv", folder / "dev.tsv")
            results.append(run_trial(one, *files, folder / f"run-{seed}"))
            print(f"split {seed}: {results[-1]['accuracy']:.1%}", file=sys.stderr, flush=True)
    accuracies = [result["accuracy"] for result in results]
    n_dev = len(everybody) - len(known)
    # Over seeds alone the test questions are the same: the interval is of the seeds, and not of other people.
    low, high = corrected_interval(accuracies, len(known), 0 if options.seeds_alone else n_dev)
    summary = {
        "setting": options.setting,
        "recipe": options.recipe,
        "set": options.values,
        "seeds_alone": options.seeds_alone,
        "budget_minutes": options.budget,
        "steps": options.steps,
        "mean": round(statistics.fmean(accuracies), 4),
        "standard_deviation": round(statistics.stdev(accuracies), 4),
        "interval_of_the_mean": [round(low, 4), round(high, 4)],
        "splits": [{key: value for key, value in result.items() if key != "tables"} for result in results],
    }
    print_result(summary, machine)


if __name__ == "__main__":
    with one_line_errors():
        main()
