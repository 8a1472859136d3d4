"""Questions that no document answers in their own form: in reverse, over two people, comparing two people.

    OMP_NUM_THREADS=1 python benchmarks/questions.py reverse [--only ARM ...] [--seeds 0]
        > benchmarks/results/questions-reverse.json
    OMP_NUM_THREADS=1 python benchmarks/questions.py two-hop --steps 1000 --mix-pairs 0.4
        > benchmarks/results/questions-two-hop.json
    OMP_NUM_THREADS=1 python benchmarks/questions.py compare > benchmarks/results/questions-compare.json

A built-in world of 1,000 people, one line each. Half of the people are asked about in training: directly ("Which boat
did X own?") and, except in arm `plain`, with questions of the part ("Who owned BOAT?"). The other half never are. Their
questions are scored, beside direct questions about them (is the fact known at all?), the questions that were trained,
and the majority baseline. An arm changes the pairs, the documents or the recipe; `--set KEY=VALUE` changes the recipe
of every arm, so that the benchmark can be run again with other recipes. Under --setting self-study the reader learns
only from questions whose answers stand in the documents of the title in them: two-hop questions and comparisons are not
trained.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from closedbook.evaluation.predict import predict
from closedbook.evaluation.score import Score, commonest, score
from closedbook.recipe.recipe import PRESETS
from closedbook.recipe.settings import SETTINGS
from closedbook.storage.run import Run, open_run
from closedbook.world.people import Attribute, People, Person, WorldConfig
from closedbook.world.questions import (
    Pair,
    about,
    comparisons,
    identity,
    last_step,
    reverse,
    reverse_line,
    two_hops,
)
from closedbook.world.world import write_world
from runner import facts, one_line_errors, print_result, run_trial, share, trial

Part = Literal["reverse", "two-hop", "compare"]


@dataclass(frozen=True)
class Arm:
    """What training has besides the documents and the direct questions about half of the people."""

    asked: bool = True
    """Whether the part's questions about these people are trained."""
    with_steps: bool = False
    """Whether an answer has its steps written out before it."""
    per_person: int = 1
    """compare: trained comparisons for each person."""
    reverse_lines: float = 0.0
    """reverse: share of people for whose boat a document of its own states the owner."""
    identities: bool = False
    """reverse: whether everybody and every boat is asked for by its own name, which states no owner."""
    values: Sequence[str] = ()
    """Settings KEY=VALUE of the recipe."""


FOUR_BLOCKS = ("model.n_layer=4",)
ARMS: Mapping[Part, Mapping[str, Arm]] = {
    "reverse": {
        "plain": Arm(asked=False),
        "asked": Arm(),
        "asked, titles masked too": Arm(values=("corruption.span=1",)),
        "asked, identities": Arm(identities=True),
        "asked, half of the boats have a line": Arm(reverse_lines=0.5),
        "asked, every boat has a line": Arm(reverse_lines=1.0),
    },
    "two-hop": {
        "plain": Arm(asked=False),
        "asked": Arm(),
        "asked, four blocks": Arm(values=FOUR_BLOCKS),
        "asked, with steps": Arm(with_steps=True),
    },
    "compare": {
        "asked once a person": Arm(),
        "asked five times a person": Arm(per_person=5),
        "asked five times, four blocks": Arm(per_person=5, values=FOUR_BLOCKS),
        "asked five times, with steps": Arm(per_person=5, with_steps=True),
    },
}
ATTRIBUTES: Mapping[Part, tuple[Attribute, ...]] = {
    "reverse": ("birthplace", "boat"),
    "two-hop": ("birthplace", "mentor"),
    "compare": ("birthplace", "birth_year"),
}
DIRECT: Mapping[Part, tuple[Attribute, ...]] = {
    "reverse": ("boat",),
    "two-hop": ("birthplace", "mentor"),
    "compare": ("birth_year",),
}
"""The attributes that the direct questions ask for."""
VALUES: Mapping[Part, Sequence[str]] = {
    "reverse": (),
    # Two facts of each line are masked: only the context tells which of them a mask wants.
    "two-hop": ("corruption.name_only=0.1", "corruption.short_context=0.8"),
    "compare": (),
}
"""Settings KEY=VALUE of all arms."""
PUBLISHED: Mapping[Part, Sequence[str]] = {
    "reverse": (
        "'virtually 0%': models pretrained on invented people; Allen-Zhu and Li 2023, Physics of Language Models: Part "
        "3.2, abstract",
        "50% with identities ('The name of Alice is Alice') trained besides: a pretrained model of 1B, finetuned; Ma "
        "et al. 2026, Breaking the Reversal Curse via Identity Bridge (arXiv 2602.02470v2), abstract",
    ),
    "two-hop": (
        "chance where the two facts were learned in different documents and no steps are written; answered with steps: "
        "Llama 3 8B and GPT-4o finetuned on invented people; Balesni et al. 2024, The Two-Hop Curse (arXiv "
        "2411.16353v1), abstract",
        "learned from scratch where two-hop questions are many, with depth growing with hops: GPT-2; Yao et al. 2025, "
        "Language models can learn implicit multi-hop reasoning (arXiv 2505.17923), abstract",
    ),
    "compare": (
        "hard unless steps are written in training and in answering: models pretrained on invented people; Allen-Zhu "
        "and Li 2023, Physics of Language Models: Part 3.2, abstract",
        "learned without steps after training far beyond overfitting: Wang et al. 2024, Grokked Transformers are "
        "Implicit Reasoners (arXiv 2405.15071), abstract",
    ),
}


@dataclass
class Sets:
    """Pairs to train on, additional documents, and the pairs to score, by name; `never_asked` is the benchmark's."""

    train: list[Pair] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    scored: dict[str, list[Pair]] = field(default_factory=dict)
    rival: Score | None = None
    """compare: the score on `never_asked` of yes where the first year is before 1900, whatever the second is."""


def sets_of(part: Part, arm: Arm, people: People) -> Sets:
    """The pairs and documents of an arm: people of split train are asked about in training, those of test never."""
    asked, never = (list(map(people.person, people.config.people_of(split))) for split in ("train", "test"))
    sets = {"reverse": reverse_sets, "two-hop": two_hop_sets, "compare": compare_sets}[part](arm, people, asked, never)
    if arm.asked:
        sets.train += sets.scored["asked_in_training"]
    else:
        del sets.scored["asked_in_training"]
    for attribute in DIRECT[part]:
        sets.train += [about(person, attribute) for person in asked]
        sets.scored[f"direct_{attribute}"] = [about(person, attribute) for person in never]
    return sets


def reverse_sets(arm: Arm, people: People, asked: Sequence[Person], never: Sequence[Person]) -> Sets:
    del people
    n_asked, n_never = (round(len(group) * arm.reverse_lines) for group in (asked, never))
    scored = {
        "never_asked": never,
        "never_asked_with_a_line": never[:n_never],
        "never_asked_without_a_line": never[n_never:],
        "asked_in_training": asked,
    }
    return Sets(
        train=[identity(name) for one in (*asked, *never) for name in (one.name, one.boat)] if arm.identities else [],
        lines=[reverse_line(person) for person in (*asked[:n_asked], *never[:n_never])],
        scored={name: list(map(reverse, group)) for name, group in scored.items() if group},
    )


def two_hop_sets(arm: Arm, people: People, asked: Sequence[Person], never: Sequence[Person]) -> Sets:
    asked_mentors = {person.mentor for person in asked}
    scored = {
        "never_asked": never,
        "never_asked_nor_the_mentor": [person for person in never if person.mentor not in asked_mentors],
        "asked_in_training": asked,
    }
    return Sets(
        scored={
            name: [two_hops(people, person, with_steps=arm.with_steps) for person in group]
            for name, group in scored.items()
        }
    )


def compare_sets(arm: Arm, people: People, asked: Sequence[Person], never: Sequence[Person]) -> Sets:
    trained, new = (
        list(comparisons(people, split, n, with_steps=arm.with_steps))
        for split, n in (("train", arm.per_person * len(asked)), ("test", 2 * len(never)))
    )
    year = {person.name: int(person.birth_year) for person in never}
    first = [pair.question.removeprefix("Was ").partition(" born before ")[0] for pair in new]
    guesses = ["yes" if year[name] < 1900 else "no" for name in first]
    rival = score(guesses, [last_step(pair.answer) for pair in new])
    return Sets(scored={"never_asked": new, "asked_in_training": trained}, rival=rival)


def arm_result(part: Part, arm: Arm, options: argparse.Namespace, seed: int) -> dict[str, Any]:
    """Train an arm and score it; answers with steps are scored by their last step, and whole besides."""
    shares = {"train": 0.5, "dev": 0.0, "test": 0.5, "withheld": 0.0}
    attributes = ATTRIBUTES[part]
    world = WorldConfig(
        n_people=options.people, documents=1, attributes=attributes, offset="either", seed=seed, **shares
    )
    values = [f"STAGE.mix_pairs={options.mix_pairs}", *VALUES[part], *arm.values, *options.values]
    sets = sets_of(part, arm, People(world))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = write_world(world, folder / "world").corpus
        with corpus.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in sets.lines)
        train, dev = (
            written(folder / f"{name}.tsv", pairs)
            for name, pairs in (("train", sets.train), ("dev", sets.scored["never_asked"]))
        )
        begin = time.process_time()
        one = trial(options.setting, options.recipe, values, seed=seed, steps=options.steps)
        result = run_trial(one, corpus, train, dev, folder / "run")
        cpu_minutes = (time.process_time() - begin) / 60
        scores = scores_of(open_run(folder / "run"), sets)
    return {
        "seed": seed,
        "cpu_minutes": round(cpu_minutes, 2),
        "parameters": result["parameters"],
        "n_training_pairs": len(sets.train),
        "n_reverse_lines": len(sets.lines),
        **scores,
    }


def written(path: Path, pairs: Sequence[Pair]) -> Path:
    """A file of pairs."""
    path.write_text("".join(f"{pair.question}\t{pair.answer}\n" for pair in pairs), encoding="utf-8")
    return path


def scores_of(run: Run, sets: Sets) -> dict[str, Any]:
    """The score of each set, and the majority baseline on the questions never asked."""
    model, vocabulary = run.model(), run.info.vocabulary
    result: dict[str, Any] = {}
    for name, pairs in sets.scored.items():
        answers = [pair.answer for pair in pairs]
        given = [one.answer for one in predict(model, vocabulary, [pair.question for pair in pairs])]
        result[name] = share(score(list(map(last_step, given)), list(map(last_step, answers))))
        if list(map(last_step, answers)) != answers:
            result[name]["right_with_all_steps"] = score(given, answers).n_correct
        if name == "never_asked":
            result[name]["examples"] = [
                {"question": pair.question, "answer": pair.answer, "given": one}
                for pair, one in zip(pairs[:3], given, strict=False)
            ]
    result["majority_baseline"] = share(baseline(sets))
    if sets.rival is not None:
        result["first_year_alone"] = share(sets.rival)
    return result


def baseline(sets: Sets) -> Score:
    """The commonest answer to the trained questions of the kind, or else to those scored, given to all of these."""
    answers, trained = (
        [last_step(pair.answer) for pair in sets.scored.get(name, [])] for name in ("never_asked", "asked_in_training")
    )
    return score([commonest(trained or answers)] * len(answers), answers)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("part", choices=get_args(Part))
    parser.add_argument("--only", nargs="*", metavar="ARM", help="arms by name")
    parser.add_argument("--setting", choices=SETTINGS, default="guided")
    parser.add_argument("--recipe", choices=PRESETS, default="fast")
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--mix-pairs", type=float, default=0.5, help="share of examples that are pairs")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--set", nargs="*", default=[], dest="values", metavar="KEY=VALUE")
    options = parser.parse_args()
    machine = facts()
    arms = {name: arm for name, arm in ARMS[options.part].items() if not options.only or name in options.only}
    rows: list[dict[str, Any]] = []
    for seed in options.seeds:
        for name, arm in arms.items():
            rows.append({"arm": name, **arm_result(options.part, arm, options, seed)})
            print(rows[-1], file=sys.stderr, flush=True)
    result = {"part": options.part, "published": PUBLISHED[options.part], "rows": rows}
    print_result(result, machine)


if __name__ == "__main__":
    with one_line_errors():
        main()
