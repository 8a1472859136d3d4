"""Embedding tables: what is looked up (prefixes, pairs, words) and where it is added, at equal steps, setting guided.

    python benchmarks/prefix_tables.py CORPUS TRAIN DEV --steps 500 --set model.n_layer=2 [--seed 0] [--only NAME ...]
        > benchmarks/results/prefix-tables.json

Results measured so far are in results/memory.json, under the arms' names of then, in the same order. All arms start
from the same weights and train on the same batches; tables are zero-initialized and updated by sparse Adam. Each arm is
first checked to be causal, and to decode with a cache as without. `fast` has a single block, after which nothing can be
added, hence the two of the command. Seconds per step are medians of steps that all arms take in turn, so that other
work on the machine slows all alike.

Letters: B batch, T time, C channels, H heads, D head size, V vocabulary.
"""

import argparse
import os
import statistics
import sys
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, Literal

os.environ.setdefault("GOMP_SPINCOUNT", "2000")  # before torch is imported, as the command line does

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from closedbook.examples.batches import Batches
from closedbook.examples.datasets import EpochDataset
from closedbook.model.attention import CausalSelfAttention
from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT, KVCache
from closedbook.model.prefix_table import PrefixTrie
from closedbook.recipe.recipe import FAST, Precision, Recipe
from closedbook.recipe.recipe_file import with_values
from closedbook.text.documents import read_corpus
from closedbook.text.questions import Questions, check_questions, read_pairs
from closedbook.text.vocabulary import PAD_ID, Vocabulary
from closedbook.training.device import fastest_precision, give_back_memory, make_fabric
from closedbook.training.inputs import split_and_checked, vocabulary_of
from closedbook.training.mixture import examples_of
from closedbook.training.trainer import Trainer
from runner import facts, one_line_errors, print_result, right_answers, share

Kind = Literal["prefixes", "pairs", "words"]


@dataclass(frozen=True)
class Arm:
    """What is added to the embeddings, and whether word prefixes are added to later blocks and to values too."""

    embeddings: tuple[Kind, ...] = ("prefixes",)
    blocks: Literal["none", "same table", "own tables"] = "none"
    values: bool = False


ARMS = {
    "the recipe: word prefixes": Arm(),
    "no table": Arm(embeddings=()),
    "pairs of characters alone": Arm(embeddings=("pairs",)),
    "pairs of characters too": Arm(embeddings=("prefixes", "pairs")),
    "whole words alone": Arm(embeddings=("words",)),
    "whole words too": Arm(embeddings=("prefixes", "words")),
    "in every block too, the same table": Arm(blocks="same table"),
    "in every block too, a table each": Arm(blocks="own tables"),
    "values too, a table per block": Arm(values=True),
}
_RECIPE = next(iter(ARMS))


class AttentionWithValues(CausalSelfAttention):
    """Self-attention with `added` to its values; the model sets it before each forward pass."""

    added: Float[Tensor, "B T C"]

    def project_qkv(self, x: Float[Tensor, "B T C"]) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = super().project_qkv(x)
        return q, k, v + self.split_heads(self.added)


class Variant(GPT):
    """The fast recipe's model with an arm's tables.

    A pair of characters is looked up at its second, and a whole word at the first character after it, since only that
    shows where the word ends. The cache holds the last prefix and the last character (B 2), not the prefix alone.
    """

    def __init__(self, arm: Arm, config: ModelConfig, vocabulary: Vocabulary, documents: Sequence[str]) -> None:
        words = [vocabulary.encode(word) for word in vocabulary.words]
        # Built as the recipe's model whatever the arm, so that all draw the same weights.
        super().__init__(config, len(vocabulary), PrefixTrie.of_words(words, vocabulary.in_word()))
        self.arm = arm
        self.lookup, n_prefixes = self.prefix_table, self.prefix_table.table.num_embeddings
        del self.lookup.table
        pairs = sorted({pair for text in documents for pair in pairwise(text)})
        pair_rows = torch.zeros(len(vocabulary), len(vocabulary), dtype=torch.long)
        for row, pair in enumerate(pairs, 1):
            pair_rows[tuple(vocabulary.encode("".join(pair)))] = row
        word_rows = torch.zeros(n_prefixes, dtype=torch.long)
        for row, word in enumerate(words, 1):
            word_rows[self.lookup.rows(torch.tensor([word]))[0, -1]] = row
        self.register_buffer("pair_rows", pair_rows, persistent=False)
        self.register_buffer("word_rows", word_rows, persistent=False)
        n_rows = {"prefixes": n_prefixes, "pairs": len(pairs) + 1, "words": len(words) + 1}
        tables = {kind: n_rows[kind] for kind in arm.embeddings}
        n_blocks = len(self.blocks)
        if arm.blocks == "own tables":
            tables |= {f"block {number}": n_prefixes for number in range(1, n_blocks)}
        if arm.values:
            tables |= {f"values {number}": n_prefixes for number in range(n_blocks)}
            for block in self.blocks:
                block.attn = _with_values(block.attn, config)
        if arm.blocks != "none":
            self.scales = nn.Parameter(torch.ones(n_blocks - 1))
        # The optimizer updates what has this name by sparse Adam.
        self.prefix_table = nn.ModuleDict({name: _table(n, config.n_embd) for name, n in tables.items()})

    def hidden(self, idx: Int64[Tensor, "B T"], cache: KVCache | None = None) -> Float[Tensor, "B T C"]:
        rows, tables = self.rows(idx, cache), self.prefix_table
        found = {kind: tables[kind](rows[kind]) for kind in self.arm.embeddings}
        x = sum(found.values(), self.embed_characters(idx, cache))
        for number, block in enumerate(self.blocks):
            if self.arm.blocks != "none" and number > 0:  # the first block's input are the embeddings themselves
                own = f"block {number}"
                more = tables[own](rows["prefixes"]) if own in tables else found["prefixes"]
                x = x + self.scales[number - 1] * more
            if self.arm.values:
                block.attn.added = tables[f"values {number}"](rows["prefixes"])
            x = block(x, None if cache is None else cache.blocks[number])
        if cache is not None:
            cache.n_positions += idx.size(1)
        return x

    def rows(self, idx: Int64[Tensor, "B T"], cache: KVCache | None) -> dict[Kind, Int64[Tensor, "B T"]]:
        """The row of each kind of table at each position; row 0 is zero."""
        before = idx.new_zeros(len(idx), 2) if cache is None or cache.prefix is None else cache.prefix
        prefixes = self.lookup.rows(idx, before[:, 0])
        if cache is not None:
            cache.prefix = torch.stack((prefixes[:, -1], idx[:, -1]), dim=1)
        prefixes_before = torch.cat((before[:, :1], prefixes[:, :-1]), dim=1).clamp(min=0)
        idx_before = torch.cat((before[:, 1:], idx[:, :-1]), dim=1)
        return {
            "prefixes": prefixes.clamp(min=0),
            "pairs": self.pair_rows[idx_before, idx],
            "words": self.word_rows[prefixes_before].masked_fill(self.lookup.in_word[idx], 0),
        }


def _table(n_rows: int, n_embd: int) -> nn.Embedding:
    table = nn.Embedding(n_rows, n_embd, padding_idx=0, sparse=True)
    nn.init.zeros_(table.weight)
    return table


def _with_values(attention: CausalSelfAttention, config: ModelConfig) -> AttentionWithValues:
    other = AttentionWithValues(config)
    other.load_state_dict(attention.state_dict())
    return other


@torch.no_grad()
def check(model: GPT, ids: list[int], rounding: float = 0.0) -> None:
    """No logit depends on a later character, and decoding with a cache gives the logits of the whole text.

    A later character changes logits by no more than `rounding`: bits of a product depend on its number of rows.
    """
    model = deepcopy(model).eval()
    for name, parameter in model.named_parameters():
        parameter += 0.2 * torch.randn_like(parameter)
        if name.startswith("prefix_table."):
            parameter[0] = 0  # no gradient ever reaches it
    idx = torch.tensor([ids])
    logits = model(idx)
    for t in range(idx.size(1)):
        changed = idx.clone()
        changed[:, t] = idx[:, t] % (model.vocab_size - 1) + 1  # another, and not PAD
        other = model(changed)
        before = (other - logits)[:, :t].abs()
        assert not before.gt(rounding).any(), f"character {t} changes a logit before it"
        assert not torch.equal(other[:, t], logits[:, t]), f"character {t} changes nothing"
    cache = KVCache(len(model.blocks))
    hidden = torch.cat([model.hidden(idx[:, t : t + 1], cache) for t in range(idx.size(1))], dim=1)
    assert torch.allclose(model.logits(hidden), logits, atol=1e-3), "decoding with a cache gives other logits"


@dataclass(frozen=True)
class Bench:
    """What the arms share."""

    recipe: Recipe
    precision: Precision
    vocabulary: Vocabulary
    documents: list[str]
    dataset: EpochDataset

    def trainer(self, name: str) -> Trainer:
        """An arm before its first step."""
        torch.manual_seed(self.recipe.seed)
        model = Variant(ARMS[name], self.recipe.model, self.vocabulary, self.documents)
        stage, seed = self.recipe.pretrain, self.recipe.seed
        # A copy, since training sets the dataset's epoch.
        dataset = deepcopy(self.dataset)
        batches = Batches(dataset, stage.batch_size, shuffle=stage.shuffle, seed=seed, window=stage.sort_window)
        fabric, n = make_fabric(self.precision), len(self.documents)
        return Trainer(fabric, model, batches, stage, n_documents=n, seed=seed, precision=self.precision)

    def seconds(self, names: Sequence[str], n_steps: int) -> dict[str, float]:
        """Medians of steps that the arms take in turn, without the first two, which are slower."""
        runs = [self.trainer(name).run() for name in names]
        rounds = list(islice(zip(*runs, strict=True), n_steps + 2))[2:]
        return {
            name: statistics.median(report.seconds for report in reports)
            for name, reports in zip(names, zip(*rounds, strict=True), strict=True)
        }


def trained(trainer: Trainer) -> dict[str, float]:
    """Train to the end: mean seconds of a step, and the mean loss of as many last steps as an epoch has."""
    seconds, losses = [], []
    for report in trainer.run():
        if report.step == 1:
            tables = [p for name, p in trainer.model.named_parameters() if name.startswith("prefix_table.")]
            assert all(table.grad is not None and table.grad.is_sparse for table in tables)
        if report.ends_epoch:
            give_back_memory()
        seconds.append(report.seconds)
        losses.append(report.loss)
    return {
        "seconds_per_step_in_training": round(statistics.fmean(seconds), 4),
        "last_loss": round(statistics.fmean(losses[-trainer.batches.n_steps :]), 4),
    }


def result(bench: Bench, name: str, dev: Questions) -> dict[str, Any]:
    """Check and train an arm, and score it."""
    trainer = bench.trainer(name)
    model = trainer.model
    assert isinstance(model, Variant)
    x, _ = bench.dataset[0]
    check(model, [token for token in x.tolist() if token != PAD_ID])
    training = trained(trainer)
    return {
        "arm": name,
        **asdict(ARMS[name]),
        "n_steps": trainer.n_steps,
        "parameters": model.n_parameters,
        "table_parameters": model.n_table_parameters,
        **share(right_answers(model, bench.vocabulary, dev)),
        **training,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs=3, type=Path, metavar="CORPUS TRAIN DEV")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--timed-steps", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=ARMS, default=list(ARMS), metavar="NAME")
    parser.add_argument("--set", nargs="*", default=[], dest="values", metavar="KEY=VALUE")
    options = parser.parse_args()
    machine = facts()
    recipe = replace(with_values(FAST, [*options.values, f"pretrain.steps={options.steps}"]), seed=options.seed)
    corpus, dev = read_corpus(options.files[0]), read_pairs(options.files[2])
    given = read_pairs(options.files[1])
    vocabulary = vocabulary_of(corpus, recipe, given)
    pairs = split_and_checked(given, recipe, vocabulary)[0].training
    check_questions(dev, vocabulary, recipe.model.block_size)
    dataset = examples_of("pretrain", recipe, vocabulary, corpus, pairs).dataset
    documents = [document.text for document in corpus.documents]
    bench = Bench(recipe, fastest_precision(recipe.model.n_embd), vocabulary, documents, dataset)
    seconds = bench.seconds(list(dict.fromkeys([_RECIPE, *options.only])), options.timed_steps)
    rows = []
    for name in options.only:
        relative = round(seconds[name] / seconds[_RECIPE], 3)
        timed = {"seconds_per_step": round(seconds[name], 4), "seconds_relative_to_the_recipe": relative}
        rows.append(result(bench, name, dev) | timed)
        print(rows[-1], file=sys.stderr, flush=True)
    compared = {"setting": "guided", "seed": options.seed, "set": options.values, "precision": bench.precision}
    print_result({**compared, "arms": rows}, machine)


if __name__ == "__main__":
    with one_line_errors():
        main()
