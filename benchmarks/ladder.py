"""Accuracy on DEV against wall-clock time: one study in a setting, its schedule fitted to a budget.

    python benchmarks/ladder.py CORPUS TRAIN DEV --setting self-study --budget 4 [--recipe plain] [--seed 0]
        [--set KEY=VALUE ...] > benchmarks/results/ladder-self-study-4.json

Minutes are those of reading, of the open-book reader, of fitting the schedule, of the steps and of asking; evaluations
on the way are left out of them (--every 0: none but the last). DEV chooses nothing: the weights scored are the run's
last.
"""

from pathlib import Path

from runner import facts, one_line_errors, parser_of, print_result, run_folder, run_trial, trial


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--budget", type=float)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=int, default=2, help="epochs between two evaluations; 0: the last alone")
    parser.add_argument("--run", type=Path, help="keep the run in this folder, which must not exist")
    options = parser.parse_args()
    machine = facts()
    one = trial(
        options.setting,
        options.recipe,
        options.values,
        seed=options.seed,
        budget=options.budget,
        evaluate_every=options.every,
    )
    with run_folder(options.run) as run:
        result = run_trial(one, *options.files, run)
    print_result({"recipe": options.recipe, "set": options.values, **result}, machine)


if __name__ == "__main__":
    with one_line_errors():
        main()
