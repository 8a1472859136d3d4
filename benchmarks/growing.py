"""A book that grows: is a run to which people were added ten times as good as one that learned all of them at once?

    python benchmarks/growing.py > benchmarks/results/growing.json

The built-in world's people, a half of whom are studied first; then the other half is added in ten parts. Training pairs
ask about a part of each part's people, and dev asks about the others: `old` are those of the first half, `added` those
who were added so far, `last` those who were added last. `at_once` is a new run over everybody, `first` one over the
first half. `seconds` are of one core's time in the whole call, the reader included.
"""

import json
import tempfile
import time
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from closedbook.storage.run import Run, open_run
from closedbook.text.questions import Question, Questions, read_pairs
from closedbook.training.checkpointing import Saving
from closedbook.training.events import Event, Started
from closedbook.training.stages import grow, self_study
from closedbook.world.world import WorldConfig, write_world
from runner import facts, one_line_errors, print_result, scored, share, trial


@dataclass(frozen=True)
class Part:
    """A text, training pairs, and dev pairs about others of its people."""

    corpus: Path
    train: Path
    dev: Questions


def main() -> None:
    parser = ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--additions", type=int, default=10)
    parser.add_argument("--recipe", default="fast")
    parser.add_argument("--set", nargs="*", default=[], dest="values", metavar="KEY=VALUE")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    machine = facts()
    with one_line_errors(), tempfile.TemporaryDirectory() as folder:
        print_result(measured(options, Path(folder)), machine)


def measured(options: Any, folder: Path) -> dict[str, Any]:
    """The accuracies after each addition, and those of the first run and of one over everybody."""
    everybody, parts = world_in_parts(options, folder)
    recipe = trial("self-study", options.recipe, options.values, seed=options.seed).recipe
    asked = Questions(None, tuple(pair for part in parts for pair in part.dev.items))

    def studied(part: Part, name: str) -> tuple[Run, dict[str, float]]:
        saving = Saving(folder / name, every_seconds=1e9)
        return followed(self_study(part.corpus, recipe, saving, pairs_path=part.train), folder / name)

    at_once, cost = studied(everybody, "at-once")
    n_old = len(parts[0].dev.items)
    result: dict[str, Any] = {
        "people": options.people,
        "at_once": {**cost, **accuracies(at_once, asked, n_old, len(parts[-1].dev.items))},
    }
    run, cost = studied(parts[0], "first")
    result["first"] = {**cost, "old": share(scored(run, parts[0].dev))}
    result["additions"] = []
    for number, part in enumerate(parts[1:], 1):
        out = folder / f"grown-{number}"
        events = grow(run.path, part.corpus, Saving(out, every_seconds=1e9), pairs_path=part.train)
        run, cost = followed(events, out)
        so_far = Questions(None, tuple(pair for part in parts[: number + 1] for pair in part.dev.items))
        result["additions"].append({**cost, **accuracies(run, so_far, n_old, len(part.dev.items))})
    return result


def followed(events: Iterator[Event], out: Path) -> tuple[Run, dict[str, float]]:
    """The finished run, and what it took."""
    begin = time.process_time()
    n_steps = next(event.n_steps for event in events if isinstance(event, Started))
    before_steps = time.process_time() - begin
    for _ in events:
        pass
    seconds = time.process_time() - begin
    return open_run(out), {
        "steps": n_steps,
        "seconds": round(seconds, 2),
        "seconds_before_steps": round(before_steps, 2),
    }


def accuracies(run: Run, asked: Questions, n_old: int, n_last: int) -> dict[str, Any]:
    """How many of the first questions, of the others and of the last are answered."""
    groups = {"old": asked.items[:n_old], "added": asked.items[n_old:], "last": asked.items[-n_last:]}
    return {name: share(scored(run, Questions(None, items))) for name, items in groups.items()}


def world_in_parts(options: Any, folder: Path) -> tuple[Part, list[Part]]:
    """Everybody as one part; and the first half, with all lines about nobody, and the other half in parts."""
    config = WorldConfig(
        n_people=options.people, documents=1, train=0.4, dev=0.6, test=0.0, withheld=0.0, seed=options.seed
    )
    files = write_world(config, folder / "world")
    rows = [json.loads(line) for line in files.facts.read_text().splitlines()]
    names = sorted({row["name"] for row in rows if row["name"]})
    Random(options.seed).shuffle(names)
    n_first = len(names) // 2
    part_of = {
        name: 0 if i < n_first else 1 + (i - n_first) * options.additions // (len(names) - n_first)
        for i, name in enumerate(names)
    }
    lines: Mapping[int, list[str]] = defaultdict(list)
    for line, row in zip(files.corpus.read_text().splitlines(), rows, strict=True):
        lines[part_of.get(row["name"], 0)].append(line)
    pairs = {split: _by_part(read_pairs(path), part_of) for split, path in (("train", files.train), ("dev", files.dev))}
    parts = []
    for number in range(options.additions + 1):
        corpus, train = folder / f"corpus-{number}.txt", folder / f"train-{number}.tsv"
        corpus.write_text("".join(f"{line}\n" for line in lines[number]))
        train.write_text("".join(f"{item.text}\t{item.answer}\n" for item in pairs["train"][number]))
        parts.append(Part(corpus, train, Questions(None, tuple(pairs["dev"][number]))))
    return Part(files.corpus, files.train, Questions(None, ())), parts


def _by_part(pairs: Questions, part_of: Mapping[str, int]) -> Mapping[int, list[Question]]:
    of_part = defaultdict(list)
    for item in pairs.items:
        of_part[part_of[item.text.removeprefix("Where was ").removesuffix(" born?")]].append(item)
    return of_part


if __name__ == "__main__":
    main()
