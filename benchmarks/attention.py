"""Where a model looks for a name: attention to it from the last MASK, in a masked line and in a question.

    python benchmarks/attention.py > benchmarks/results/attention.json

Two models learn the same 10,000 invented people, one line each: `masked lines`, whose masks keep the name where the
line has it, and `question form`, whose masks say the name among other words. Others' facts are then asked for in both
forms: 'NAME. MASK MASK', as a masked line has it, and 'Where was NAME born? MASK'. Shares of attention are means over
these people, of the head that looks most at the name and the character after it, where its row is.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from closedbook.evaluation.predict import predict
from closedbook.model.attention import attention_weights, causal_mask
from closedbook.model.gpt import GPT
from closedbook.recipe.recipe import FAST
from closedbook.recipe.recipe_file import with_values
from closedbook.storage.run import Run
from closedbook.text.questions import read_pairs
from closedbook.text.vocabulary import MASK, Vocabulary
from closedbook.training.checkpointing import Saving
from closedbook.training.stages import pretrain
from closedbook.world.world import WorldConfig, write_world
from runner import facts, print_result
from world import ended

N_ASKED = 500
ARMS = {"masked lines": ["corruption.question_form=0"], "question form": ["corruption.question_form=1"]}
FORMS = {"masked line": ("", f". {MASK}"), "question": ("Where was ", " born?")}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", nargs="*", default=[], dest="values", metavar="KEY=VALUE")
    options = parser.parse_args()
    machine = facts()
    share = N_ASKED / options.people
    config = WorldConfig(options.people, documents=1, attributes=("birthplace",), seed=options.seed)
    config = replace(config, train=share, dev=share, test=0.0, withheld=0.0)
    arms = {}
    with tempfile.TemporaryDirectory() as name:
        files = write_world(config, Path(name) / "world")
        for arm, values in ARMS.items():
            epochs = [f"pretrain.epochs={options.epochs}", f"pretrain.evaluate_every={options.epochs}"]
            recipe = replace(with_values(FAST, [*epochs, *values, *options.values]), seed=options.seed)
            saving = Saving(Path(name) / arm, every_seconds=1e9)
            run, _ = ended(pretrain(files.corpus, recipe, saving, pairs_path=files.train, dev_path=files.dev))
            arms[arm] = by_form(run, files.dev)
    print_result({"people": options.people, "epochs": options.epochs, "set": options.values, "arms": arms}, machine)


def by_form(run: Run, dev: Path) -> dict[str, Any]:
    """Accuracy and attention of a run in each form."""
    model, vocabulary = run.model(), run.info.vocabulary
    pairs = read_pairs(dev)
    names = [item.text.removeprefix("Where was ").removesuffix(" born?") for item in pairs.items]
    result = {}
    for form, (before, after) in FORMS.items():
        answers = predict(model, vocabulary, [before + name + after for name in names])
        right = sum(one.answer == answer for one, answer in zip(answers, pairs.answers(), strict=True))
        result[form] = {"right": right, "of": len(names), "attention": attention(model, vocabulary, names, form)}
    return result


def attention(model: GPT, vocabulary: Vocabulary, names: list[str], form: str) -> dict[str, float]:
    """Mean shares of attention of the last MASK in the first block."""
    before, after = FORMS[form]
    shares = []
    for name in names:
        weights = last_mask_weights(model, vocabulary.encode(before + name + after + MASK))
        first, end = len(before), len(before) + len(name)
        last_name = first + name.rindex(" ") + 1
        parts = (weights[:, first:last_name], weights[:, last_name:end], weights[:, end : end + 1])
        shares.append(torch.stack([part.sum(1) for part in parts], dim=1))  # H 3
    mean = torch.stack(shares).mean(0)
    best = mean[mean.sum(1).argmax()]
    names_of_parts = ("first name", "last name", "character after the name")
    return {part: round(float(value), 4) for part, value in zip(names_of_parts, best, strict=True)}


@torch.no_grad()
def last_mask_weights(model: GPT, ids: list[int]) -> Tensor:
    """The attention weights of the last position in the first block: (H, T)."""
    block = model.blocks[0]
    x = model.eval().embed(torch.tensor([ids]))
    q, k, _ = block.attn.project_qkv(block.ln1(x))
    return attention_weights(q, k, causal_mask(len(ids), len(ids)))[0, :, -1]


if __name__ == "__main__":
    main()
