"""Memory that costs no arithmetic, tried: what is looked up and where it is added, at equal steps, extraction.

    python benchmarks/memory.py CORPUS TRAIN DEV --steps 500 --set model.n_layer=2 [--seed 0] [--only NAME ...]
        > benchmarks/results/memory.json

Every arm begins with the same weights and learns the same batches; its tables are zero at first, their gradients sparse
and their rows learnt as the word memory's. Before an arm is trained it is seen to be causal, and to read on from what
decoding keeps as it reads at once. With one block, as `fast` has, nothing is behind the stem to be added at, so two
are asked for here. Seconds a step are medians of steps that all arms take in turn, so that other work
on the machine falls on all of them. The variants live here and not in the model until one of them pays.

Letters: B batch, T time, C channels, H heads, D head size, V vocabulary.
"""

import argparse
import json
import os
import statistics
import sys
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, Literal

os.environ.setdefault("GOMP_SPINCOUNT", "2000")  # before torch is imported, as in cli.py

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from closedbook.evaluation.predict import predict
from closedbook.evaluation.score import score
from closedbook.examples.batches import Batches
from closedbook.examples.datasets import EpochDataset
from closedbook.model.attention import CausalSelfAttention
from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT, KVCache
from closedbook.model.prefix_table import PrefixTrie
from closedbook.recipe.recipe import FAST, Precision, Recipe
from closedbook.recipe.recipe_file import with_values
from closedbook.text.documents import read_corpus
from closedbook.text.questions import check_questions, read_pairs
from closedbook.text.vocabulary import PAD_ID, Vocabulary
from closedbook.training.device import fastest_precision, give_back_memory, make_fabric
from closedbook.training.mixture import examples_of
from closedbook.training.stages import training_pairs, vocabulary_of
from closedbook.training.trainer import Trainer
from machine import facts

Kind = Literal["beginnings", "pairs", "words"]


@dataclass(frozen=True)
class Arm:
    """What is added where; the beginnings of words are what blocks and values take."""

    stem: tuple[Kind, ...] = ("beginnings",)
    blocks: Literal["none", "same table", "own tables"] = "none"
    values: bool = False


ARMS = {
    "the recipe: beginnings of words": Arm(),
    "no memory": Arm(stem=()),
    "pairs of characters alone": Arm(stem=("pairs",)),
    "pairs of characters too": Arm(stem=("beginnings", "pairs")),
    "whole words alone": Arm(stem=("words",)),
    "whole words too": Arm(stem=("beginnings", "words")),
    "at every block too, the same table": Arm(blocks="same table"),
    "at every block too, a table each": Arm(blocks="own tables"),
    "values too, a table a block": Arm(values=True),
}
_RECIPE = next(iter(ARMS))


class AttentionWithValues(CausalSelfAttention):
    """Self-attention to whose values something is added, which its model sets before each forward pass."""

    added: Float[Tensor, "B T C"]

    def projections(self, x: Float[Tensor, "B T C"]) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = super().projections(x)
        return q, k, v + self.heads(self.added)


class Variant(GPT):
    """The fast recipe's model with other memories.

    A pair of characters is met at its second; a word, if the corpus has it as a whole, at the first character behind
    it, as none before says that it has ended. Decoding keeps the beginning and the character read last (B 2) where GPT
    keeps the beginning alone.
    """

    def __init__(self, arm: Arm, config: ModelConfig, vocabulary: Vocabulary, documents: Sequence[str]) -> None:
        words = [vocabulary.encode(word) for word in vocabulary.words]
        # Built as the recipe's whatever the arm, so that all draw the same weights.
        super().__init__(config, len(vocabulary), PrefixTrie.of_words(words, vocabulary.in_word()))
        self.arm = arm
        self.finder, n_beginnings = self.memory, self.memory.table.num_embeddings
        del self.finder.table
        pairs = sorted({pair for text in documents for pair in pairwise(text)})
        pair_rows = torch.zeros(len(vocabulary), len(vocabulary), dtype=torch.long)
        for row, pair in enumerate(pairs, 1):
            pair_rows[tuple(vocabulary.encode("".join(pair)))] = row
        word_rows = torch.zeros(n_beginnings, dtype=torch.long)
        for row, word in enumerate(words, 1):
            word_rows[self.finder.nodes(torch.tensor([word]))[0, -1]] = row
        self.register_buffer("pair_rows", pair_rows, persistent=False)
        self.register_buffer("word_rows", word_rows, persistent=False)
        n_rows = {"beginnings": n_beginnings, "pairs": len(pairs) + 1, "words": len(words) + 1}
        tables = {kind: n_rows[kind] for kind in arm.stem}
        n_blocks = len(self.blocks)
        if arm.blocks == "own tables":
            tables |= {f"block {number}": n_beginnings for number in range(1, n_blocks)}
        if arm.values:
            tables |= {f"values {number}": n_beginnings for number in range(n_blocks)}
            for block in self.blocks:
                block.attn = _with_values(block.attn, config)
        if arm.blocks != "none":
            self.scales = nn.Parameter(torch.ones(n_blocks - 1))
        # Under the name by which the optimizer knows what to learn row by row.
        self.memory = nn.ModuleDict({name: _table(n, config.n_embd) for name, n in tables.items()})

    def hidden(self, idx: Int64[Tensor, "B T"], past: KVCache | None = None) -> Float[Tensor, "B T C"]:
        rows = self.rows(idx, past)
        found = {kind: self.memory[kind](rows[kind]) for kind in self.arm.stem}
        x = sum(found.values(), self.embedded(idx, past))
        for number, block in enumerate(self.blocks):
            if self.arm.blocks != "none" and number > 0:  # the first block's input is the stem
                own = f"block {number}"
                more = self.memory[own](rows["beginnings"]) if own in self.memory else found["beginnings"]
                x = x + self.scales[number - 1] * more
            if self.arm.values:
                block.attn.added = self.memory[f"values {number}"](rows["beginnings"])
            x = block(x, None if past is None else past.blocks[number])
        if past is not None:
            past.n_places += idx.size(1)
        return x

    def rows(self, idx: Int64[Tensor, "B T"], past: KVCache | None) -> dict[Kind, Int64[Tensor, "B T"]]:
        """Each place's row of a table of each kind; row 0 is none."""
        before = idx.new_zeros(len(idx), 2) if past is None or past.node is None else past.node
        nodes = self.finder.nodes(idx, before[:, 0])
        if past is not None:
            past.node = torch.stack((nodes[:, -1], idx[:, -1]), dim=1)
        nodes_before = torch.cat((before[:, :1], nodes[:, :-1]), dim=1).clamp(min=0)
        idx_before = torch.cat((before[:, 1:], idx[:, :-1]), dim=1)
        return {
            "beginnings": nodes.clamp(min=0),
            "pairs": self.pair_rows[idx_before, idx],
            "words": self.word_rows[nodes_before].masked_fill(self.finder.in_word[idx], 0),
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
def check(model: Variant, numbers: list[int]) -> None:
    """Changing a character moves no logit before it, and reading on from what is kept gives the same as at once."""
    model = deepcopy(model).eval()
    for name, parameter in model.named_parameters():
        parameter += 0.2 * torch.randn_like(parameter)
        if name.startswith("memory."):
            parameter[0] = 0  # no gradient ever reaches it
    idx = torch.tensor([numbers])
    logits = model(idx)
    for t in range(idx.size(1)):
        changed = idx.clone()
        changed[:, t] = idx[:, t] % (model.vocab_size - 1) + 1  # another, and not PAD
        other = model(changed)
        assert torch.equal(other[:, :t], logits[:, :t]), f"character {t} moves a logit before it"
        assert not torch.equal(other[:, t], logits[:, t]), f"character {t} moves nothing"
    past = KVCache(len(model.blocks))
    kept = torch.cat([model.hidden(idx[:, t : t + 1], past) for t in range(idx.size(1))], dim=1)
    assert torch.allclose(model.logits(kept), logits, atol=1e-3), "decoding reads something else"


@dataclass(frozen=True)
class Bench:
    """What the arms share."""

    recipe: Recipe
    precision: Precision
    vocabulary: Vocabulary
    documents: list[str]
    dataset: EpochDataset

    def trainer(self, name: str) -> Trainer:
        """An arm at its first step."""
        torch.manual_seed(self.recipe.seed)
        model = Variant(ARMS[name], self.recipe.model, self.vocabulary, self.documents)
        stage, seed = self.recipe.pretrain, self.recipe.seed
        # A dataset of its own, since it is told which epoch it is in.
        dataset = deepcopy(self.dataset)
        batches = Batches(dataset, stage.batch_size, shuffle=stage.shuffle, seed=seed, window=stage.sort_window)
        fabric, n = make_fabric(self.precision), len(self.documents)
        return Trainer(fabric, model, batches, stage, n_documents=n, seed=seed, precision=self.precision)

    def seconds(self, names: Sequence[str], n_steps: int) -> dict[str, float]:
        """The median of steps that the arms take in turn; the first two are slower than any that follow."""
        runs = [self.trainer(name).run() for name in names]
        rounds = list(islice(zip(*runs, strict=True), n_steps + 2))[2:]
        return {
            name: statistics.median(report.seconds for report in reports)
            for name, reports in zip(names, zip(*rounds, strict=True), strict=True)
        }


def trained(trainer: Trainer) -> dict[str, float]:
    """Take all steps; the mean of their seconds, and of the loss over the last epoch's worth of steps."""
    seconds, losses = [], []
    for report in trainer.run():
        if report.step == 1:
            tables = [p for name, p in trainer.model.named_parameters() if name.startswith("memory.")]
            assert all(table.grad is not None and table.grad.is_sparse for table in tables)
        if report.ends_epoch:
            give_back_memory()
        seconds.append(report.seconds)
        losses.append(report.loss)
    return {
        "seconds_a_step_of_its_training": round(statistics.fmean(seconds), 4),
        "last_loss": round(statistics.fmean(losses[-trainer.batches.n_steps :]), 4),
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
    vocabulary = vocabulary_of(corpus, recipe)
    pairs, _ = training_pairs(options.files[1], recipe, vocabulary)
    check_questions(dev, vocabulary, recipe.model.block_size)
    precision = fastest_precision(recipe.model.n_embd)
    documents = [document.text for document in corpus.documents]
    dataset = examples_of("pretrain", recipe, vocabulary, corpus, pairs).dataset
    bench = Bench(recipe, precision, vocabulary, documents, dataset)
    x, _ = dataset[0]
    seconds = bench.seconds(list(dict.fromkeys([_RECIPE, *options.only])), options.timed_steps)
    summary: dict[str, Any] = {"track": "extraction", "seed": options.seed, "set": options.values}
    summary |= {"precision": precision, "machine": machine}
    summary["arms"] = []
    for name in options.only:
        trainer = bench.trainer(name)
        model = trainer.model
        assert isinstance(model, Variant)
        check(model, [number for number in x.tolist() if number != PAD_ID])
        result = trained(trainer)
        answers = [prediction.answer for prediction in predict(model, vocabulary, [item.text for item in dev.items])]
        scored = score(answers, dev.answers())
        row = {
            "arm": name,
            **asdict(ARMS[name]),
            "n_steps": trainer.n_steps,
            "parameters": model.n_parameters,
            "right": scored.n_correct,
            "of": scored.n_questions,
            "accuracy": round(scored.accuracy, 4),
            "interval": [round(bound, 4) for bound in scored.interval],
            "seconds_a_step": round(seconds[name], 4),
            "seconds_over_the_recipes": round(seconds[name] / seconds[_RECIPE], 3),
            **result,
        }
        summary["arms"].append(row)
        print(row, file=sys.stderr, flush=True)
    json.dump(summary, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
