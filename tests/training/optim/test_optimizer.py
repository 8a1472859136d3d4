import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT
from closedbook.model.prefix_table import PrefixTrie
from closedbook.recipe.recipe import StageConfig
from closedbook.training.optim import row_wise, sparse_adam
from closedbook.training.optim.muon import orthogonalized
from closedbook.training.optim.optimizer import Optimizer, make_optimizer

STAGE = StageConfig(learning_rate=3e-3, beta1=0.7, beta2=0.97, weight_decay=0.13, decay_norms=False)


def model() -> GPT:
    """A small Perceiver, which has every kind of parameter."""
    torch.manual_seed(3)
    return GPT(ModelConfig("perceiver", n_layer=3, n_head=3, n_embd=21, block_size=17, bottleneck_dim=7), 11)


def with_prefix_table() -> GPT:
    """A small model with a prefix table, whose words are all triples of the ids 3 to 10."""
    torch.manual_seed(3)
    letters = range(3, 11)
    trie = PrefixTrie.of_words(
        [(i, j, k) for i in letters for j in letters for k in letters], [n > 2 for n in range(11)]
    )
    return GPT(ModelConfig(n_layer=2, n_head=3, n_embd=21, block_size=17, prefix_table=True), 11, trie)


MATRICES = {
    f"{block}.{layer}.weight"
    for block in ("down_block", "blocks.0", "up_block")
    for layer in ("attn.key", "attn.query", "attn.value", "attn.proj", "mlp.0", "mlp.2")
}
OTHER_MATRICES = {"tok_emb.weight", "pos_emb", "down_block.C", "head.weight"}
NORMS = {f"{block}.{norm}.weight" for block in ("down_block", "blocks.0", "up_block") for norm in ("ln1", "ln2")}


@pytest.mark.parametrize("norms", [False, True])
def test_which_parameters_have_weight_decay(norms: bool):
    """Matrices, embeddings and the latents' basis have it, LayerNorms' weights as the stage says, and nothing else."""
    gpt = model()
    names = {parameter: name for name, parameter in gpt.named_parameters()}
    decaying, others = make_optimizer(gpt, replace(STAGE, decay_norms=norms)).param_groups
    expected = MATRICES | OTHER_MATRICES | (NORMS | {"ln_f.weight"} if norms else set())
    assert {names[p] for p in decaying["params"]} == expected
    assert {names[p] for p in others["params"]} == set(names.values()) - expected
    assert len(decaying["params"]) + len(others["params"]) == len(names)
    assert (decaying["weight_decay"], others["weight_decay"]) == (0.13, 0.0)


def test_adamw_has_the_stages_hyperparameters():
    """Learning rate and betas are the stage's; epsilon is PyTorch's default."""
    for group in make_optimizer(model(), STAGE).param_groups:
        assert (group["lr"], group["betas"], group["eps"]) == (3e-3, (0.7, 0.97), 1e-8)


def test_a_step_by_hand():
    """AdamW's first step: decay by lr * weight decay, then lr against the gradient's sign."""
    gpt = model()
    weight, bias = gpt.head.weight, gpt.ln_f.bias
    before = weight.detach().clone()
    optimizer = make_optimizer(gpt, STAGE)
    weight.grad, bias.grad = torch.full_like(weight, -5.0), torch.full_like(bias, 7.0)
    optimizer.step()
    torch.testing.assert_close(weight.detach(), before * (1 - 3e-3 * 0.13) + 3e-3)
    torch.testing.assert_close(bias.detach(), torch.full_like(bias, -3e-3))


def test_muon_updates_the_weight_matrices_inside_the_blocks():
    """They have a group of their own, with their ratio of the learning rate; AdamW updates the rest."""
    gpt = model()
    names = {parameter: name for name, parameter in gpt.named_parameters()}
    stage = replace(STAGE, optimizer="muon", muon_ratio=7.0)
    matrices, decaying, others = make_optimizer(gpt, stage).param_groups
    assert {names[p] for p in matrices["params"]} == MATRICES
    assert {names[p] for p in decaying["params"]} == OTHER_MATRICES
    assert {names[p] for p in others["params"]} == set(names.values()) - MATRICES - OTHER_MATRICES
    assert [group["ratio"] for group in (matrices, decaying, others)] == [7.0, 1.0, 1.0]
    assert [group["weight_decay"] for group in (matrices, decaying, others)] == [0.13, 0.13, 0.0]


QUINTICS = (
    (8.0132, -22.9258, 16.5994),
    (3.6006, -2.6419, 0.5105),
    (2.6613, -1.9772, 0.4526),
)


def by_quintics(x: Tensor) -> Tensor:
    """Singular values of at most 1, after Muon's iterations."""
    for a, b, c in QUINTICS:
        x = a * x + b * x**3 + c * x**5
    return x


def test_muons_quintics_bring_all_but_the_smallest_singular_values_close_to_1():
    """Those from 0.01 to 1 end within 0.29 of 1; smaller ones grow by a factor of 70."""
    x = by_quintics(torch.logspace(math.log10(0.01), 0, 100_000, dtype=torch.float64))
    assert 0.71 < x.min() < 0.73
    assert 1.26 < x.max() < 1.28
    assert by_quintics(torch.tensor(1e-4, dtype=torch.float64)) > 0.007


@pytest.mark.parametrize("shape", [(7, 11), (11, 7), (5, 5), (5, 31), (31, 5)])
def test_muon_equalizes_singular_values(shape: tuple[int, int]):
    """Singular vectors stay, and singular values go through the quintics; none stays small."""
    torch.manual_seed(5)
    matrices = torch.randn(3, *shape)
    u, s, vh = torch.linalg.svd(matrices.double(), full_matrices=False)
    x = by_quintics(s / (1.01 * s.pow(4).sum(-1, keepdim=True) ** 0.25))
    torch.testing.assert_close(orthogonalized(matrices).double(), u * x[:, None] @ vh, rtol=1e-3, atol=1e-4)
    assert 0.71 < x[s > 0.02 * s.norm(dim=-1, keepdim=True)].min() <= x.max() < 1.28


def test_a_step_of_muon_by_hand():
    """The first step for a gradient of rank 1: weight decay, then a step of the rate, longer for a tall matrix."""
    gpt = model()
    weight = gpt.get_parameter("blocks.0.mlp.0.weight")
    before = weight.detach().clone()
    optimizer = make_optimizer(gpt, replace(STAGE, optimizer="muon"))
    weight.grad = torch.zeros_like(before)
    weight.grad[3, 5] = 1.0
    optimizer.step()
    x = float(by_quintics(torch.tensor(1 / 1.01, dtype=torch.float64)))
    expected = before * (1 - 3e-3 * 0.13)
    expected[3, 5] -= 3e-3 * 2 * x
    torch.testing.assert_close(weight.detach(), expected, rtol=1e-4, atol=1e-6)


def test_frozen_parameters_are_in_no_group():
    """Parameters that need no gradient are not optimized."""
    gpt = model()
    gpt.tok_emb.requires_grad_(False)
    optimized = [p for group in make_optimizer(gpt, STAGE).param_groups for p in group["params"]]
    assert len(optimized) == len(list(gpt.parameters())) - 1
    assert all(p is not gpt.tok_emb.weight for p in optimized)


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_weight_decay_is_the_stages(weight_decay: float):
    """With a zero gradient a weight shrinks by learning rate * weight decay, or not at all."""
    gpt = model()
    optimizer = make_optimizer(gpt, StageConfig(learning_rate=0.01, weight_decay=weight_decay))
    before = gpt.head.weight.detach().clone()
    gpt.head.weight.grad = torch.zeros_like(before)
    optimizer.step()
    torch.testing.assert_close(gpt.head.weight.detach(), before * (1 - 0.01 * weight_decay))


@pytest.mark.parametrize("shape", [(7, 11), (11, 7), (53, 53), (31, 151)])
def test_muon_in_bfloat16_is_close_to_muon_in_float32(shape: tuple[int, int]):
    """The iteration tolerates rounded products."""
    torch.manual_seed(7)
    matrices = torch.randn(3, *shape)
    coarse, fine = orthogonalized(matrices.bfloat16()), orthogonalized(matrices)
    assert (coarse.dtype, fine.dtype) == (torch.bfloat16, torch.float32)
    assert not torch.equal(coarse, fine)
    assert ((coarse - fine).norm(dim=(-2, -1)) / fine.norm(dim=(-2, -1))).max() < 0.08


def test_matrices_of_one_shape_are_orthogonalized_independently():
    """Three at once give the same as each alone."""
    torch.manual_seed(11)
    matrices = torch.randn(3, 13, 7) * torch.tensor([1.0, 1e-3, 1e3])[:, None, None]
    alone = torch.cat([orthogonalized(matrix[None]) for matrix in matrices])
    torch.testing.assert_close(orthogonalized(matrices), alone, rtol=1e-4, atol=1e-5)


def test_a_matrix_and_one_of_the_transposed_shape_are_updated_as_each_is_alone():
    """The two feed-forward matrices of a block, which are orthogonalized in one batch."""
    names = ("blocks.0.mlp.0.weight", "blocks.0.mlp.2.weight")
    generator = torch.Generator().manual_seed(5)

    def moved(*updated: str) -> dict[str, Tensor]:
        gpt = model()
        optimizer = make_optimizer(gpt, replace(STAGE, optimizer="muon"))
        for name in updated:
            gpt.get_parameter(name).grad = gradients[name]
        optimizer.step()
        return {name: gpt.get_parameter(name).detach() for name in names}

    gradients = {name: torch.randn(model().get_parameter(name).shape, generator=generator) for name in names}
    assert gradients[names[0]].shape == gradients[names[1]].mT.shape
    together = moved(*names)
    for name in names:
        torch.testing.assert_close(together[name], moved(name)[name], rtol=1e-4, atol=1e-6)
        assert (together[name] != moved()[name]).any()


def test_muons_momentum_by_hand():
    """After gradients 1 and -1 of one entry, the Nesterov gradient is -1 * 0.05 - 0.0025 * 0.95, so the step turns."""
    gpt = model()
    weight = gpt.get_parameter("blocks.0.attn.key.weight")
    optimizer = make_optimizer(gpt, replace(STAGE, optimizer="muon", weight_decay=0.0))
    steps = []
    for value in (1.0, -1.0):
        before = weight.detach().clone()
        weight.grad = torch.zeros_like(before)
        weight.grad[3, 5] = value
        optimizer.step()
        steps.append((weight.detach() - before)[3, 5].item())
    # Whatever its size, its one singular value becomes the same.
    assert steps[0] < 0 < steps[1]
    assert steps[1] == pytest.approx(-steps[0], rel=1e-3)
    momentum = optimizer.state[weight]["momentum"]
    assert momentum[3, 5].item() == pytest.approx(0.95 * 0.05 - 0.05)
    assert momentum.count_nonzero() == 1


# Which optimizer updates which parameter


def test_every_kind_of_parameter_has_its_group():
    """With Muon and a prefix table: matrices, AdamW with and without weight decay, and the table."""
    gpt = with_prefix_table()
    names = {parameter: name for name, parameter in gpt.named_parameters()}
    groups = make_optimizer(gpt, replace(STAGE, optimizer="muon", muon_ratio=7.0, table_ratio=13.0)).param_groups
    assert [(group["kind"], group["ratio"], group["weight_decay"]) for group in groups] == [
        ("muon", 7.0, 0.13),
        ("adamw", 1.0, 0.13),
        ("adamw", 1.0, 0.0),
        ("row_wise", 13.0, 0.0),
    ]
    assert [names[p] for p in groups[3]["params"]] == ["prefix_table.table.weight"]
    assert {names[p] for p in groups[1]["params"]} == {"tok_emb.weight", "pos_emb", "head.weight"}
    assert sorted(names[p] for group in groups for p in group["params"]) == sorted(names.values())


def test_tables_have_an_optimizer_of_their_own_whatever_the_stages():
    """AdamW would update all of its rows at every step."""
    groups = make_optimizer(with_prefix_table(), STAGE).param_groups
    assert [group["kind"] for group in groups] == ["adamw", "adamw", "row_wise"]


def test_a_frozen_prefix_table_is_in_no_group():
    """It is not optimized either."""
    gpt = with_prefix_table()
    gpt.prefix_table.table.weight.requires_grad_(False)
    assert [group["kind"] for group in make_optimizer(gpt, STAGE).param_groups] == ["adamw", "adamw"]


def train(gpt: GPT, optimizer: Optimizer, steps: Sequence[int]) -> None:
    """One step on a random text for each seed."""
    for seed in steps:
        idx = torch.randint(0, 11, (3, 14), generator=torch.Generator().manual_seed(seed))
        optimizer.zero_grad(set_to_none=True)
        cross_entropy(gpt(idx[:, :-1]).flatten(0, 1), idx[:, 1:].flatten()).backward()
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 / (1 + seed) * group["ratio"]
        optimizer.step()


def test_adamws_parameters_are_updated_as_by_pytorchs_adamw():
    """Bit for bit, with the other optimizers at work; and every parameter changes."""
    gpt = with_prefix_table().eval()
    plain = copy.deepcopy(gpt)
    optimizer = make_optimizer(gpt, replace(STAGE, optimizer="muon"))
    decaying, others_adamw = (
        [p for p in gpt.parameters() if any(p is q for q in g["params"])] for g in optimizer.param_groups[1:3]
    )
    numbers = {id(p): number for number, p in enumerate(gpt.parameters())}
    others = list(plain.parameters())
    reference = torch.optim.AdamW(
        [
            {"params": [others[numbers[id(p)]] for p in decaying], "weight_decay": 0.13},
            {"params": [others[numbers[id(p)]] for p in others_adamw], "weight_decay": 0.0},
        ],
        betas=(0.7, 0.97),
        fused=True,
    )
    before = copy.deepcopy(gpt.state_dict())
    for seed in range(3):
        train(gpt, optimizer, [seed])
        for mine, other in zip(gpt.parameters(), others, strict=True):
            other.grad = None if mine.grad is None else mine.grad.clone()
        for group in reference.param_groups:
            group["lr"] = 3e-3 / (1 + seed)
        reference.step()
    for parameter in (*decaying, *others_adamw):
        assert torch.equal(parameter, others[numbers[id(parameter)]])
    assert all((value != before[name]).any() for name, value in gpt.state_dict().items())


def test_a_closure_is_called_once_and_its_loss_returned():
    """As in PyTorch's optimizers, the closure may compute gradients."""
    gpt = model()
    optimizer = make_optimizer(gpt, replace(STAGE, optimizer="muon"))
    called: list[float] = []

    def closure() -> float:
        nats = gpt.head.weight.square().sum()
        nats.backward()
        called.append(nats.item())
        return called[-1]

    before = gpt.head.weight.detach().clone()
    assert [optimizer.step(closure)] == called
    assert not torch.equal(gpt.head.weight, before)


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_a_saved_state_is_resumed_bit_for_bit(kind: str):
    """Three steps, saving, loading and two more steps are five steps: all moments and step counts are saved."""
    stage = replace(STAGE, optimizer=kind)
    whole = with_prefix_table().eval()
    optimizer = make_optimizer(whole, stage)
    train(whole, optimizer, range(3))
    resumed = with_prefix_table().eval()
    resumed.load_state_dict(copy.deepcopy(whole.state_dict()))
    other = make_optimizer(resumed, stage)
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    train(whole, optimizer, range(3, 5))
    train(resumed, other, range(3, 5))
    assert all(torch.equal(p, q) for p, q in zip(whole.parameters(), resumed.parameters(), strict=True))
    states: list[dict[int, dict[str, Any]]] = [each.state_dict()["state"] for each in (optimizer, other)]
    assert states[0].keys() == states[1].keys()
    for number, kept in states[0].items():
        assert all(torch.equal(value, states[1][number][name]) for name, value in kept.items())
    assert [group["kind"] for group in other.param_groups] == [group["kind"] for group in optimizer.param_groups]


def test_a_state_of_an_older_version_keeps_the_groups_kinds():
    """It called the tables' group 'rows'."""
    optimizer = make_optimizer(with_prefix_table(), STAGE)
    state = copy.deepcopy(optimizer.state_dict())
    state["param_groups"][-1]["kind"] = "rows"
    optimizer.load_state_dict(state)
    assert [group["kind"] for group in optimizer.param_groups] == ["adamw", "adamw", "row_wise"]


# Tables

UPDATES = {"row_wise": row_wise.update_rows, "sparse_adam": sparse_adam.update_rows}
Update = Callable[[Tensor, dict[str, Any], float], None]
every_update = pytest.mark.parametrize("update", UPDATES.values(), ids=UPDATES.keys())


def table(n_rows: int = 7, n_columns: int = 3) -> nn.Parameter:
    """A table of zeros."""
    return nn.Parameter(torch.zeros(n_rows, n_columns))


def step(
    update: Update, weights: nn.Parameter, state: dict[str, Any], gradients: dict[int, Tensor | float], rate: float
) -> None:
    """One step in which only these rows have a gradient."""
    rows = [torch.zeros(weights.size(1)) + value for value in gradients.values()]
    weights.grad = torch.sparse_coo_tensor(
        torch.tensor([list(gradients)]), torch.stack(rows), weights.shape, check_invariants=True
    )
    with torch.no_grad():
        update(weights, state, rate)


def test_two_steps_of_a_row_by_row_wise_rmsprop():
    """By hand: the length is the rate per root mean square at first, then by the formula; the direction is the same."""
    weights, state = table(), {}
    gradient = torch.tensor([3.0, 0.0, -4.0])
    root = (25 / 3) ** 0.5
    step(row_wise.update_rows, weights, state, {2: gradient}, rate=0.1)
    torch.testing.assert_close(weights[2].detach(), -0.1 * gradient / root)
    # square (25/3 * 0.01 * 0.99 + 3 * 0.01) / (1 - 0.9801), of a second gradient of ones times the root of 3
    second = torch.full((3,), 3.0**0.5)
    step(row_wise.update_rows, weights, state, {2: second}, rate=0.1)
    square = (25 / 3 * 0.0099 + 0.03) / 0.0199
    torch.testing.assert_close(weights[2].detach(), -0.1 * gradient / root - 0.1 * second / square**0.5)


def test_two_steps_of_a_row_by_sparse_adam():
    """By hand, betas 0.9 and 0.99: the first step is the rate whatever the gradient, the second by the formula."""
    weights, state = table(), {}
    step(sparse_adam.update_rows, weights, state, {2: 3.0}, rate=0.1)
    torch.testing.assert_close(weights[2].detach(), torch.full((3,), -0.1))
    # mean (0.3 * 0.9 - 1 * 0.1) / (1 - 0.81), square (0.09 * 0.99 + 1 * 0.01) / (1 - 0.9801)
    step(sparse_adam.update_rows, weights, state, {2: -1.0}, rate=0.1)
    torch.testing.assert_close(
        weights[2].detach(), torch.full((3,), -0.1 - 0.1 * (0.17 / 0.19) / (0.0991 / 0.0199) ** 0.5)
    )


def test_rows_are_updated_as_by_pytorchs_sparse_adam():
    """Five steps are those of torch.optim.SparseAdam where every step has every row, so that step counts agree."""
    torch.manual_seed(13)
    weights, other, state = table(), table(), {}
    reference = torch.optim.SparseAdam([other], lr=0.03, betas=(0.9, 0.99), eps=1e-8)
    for _ in range(5):
        step(sparse_adam.update_rows, weights, state, {row: torch.randn(3) for row in (1, 2, 3, 4, 5, 6)}, rate=0.03)
        assert weights.grad is not None
        other.grad = weights.grad.clone()
        reference.step()
    torch.testing.assert_close(weights, other, rtol=1e-5, atol=1e-7)
    assert (weights[1:] != 0).all()


@every_update
def test_a_rare_rows_first_step_has_the_bias_correction_of_a_first_step(update: Update):
    """A row used after a hundred steps of others makes as long a step as theirs was at first."""
    weights, state = table(), {}
    for _ in range(101):
        step(update, weights, state, {1: 1.0}, rate=0.01)
    step(update, weights, state, {1: 1.0, 5: -1e-3}, rate=0.01)
    torch.testing.assert_close(weights[5].detach(), torch.full((3,), 0.01))
    assert state["n_steps"][:, 0].tolist() == [0, 102, 0, 0, 0, 1, 0]


@every_update
def test_a_row_without_a_gradient_does_not_change(update: Update):
    """Neither its weights nor its state, although its mean gradient is not zero."""
    weights, state = table(), {}
    step(update, weights, state, {1: 5.0, 2: 7.0, 3: -1.0}, rate=0.1)
    before = {"weights": weights.detach().clone(), **copy.deepcopy(state)}
    step(update, weights, state, {2: 1.0}, rate=0.1)
    for name, value in {"weights": weights.detach(), **state}.items():
        if name == "step":
            continue  # AdamW's, not per row
        moved = (value != before[name]).any(dim=-1)
        assert moved.tolist() == [False, False, True, False, False, False, False], name


@every_update
def test_a_row_that_a_step_used_twice_gets_the_sum(update: Update):
    """Two gradients of one row are added, and count as one step."""
    twice, once = table(), table()
    states: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    for number in range(2):
        twice.grad = torch.sparse_coo_tensor(
            torch.tensor([[4, 2, 4]]),
            torch.tensor([[1.0] * 3, [2.0] * 3, [5.0 - number] * 3]),
            (7, 3),
            check_invariants=True,
        )
        with torch.no_grad():
            update(twice, states[0], 0.1)
        step(update, once, states[1], {2: 2.0, 4: 6.0 - number}, rate=0.1)
    assert torch.equal(twice, once)
    assert torch.equal(states[0]["n_steps"], states[1]["n_steps"])


@every_update
def test_a_step_without_any_row_changes_nothing(update: Update):
    """A text without any known prefix gives an empty gradient."""
    weights, state = table(), {}
    weights.grad = torch.sparse_coo_tensor(
        torch.empty(1, 0, dtype=torch.long), torch.empty(0, 3), (7, 3), check_invariants=True
    )
    with torch.no_grad():
        update(weights, state, 0.1)
    assert (weights == 0).all()


def test_row_0_stays_at_zero():
    """Characters outside known prefixes add nothing, and unused rows keep their initial weights."""
    gpt = with_prefix_table()
    train(gpt, make_optimizer(gpt, replace(STAGE, optimizer="muon")), range(11))
    moved = (gpt.prefix_table.table.weight != 0).any(dim=-1)
    assert not moved[0]
    assert 50 < int(moved.sum()) < len(moved) - 50
