"""Rows for names of several words: exact ones, or hashed ones as Engram has them, at equal table parameters.

    python benchmarks/hashed_names.py [--people 10000] [--epochs 8] [--seed 0] [--only NAME ...]
        > benchmarks/results/hashed-names-seed-0.json

Recipe `fast` on the world of `world.py scale`: one line a person, 500 people are asked about in training, 500 others
here. All arms start from the same weights and train on the same batches; each is first checked to be causal, and to
decode with a cache as without. Engram hashes every n-gram of words; arms `names` hash only those that titles have, as
exact rows do. hashed_table.py says what else differs from Engram.
"""

import argparse
import os
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

os.environ.setdefault("GOMP_SPINCOUNT", "2000")  # before torch is imported, as the command line does

from closedbook.model.gpt import GPT
from closedbook.model.name_table import NameTrie
from closedbook.model.prefix_table import PrefixTable
from closedbook.recipe.recipe import FAST
from closedbook.recipe.recipe_file import with_values
from closedbook.text.vocabulary import MASK
from closedbook.training.checkpointing import Saving
from closedbook.training.device import give_back_memory
from closedbook.training.optim.tables import sparse_tables
from closedbook.training.plan import Plan, TextFiles, plan_text_training
from closedbook.training.prepared import Prepared, new_model, prepare
from closedbook.training.trainer import Trainer
from closedbook.world.world import write_world
from hashed_table import ExactNames, HashedNames, Heads, lengths_of, sharing, words_of
from prefix_tables import check
from runner import facts, one_line_errors, print_result, right_answers, share
from world import scale_config


@dataclass(frozen=True)
class Arm:
    """What has rows, whether a gate scales them, and the table's parameters as a multiple of the exact table's."""

    rows: Literal["exact", "names", "n-grams"]
    gate: bool = False
    size: float = 1.0
    longest: int = 4
    """Words of the longest n-grams that are hashed."""
    heads: int = 8
    width: int = 16
    """Channels of a head's rows."""


ARMS = {
    "exact": Arm("exact"),
    "exact, gate": Arm("exact", gate=True),
    "exact, half": Arm("exact", size=0.5),
    "hashed n-grams, gate": Arm("n-grams", gate=True),
    "hashed n-grams": Arm("n-grams"),
    "hashed n-grams, gate, narrow": Arm("n-grams", gate=True, width=4),
    "hashed n-grams, gate, half": Arm("n-grams", gate=True, size=0.5),
    "hashed pairs, gate": Arm("n-grams", gate=True, longest=2),
    "hashed pairs, gate, narrow": Arm("n-grams", gate=True, longest=2, width=4),
    "hashed names, gate": Arm("names", gate=True),
    "hashed names": Arm("names"),
    "hashed names, gate, narrow": Arm("names", gate=True, width=4),
    "hashed names, gate, half": Arm("names", gate=True, size=0.5),
}


def arm_model(arm: Arm, plan: Plan) -> tuple[GPT, dict[str, float]]:
    """An arm's model before its first step, and how its rows are shared."""
    model = new_model(plan.recipe, plan.vocabulary)
    exact, n_embd = model.name_table, model.config.n_embd
    names = NameTrie(exact.keys, exact.n_rows)
    if arm.rows == "exact":
        width = int(arm.size * exact.table.embedding_dim)
        model.name_table = ExactNames(exact, n_embd, width, has_gate=arm.gate)
        return model, {"ngrams_a_row": 1.0, "collisions": 0.0}
    known = names if arm.rows == "names" else None
    ngrams = words_of(ngrams_of(plan, model.prefix_table) if known is None else known)
    ngrams = ngrams[lengths_of(ngrams) <= arm.longest]
    n_parameters = int(arm.size * exact.table.weight.numel())
    heads = Heads(ngrams, n_parameters, arm.heads, arm.width, names.n_rows)
    model.name_table = HashedNames(heads, known, n_embd, has_gate=arm.gate)
    return model, sharing(heads, words_of(names), ngrams)


def ngrams_of(plan: Plan, prefixes: PrefixTable) -> NameTrie:
    """The n-grams of words in all documents and trained questions."""
    assert plan.corpus is not None
    assert plan.pairs is not None
    texts = [*plan.corpus.texts, *(pair.text for pair in plan.pairs.items)]
    return NameTrie.of_titles([plan.vocabulary.encode(text) for text in texts], prefixes)


def trained(trainer: Trainer, plan: Plan) -> dict[str, Any]:
    """Train to the end; the curve is of (epochs, right answers), and seconds are those of steps."""
    assert plan.validation is not None
    seconds, curve, right = 0.0, [], None
    for report in trainer.run():
        seconds += report.seconds
        if report.step == 1:
            assert all(table.grad is not None and table.grad.is_sparse for table in trainer.tables)
        if report.ends_epoch:
            give_back_memory()
            right = right_answers(trainer.model, plan.vocabulary, plan.validation)
            curve.append((report.epoch + 1, right.n_correct))
            print(f"  {report.epoch + 1}: {right}", file=sys.stderr, flush=True)
    assert right is not None
    timed = {"n_steps": trainer.n_steps, "seconds": round(seconds, 1)}
    return {**share(right), **timed, "seconds_a_step": round(seconds / trainer.n_steps, 4), "curve": curve}


def parameters_of(model: GPT) -> dict[str, int]:
    tables = {name.partition(".")[0]: table.numel() for name, table in sparse_tables(model).items()}
    n_beside = sum(parameter.numel() for parameter in model.name_table.parameters()) - tables["name_table"]
    return {"total": model.n_parameters, **tables, "gate_and_projections": n_beside}


def result(name: str, prepared: Prepared) -> dict[str, Any]:
    """Check and train an arm, and score it."""
    plan = prepared.plan
    assert plan.validation is not None
    arm = asdict(ARMS[name])
    if arm["rows"] == "exact":
        arm = {key: arm[key] for key in ("rows", "gate", "size")}
    model, shared = arm_model(ARMS[name], plan)
    item, answer = plan.validation.items[0], plan.validation.answers()[0]
    # The last bits of a product depend on its number of rows, here how many words end in the text.
    check(model, plan.vocabulary.encode(item.text + MASK + answer + MASK), rounding=1e-4)
    arm |= {"parameters": parameters_of(model), **shared}
    return {"arm": name, **arm, **trained(replace(prepared, model=model).trainer(), plan)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=ARMS, default=list(ARMS), metavar="NAME")
    parser.add_argument("--set", nargs="*", default=[], dest="values", metavar="KEY=VALUE")
    options = parser.parse_args()
    machine = facts()
    recipe = replace(with_values(FAST, [f"pretrain.epochs={options.epochs}", *options.values]), seed=options.seed)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        files = write_world(scale_config(options.people, options.seed), Path(folder) / "world")
        text = TextFiles(files.corpus, files.train, files.dev)
        prepared = prepare(plan_text_training("pretrain", text, recipe, Saving(Path(folder) / "run")))
        for name in options.only:
            rows.append(result(name, prepared))
            print(rows[-1], file=sys.stderr, flush=True)
    compared = {"people": options.people, "epochs": options.epochs, "seed": options.seed, "set": options.values}
    print_result({**compared, "precision": prepared.plan.precision, "arms": rows}, machine)


if __name__ == "__main__":
    with one_line_errors():
        main()
