"""The linear datamodeling score: models trained on random halves of a small world's lines (see attribution.py)."""

import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from attribution_arms import arms, pooled, texts_of
from closedbook.attribution.gradients import margins
from closedbook.attribution.lines import STANDS_OUT, asked_prompt, line_prompts, lines_of
from closedbook.demo.plan import demo_plan
from closedbook.examples.datasets import question_ids
from closedbook.model.gpt import GPT, last_block
from closedbook.model.likelihood import log_likelihoods
from closedbook.recipe.recipe import Recipe
from closedbook.recipe.settings import in_setting
from closedbook.text.documents import read_corpus
from closedbook.text.links import link
from closedbook.text.questions import Question, read_pairs
from closedbook.text.vocabulary import MASK_ID, Vocabulary
from closedbook.training.checkpointing import Saving
from closedbook.training.plan import TextFiles, plan_text_training
from closedbook.training.prepared import Prepared, prepare
from closedbook.world.world import WorldConfig, write_world

_N_CHECKPOINTS = 3


class Checkpoint(NamedTuple):
    """A step's number and learning rate, and the weights after it."""

    step: int
    weights: dict[str, Tensor]
    rate: float


def halves(options: Namespace, folder: Path) -> dict[str, Any]:
    """The score of each arm, of dattri's methods, and of the line about the person alone."""
    config = WorldConfig(
        n_people=options.people, n_places=16, attributes=("birthplace",), documents=1, withheld=0.0, dev=0.1, test=0.4
    )
    files = write_world(replace(config, seed=options.seed), folder / "world")
    plan = plan_text_training("pretrain", TextFiles(files.corpus, files.train), _recipe(0), Saving(folder / "run"))
    asked = [*read_pairs(files.dev).items, *read_pairs(files.test).items]
    full = prepare(plan)
    checkpoints = _train(full)
    assert plan.corpus is not None
    texts = plan.corpus.texts
    kept, margin = [], []
    for half in range(options.halves):
        lines = Random(f"{options.seed} {half}").sample(range(len(texts)), len(texts) // 2)
        path = folder / "half.txt"
        path.write_text("".join(f"{texts[line]}\n" for line in sorted(lines)), encoding="utf-8")
        # The vocabulary of the whole text: the tables keep their rows, and questions their characters.
        part = replace(plan, recipe=_recipe(half + 1), corpus=read_corpus(path), n_documents=len(lines))
        prepared = prepare(part)
        _train(prepared)
        kept.append(torch.zeros(len(texts), dtype=torch.float64).index_fill(0, torch.tensor(lines), 1.0))
        margin.append(_answer_margins(prepared.model, plan.vocabulary, asked))
        print(f"half {half + 1}", file=sys.stderr, flush=True)
    outcome = Outcome(torch.stack(kept), torch.stack(margin))
    stated = torch.zeros(len(asked), len(texts))
    for row, fact in enumerate(link(asked, texts)):
        stated[row, [statement.document for statement in fact.statements]] = 1.0
    return {
        "lines": len(texts),
        "questions": len(asked),
        "steps": checkpoints[-1].step,
        "lds": _scores(full, asked, outcome, stated, checkpoints, options),
    }


def _recipe(seed: int) -> Recipe:
    demo = in_setting(demo_plan("normal", 0).recipe, "guided")
    return replace(demo, seed=seed, precision="float32")


def _train(prepared: Prepared) -> list[Checkpoint]:
    """Train to the end; the weights after each third."""
    trainer = prepared.trainer()
    result = []
    for report in trainer.run():
        if report.step * _N_CHECKPOINTS % report.n_steps < _N_CHECKPOINTS:
            weights = {name: tensor.clone() for name, tensor in prepared.model.state_dict().items()}
            result.append(Checkpoint(report.step, weights, report.learning_rate))
    prepared.model.eval()
    return result


def _answer_margins(model: GPT, vocabulary: Vocabulary, asked: Sequence[Question]) -> Tensor:
    """log(p / (1 - p)) of each whole answer."""
    strings = [
        (question_ids(item.text, vocabulary), [*vocabulary.encode(item.answer or ""), MASK_ID]) for item in asked
    ]
    nats = torch.tensor(log_likelihoods(model, strings), dtype=torch.float64).clamp(max=-1e-9)
    return nats - torch.log(-torch.expm1(nats))


class Outcome(NamedTuple):
    """Which lines each half kept, halves by lines, and what came of it, halves by questions."""

    kept: Tensor
    margin: Tensor

    def lds(self, scores: Tensor) -> float:
        """The mean over questions of the rank correlation between the sum of the kept lines' scores and the margin."""
        a, b = _ranks(self.kept @ scores.double().T), _ranks(self.margin)
        a, b = a - a.mean(0), b - b.mean(0)
        return round(float(((a * b).sum(0) / (a.norm(dim=0) * b.norm(dim=0)).clamp(min=1e-12)).mean()), 4)


def _ranks(values: Tensor) -> Tensor:
    """Ranks within each column; equal values share their mean rank."""
    below = (values[None] < values[:, None]).sum(1)
    equal = (values[None] == values[:, None]).sum(1)
    return below + (equal + 1) / 2


def _scores(
    full: Prepared,
    asked: Sequence[Question],
    outcome: Outcome,
    stated: Tensor,
    checkpoints: Sequence[Checkpoint],
    options: Namespace,
) -> dict[str, Any]:
    model, vocabulary, n = full.model, full.plan.vocabulary, stated.size(1)
    documents, prompts = zip(*line_prompts(vocabulary, full.plan.recipe, full.examples), strict=True)
    document = torch.tensor(documents)
    questions = [asked_prompt(item.text, item.answer or "", vocabulary) for item in asked]
    ours, theirs = texts_of(model, questions), texts_of(model, prompts)

    def row(scores: Tensor, how: str = "amax") -> dict[str, Any]:
        lines = pooled(scores, document, n, how)
        return {"lds": outcome.lds(lines), "top1": round(float(stated.gather(1, lines.argmax(1)[:, None]).mean()), 4)}

    result: dict[str, Any] = {"the line that names the person: 1, all others: 0": {"lds": outcome.lds(stated)}}
    for name, scores in arms(ours, theirs):
        result[name] = {"best_example": row(scores), "all_examples": row(scores, "sum")}
    found = lines_of(model, vocabulary, full.plan.recipe, full.examples)
    scores = found.scores(model, vocabulary, [(item.text, item.answer or "") for item in asked])
    for level in (0.0, 0.1, 0.2, STANDS_OUT, 0.4, 0.5):
        result[f"ours, what is above {level}"] = {"lds": outcome.lds((scores - level).clamp(min=0))}
    if options.dattri:
        for name, by_example in _dattri(model, checkpoints, questions, prompts).items():
            result[name] = {"all_examples": row(by_example, "sum"), "best_example": row(by_example)}
    return result


class _Tail(torch.nn.Module):
    """Everything after attention: what attention brings and the stream before it become logits."""

    def __init__(self, model: GPT) -> None:
        super().__init__()
        block = last_block(model)
        self.proj, self.ln2, self.mlp = block.attn.proj, block.ln2, block.mlp
        self.ln_f, self.head = model.ln_f, model.head

    def forward(self, attended: Tensor, before: Tensor) -> Tensor:
        stream = before + self.proj(attended)
        return self.head(self.ln_f(stream + self.mlp(self.ln2(stream))))


def _dattri(
    model: GPT, checkpoints: Sequence[Checkpoint], questions: Sequence[Any], prompts: Sequence[Any]
) -> dict[str, Tensor]:
    """Scores by dattri's TracInAttributor, questions by examples, and how far its Grad-Dot is from ours."""
    from dattri.algorithm.tracin import TracInAttributor
    from dattri.task import AttributionTask

    tail = _Tail(model)

    def nats(parameters: dict[str, Tensor], data: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        attended, before, target = (each.unsqueeze(0) for each in data)
        logits = torch.func.functional_call(tail, parameters, (attended, before))
        return -margins(logits, target).sum()

    def scores(*, normalized: bool, layers: list[str] | None = None) -> Tensor:
        loaders = [DataLoader(_tail_inputs(model, some), batch_size=402) for some in (prompts, questions)]
        task = AttributionTask(loss_func=nats, model=tail, checkpoints=[tail.state_dict()])
        method = TracInAttributor(task, torch.ones(1), normalized_grad=normalized, layer_name=layers)
        method.projector_kwargs = None  # as an argument, None means a random projection to 512 numbers
        return method.attribute(*loaders).T

    theirs = scores(normalized=False, layers=["proj.weight"])
    closed = (
        texts_of(model, questions).layers["attention output"].dots(texts_of(model, prompts).layers["attention output"])
    )
    error = float((theirs - closed).abs().max() / closed.abs().max())
    assert error < 1e-4, f"dattri's gradients differ from the closed form: {error}"
    result = {
        "dattri: Grad-Dot": scores(normalized=False),
        "dattri: Grad-Cos": scores(normalized=True),
    }
    total = torch.zeros_like(closed)
    final = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    for checkpoint in checkpoints:
        model.load_state_dict(checkpoint.weights)
        total += checkpoint.rate * scores(normalized=False)
    model.load_state_dict(final)
    return {**result, f"dattri: TracIn, {len(checkpoints)} checkpoints": total}


def _tail_inputs(model: GPT, prompts: Sequence[Any]) -> TensorDataset:
    texts = texts_of(model, prompts)
    proj = last_block(model).attn.proj
    with torch.no_grad():
        before = texts.stream - proj(texts.attended)
    return TensorDataset(texts.attended, before, torch.tensor([prompt.target for prompt in prompts]))
