"""The training loop in one process; test_processes.py has it in two."""

import copy
import json
import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor

from closedbook.errors import NotFinite
from closedbook.examples.batches import Batches, Position
from closedbook.examples.datasets import CharCorruptionDataset, EpochDataset, NameDataset
from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT
from closedbook.model.prefix_table import PrefixTrie
from closedbook.recipe.recipe import StageConfig
from closedbook.text.questions import Question
from closedbook.text.vocabulary import Vocabulary
from closedbook.training.trainer import StepReport, Trainer

TEXTS = [f"{name} was born in {place}." for name, place in zip("ABCDEFG", "PQRSTUV", strict=True)]
PAIRS = [Question(f"where was {name} born?", place * 3, 1) for name, place in zip("ABCDE", "PQRST", strict=True)]
VOCABULARY = Vocabulary.of_text("\n".join(TEXTS) + "where?")
WORDS = VOCABULARY.with_words("\n".join(TEXTS)).words
TRIE = PrefixTrie.of_words([VOCABULARY.encode(word) for word in WORDS], VOCABULARY.in_word())

MODEL = ModelConfig(n_layer=2, n_head=3, n_embd=42, block_size=31, bottleneck_dim=7)
STILL = replace(MODEL, embd_pdrop=0.0, resid_pdrop=0.0, attn_pdrop=0.0)
# Seven documents in batches of three: three steps per epoch, the last with one row.
STAGE = StageConfig(epochs=3, batch_size=3, learning_rate=3e-3, schedule="linear", warmup=0.2, shuffle=True)

Weights = dict[str, Tensor]


def make_trainer(
    config: ModelConfig = MODEL,
    stage: StageConfig = STAGE,
    dataset: EpochDataset | None = None,
    seed: int = 5,
    fabric: Fabric | None = None,
) -> Trainer:
    """A small model before the first step of a run over seven documents, or over `dataset`."""
    fabric = fabric or Fabric(accelerator="cpu", devices=1)
    torch.manual_seed(seed)
    batches = Batches(
        dataset or CharCorruptionDataset(TEXTS, VOCABULARY, config.block_size, seed=seed),
        stage.batch_size,
        shuffle=stage.shuffle,
        seed=seed,
        rank=fabric.global_rank,
        n_processes=fabric.world_size,
        window=stage.sort_window,
    )
    model = GPT(config, len(VOCABULARY), TRIE if config.prefix_table else None)
    return Trainer(fabric, model, batches, stage, n_documents=7, seed=seed)


def weights(trainer: Trainer) -> Weights:
    """A copy of the weights as they are now."""
    return {name: value.clone() for name, value in trainer.model.state_dict().items()}


def same(a: Weights, b: Weights) -> bool:
    """Whether all weights are the same, bit for bit."""
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def largest_difference(a: Weights, b: Weights) -> float:
    """The largest difference between a weight and its counterpart."""
    assert a.keys() == b.keys()
    return max(float((a[name] - b[name]).abs().max()) for name in a)


def facts(report: StepReport) -> StepReport:
    """A report without its time."""
    return replace(report, seconds=0.0)


@pytest.mark.parametrize("variant", ["vanilla", "perceiver"])
def test_one_batch_is_memorized(variant: str):
    """On the same five pairs again and again, the loss falls from that of equal probabilities to almost zero."""
    stage = StageConfig(epochs=150, batch_size=5, learning_rate=5e-3, schedule="linear", warmup=0.1)
    dataset = NameDataset(PAIRS, VOCABULARY, MODEL.block_size)
    config = replace(STILL, variant=variant, n_layer=3, bottleneck_dim=29)
    losses = [report.loss for report in make_trainer(config, stage, dataset).run()]
    assert losses[0] == pytest.approx(math.log(len(VOCABULARY)), rel=0.05)
    assert losses[-1] < 0.01


def test_the_first_report_by_hand():
    """A model whose head is zero has a loss of ln V per character; the counts are those of the batch."""
    stage = replace(STAGE, batch_size=2, epochs=1, shuffle=False)
    pairs = [Question("A?", "PPP", 1), Question("was B?", "Q", 2), Question("C?", "R", 3)]
    trainer = make_trainer(STILL, stage, NameDataset(pairs, VOCABULARY, 31))
    torch.nn.init.zeros_(trainer.model.head.weight)
    first, last = trainer.run()
    assert first.loss == pytest.approx(math.log(len(VOCABULARY)), rel=1e-6)
    assert (first.step, first.n_steps, first.epoch, first.ends_epoch) == (1, 2, 0, False)
    assert first.n_supervised == (3 + 2) + (1 + 2)
    # A?⁇PPP⁇ and was B?⁇Q⁇ without their last characters, which are only targets.
    assert first.n_characters == 6 + 8
    # Warm-up is two fifths of a step, so the rate falls after the first.
    assert first.learning_rate == pytest.approx(3e-3 / 1.4)
    assert (last.step, last.epoch, last.ends_epoch, last.n_supervised) == (2, 0, True, 3)
    assert last.learning_rate == pytest.approx(3e-3 / 1.6)
    assert first.seconds > 0


def test_a_run_has_its_epochs_and_steps():
    """Three epochs of three steps: reports number steps and epochs, and mark the last step of each epoch."""
    reports = list(make_trainer().run())
    assert [report.step for report in reports] == list(range(1, 10))
    assert [report.epoch for report in reports] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert [report.ends_epoch for report in reports] == [False, False, True] * 3
    assert {report.n_steps for report in reports} == {9}


def test_the_gradient_is_clipped():
    """Reports have its norm before clipping; the optimizer gets one whose norm is at most the stage's."""
    trainer = make_trainer(stage=replace(STAGE, grad_norm_clip=0.07))
    for report in trainer.run():
        norm = torch.stack([p.grad.square().sum() for p in trainer.model.parameters()]).sum().sqrt().item()
        assert report.grad_norm > 0.07
        assert norm == pytest.approx(0.07, rel=1e-3)


def test_the_prefix_tables_gradient_is_not_clipped():
    """The norm is that of the other parameters: sparse Adam's step depends little on the size of the gradient."""
    config = replace(STILL, prefix_table=True)
    free, clipped = (make_trainer(config, replace(STAGE, grad_norm_clip=clip)) for clip in (math.inf, 0.07))
    reports = [next(trainer.run()) for trainer in (free, clipped)]
    norms = []
    for trainer in (free, clipped):
        dense = [
            p.grad.square().sum() for name, p in trainer.model.named_parameters() if not name.startswith("prefix_table")
        ]
        norms.append(torch.stack(dense).sum().sqrt().item())
    assert reports[0].grad_norm == reports[1].grad_norm == pytest.approx(norms[0], rel=1e-5)
    assert norms[1] == pytest.approx(0.07, rel=1e-3)
    rows = [trainer.model.prefix_table.table.weight.grad.coalesce() for trainer in (free, clipped)]
    assert torch.equal(rows[0].indices(), rows[1].indices())
    assert torch.equal(rows[0].values(), rows[1].values())


@pytest.mark.parametrize("variant", ["vanilla", "perceiver"])
def test_the_same_seed_gives_the_same_weights(variant: str):
    """Two runs with one seed end with the same weights, bit for bit, with dropout; another seed gives others."""
    config = replace(MODEL, variant=variant, n_layer=3)
    a, b, other = (make_trainer(config, seed=seed) for seed in (5, 5, 7))
    reports = [[facts(report) for report in trainer.run()] for trainer in (a, b, other)]
    assert reports[0] == reports[1] != reports[2]
    assert same(weights(a), weights(b))
    assert not same(weights(a), weights(other))


def test_dropout_differs_from_step_to_step():
    """With a learning rate near zero, the same batch has another loss at each step."""
    stage = replace(STAGE, epochs=5, batch_size=5, learning_rate=1e-12, shuffle=False)
    trainer = make_trainer(MODEL, stage, NameDataset(PAIRS, VOCABULARY, MODEL.block_size))
    losses = sorted(report.loss for report in trainer.run())
    assert min(b - a for a, b in pairwise(losses)) > 1e-6


def test_mixed_precision_keeps_weights_in_float32():
    """In bfloat16 only the products are rounded more, and losses are nearly the same."""
    fabric = Fabric(accelerator="cpu", devices=1, precision="bf16-mixed")
    whole, half = make_trainer(STILL), make_trainer(STILL, fabric=fabric)
    for a, b in zip(whole.run(), half.run(), strict=True):
        # Two losses can round to the same number; the gradient norms still differ.
        assert (a.loss, a.grad_norm) != (b.loss, b.grad_norm)
        assert b.loss == pytest.approx(a.loss, rel=0.02)
    assert {value.dtype for value in weights(half).values()} == {torch.float32}


def test_dropout_depends_on_the_step_alone():
    """Drawing random numbers between the steps changes no weight."""
    undisturbed, disturbed = make_trainer(), make_trainer()
    list(undisturbed.run())
    for _ in disturbed.run():
        torch.rand(11)
    assert same(weights(undisturbed), weights(disturbed))


@pytest.mark.parametrize("accumulate", [2, 3])
def test_micro_batches_change_nothing_but_rounding(accumulate: int):
    """Losses and weights are the same where the last micro-batch is smaller, or missing."""
    whole, split = (
        make_trainer(replace(STILL, positions="rotary"), replace(STAGE, batch_size=5, accumulate=n))
        for n in (1, accumulate)
    )
    for a, b in zip(whole.run(), split.run(), strict=True):
        assert b.loss == pytest.approx(a.loss, rel=1e-5)
        assert b.grad_norm == pytest.approx(a.grad_norm, rel=1e-4)
        assert (b.n_supervised, b.n_characters) == (a.n_supervised, a.n_characters)
    assert largest_difference(weights(whole), weights(split)) < 1e-5


@pytest.mark.parametrize(
    ("optimizer", "schedule", "prefix_table"),
    [("adamw", "cosine_by_tokens", False), ("muon", "linear", False), ("muon", "linear", True)],
)
@pytest.mark.parametrize("variant", ["vanilla", "perceiver"])
def test_a_run_resumed_after_any_step_is_the_undisturbed_one(
    variant: str, optimizer: str, schedule: str, prefix_table: bool
):
    """From the state saved after each step a new trainer ends with the same reports and weights, bit for bit."""
    config = replace(MODEL, variant=variant, n_layer=3, prefix_table=prefix_table)
    stage = replace(STAGE, optimizer=optimizer, schedule=schedule, sort_window=2)
    undisturbed = make_trainer(config, stage)
    reports, saved = [], []
    for report in undisturbed.run():
        reports.append(facts(report))
        state = json.dumps(undisturbed.state())
        saved.append((weights(undisturbed), copy.deepcopy(undisturbed.optimizer.state_dict()), state))
    for number, (saved_weights, saved_optimizer, state) in enumerate(saved, 1):
        resumed = make_trainer(config, stage)
        resumed.resume(saved_weights, copy.deepcopy(saved_optimizer), json.loads(state))
        assert [facts(report) for report in resumed.run()] == reports[number:]
        assert same(weights(resumed), weights(undisturbed))


def test_the_state_is_what_resuming_needs():
    """Position, examples seen and seed; after the last step of an epoch the position is the next epoch's start."""
    trainer = make_trainer()
    states = [dict(trainer.state()) for _ in trainer.run()]
    assert states[1] == {"step": 2, "n_rows": 6, "epoch": 0, "step_of_epoch": 2, "seed": 5, "rewinds": []}
    assert states[2] == {"step": 3, "n_rows": 7, "epoch": 1, "step_of_epoch": 0, "seed": 5, "rewinds": []}
    assert trainer.position == Position(3, 0)


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("name", ["head.weight", "blocks.1.mlp.0.weight"])
def test_a_loss_that_is_not_finite_changes_nothing(name: str, value: float):
    """NotFinite names the step; weights, optimizer and state are as they were before it."""
    trainer = make_trainer()
    steps = trainer.run()
    next(steps)
    trainer.model.get_parameter(name).data[3, 5] = value
    before, optimizer, state = weights(trainer), copy.deepcopy(trainer.optimizer.state_dict()), trainer.state()
    with pytest.raises(NotFinite, match=r"step 2: loss .* no update was made"):
        next(steps)
    after = weights(trainer)
    assert all(torch.equal(before[key].nan_to_num(), after[key].nan_to_num()) for key in before)
    assert trainer.state() == state
    moments = trainer.optimizer.state_dict()["state"]
    for number, kept in optimizer["state"].items():
        assert all(torch.equal(kept[key], moments[number][key]) for key in kept)


def test_a_gradient_that_is_not_finite_changes_nothing():
    """A finite loss with an infinite gradient is found as well."""
    trainer = make_trainer()
    before = weights(trainer)
    trainer.model.pos_emb.register_hook(lambda gradient: gradient * math.inf)
    with pytest.raises(NotFinite, match=r"step 1: loss [0-9.]+, norm of the gradient (nan|inf)"):
        next(trainer.run())
    assert same(weights(trainer), before)


# fmt: off
GOLDEN = {
    "vanilla": [
        3.38720, 3.29183, 3.17427, 3.03586, 3.00402, 2.80113, 2.80334, 2.69409, 2.61372, 2.59135,
        2.51029, 2.55388, 2.39472, 2.40041, 2.40404, 2.27508, 2.16534, 2.32288, 2.20257, 2.25933,
    ],
    "perceiver": [
        3.41112, 3.32675, 3.17644, 3.05850, 2.96131, 2.79215, 2.75963, 2.65688, 2.56087, 2.55774,
        2.47360, 2.52377, 2.36392, 2.35649, 2.46886, 2.19398, 2.13268, 2.24940, 2.14562, 2.18268,
    ],
}
# fmt: on


@pytest.mark.parametrize("variant", ["vanilla", "perceiver"])
def test_a_golden_run(variant: str):
    """Twenty steps have these losses, to four digits; refactoring must not change them."""
    config = replace(STILL, variant=variant, n_layer=3)
    stage = replace(STAGE, epochs=7, decay_norms=False)
    reports = list(make_trainer(config, stage).run())[:20]
    assert [report.loss for report in reports] == pytest.approx(GOLDEN[variant], rel=1e-4)
