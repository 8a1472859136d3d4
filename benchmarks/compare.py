"""Arms that differ in a few settings, over several seeds, at equal steps: accuracies and paired tests.

    python benchmarks/compare.py CORPUS TRAIN DEV --setting guided --steps 500 --seeds 0 1 2
        --arm "the recipe" --arm "two blocks: model.n_layer=2" --arm "rotary: model.positions=rotary"
        > benchmarks/results/compare-rotary.json

An arm is NAME, or NAME: KEY=VALUE ..., and STAGE in a key is the stage that the setting trains. Every arm is compared
with the first one by McNemar's exact test on the same questions with the same seed. At equal steps, so that other work
on the machine moves no accuracy. Choose by people held out of TRAIN, not by DEV: --validation-split 0.2 asks
those in its place.
"""

import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from closedbook.evaluation.compare import mcnemar
from closedbook.text.questions import Questions, read_pairs
from closedbook.text.validation import validation_split
from runner import facts, one_line_errors, parser_of, print_result, run_folder, run_trial, trial

_KEPT = ("n_steps", "seconds_a_step", "parameters", "right", "of", "accuracy", "interval", "right_by_question")


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--arm", action="append", required=True, dest="arms", metavar="NAME[: KEY=VALUE ...]")
    options = compared_options(parser)
    compare(dict(parsed_arm(text) for text in options.arms), options)


def compared_options(parser: ArgumentParser) -> Namespace:
    """The options that every comparison takes."""
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--validation-split", type=float, default=0.0, help="share of TRAIN to ask in place of DEV")
    return parser.parse_args()


def compare(arms: Mapping[str, Sequence[str]], options: Namespace) -> None:
    """Train every arm over all seeds, and print accuracies and tests as JSON."""
    machine = facts()
    for words in arms.values():
        trial(options.setting, options.recipe, [*options.values, *words])  # a misspelt key is found before any step
    corpus, train, dev = options.files
    rows = []
    with tempfile.TemporaryDirectory() as name:
        if options.validation_split:
            train, dev = held_out(train, options.validation_split, Path(name))
        for arm, words in arms.items():
            runs = []
            for seed in options.seeds:
                one = trial(options.setting, options.recipe, [*options.values, *words], seed=seed, steps=options.steps)
                with run_folder() as run:
                    result = run_trial(one, corpus, train, dev, run)
                runs.append({"seed": seed, **{key: result[key] for key in _KEPT}})
                print(f"{arm}, seed {seed}: {result['right']} of {result['of']}", file=sys.stderr, flush=True)
            rows.append({"arm": arm, "set": words, "runs": runs})
    compared = {"setting": options.setting, "recipe": options.recipe, "set": options.values}
    print_result({**compared, "validation_split": options.validation_split, "arms": with_tests(rows)}, machine)


def parsed_arm(text: str) -> tuple[str, list[str]]:
    """An arm's name and its settings."""
    name, _, words = text.partition(": ")
    return name, words.split()


def held_out(train: Path, share: float, folder: Path) -> tuple[Path, Path]:
    """Two files of pairs: those to train on, and a share of the questions to ask."""
    kept, asked = validation_split(read_pairs(train), share, seed=0)
    assert asked is not None
    return written(kept, folder / "train.tsv"), written(asked, folder / "held-out.tsv")


def written(pairs: Questions, path: Path) -> Path:
    """A file of pairs."""
    path.write_text("".join(f"{pair.text}\t{pair.answer}\n" for pair in pairs.items), encoding="utf-8")
    return path


def with_tests(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each arm with its tests against the first, seed by seed."""
    first = rows[0]["runs"]
    for row in rows[1:]:
        row["against_the_first"] = [
            {"seed": a["seed"], **tested(a["right_by_question"], b["right_by_question"])}
            for a, b in zip(first, row["runs"], strict=True)
        ]
    return rows


def tested(first: str, other: str) -> dict[str, Any]:
    """McNemar's test of two strings of 0 and 1, question by question."""
    test = mcnemar([one == "1" for one in first], [one == "1" for one in other])
    return {"only_the_first_right": test.n_only_a, "only_this_right": test.n_only_b, "p": round(test.p_value, 5)}


if __name__ == "__main__":
    with one_line_errors():
        main()
