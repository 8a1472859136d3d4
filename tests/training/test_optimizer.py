from dataclasses import replace

import pytest
import torch

from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT
from closedbook.training.muon import orthogonalised
from closedbook.training.optimizer import make_optimizer
from closedbook.training.recipe import StageConfig

STAGE = StageConfig(learning_rate=3e-3, beta1=0.7, beta2=0.97, weight_decay=0.13)


def model() -> GPT:
    """A small Perceiver, which has every kind of parameter."""
    torch.manual_seed(3)
    return GPT(ModelConfig("perceiver", n_layer=3, n_head=3, n_embd=21, block_size=17, bottleneck_dim=7), 11)


MAPS = {
    f"{block}.{map_}.weight"
    for block in ("down_block", "blocks.0", "up_block")
    for map_ in ("attn.key", "attn.query", "attn.value", "attn.proj", "mlp.0", "mlp.2")
}
OTHER_MATRICES = {"tok_emb.weight", "pos_emb", "down_block.C", "head.weight"}


def test_biases_and_layer_norms_do_not_decay():
    """Maps, embeddings, places and the basis decay, and nothing else; each parameter is in one group."""
    gpt = model()
    names = {parameter: name for name, parameter in gpt.named_parameters()}
    decaying, still = make_optimizer(gpt, STAGE).param_groups
    assert {names[p] for p in decaying["params"]} == MAPS | OTHER_MATRICES
    assert {names[p] for p in still["params"]} == set(names.values()) - MAPS - OTHER_MATRICES
    assert len(decaying["params"]) + len(still["params"]) == len(names)
    assert (decaying["weight_decay"], still["weight_decay"]) == (0.13, 0.0)


def test_the_stages_numbers_are_adamws():
    """Learning rate and betas are the stage's, epsilon is PyTorch's."""
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


def test_muon_takes_the_maps_inside_the_blocks():
    """Under Muon these are in a group of their own, at their ratio of the rate; the rest is AdamW's as ever."""
    gpt = model()
    names = {parameter: name for name, parameter in gpt.named_parameters()}
    stage = replace(STAGE, optimizer="muon", muon_ratio=7.0)
    maps, decaying, still = make_optimizer(gpt, stage).param_groups
    assert {names[p] for p in maps["params"]} == MAPS
    assert {names[p] for p in decaying["params"]} == OTHER_MATRICES
    assert {names[p] for p in still["params"]} == set(names.values()) - MAPS - OTHER_MATRICES
    assert [group["ratio"] for group in (maps, decaying, still)] == [7.0, 1.0, 1.0]
    assert [group["weight_decay"] for group in (maps, decaying, still)] == [0.13, 0.13, 0.0]


@pytest.mark.parametrize("shape", [(7, 11), (11, 7), (5, 5)])
def test_muon_makes_all_singular_values_alike(shape: tuple[int, int]):
    """Five times a x + b x^3 + c x^5 of each singular value, whose directions stay; none is left small."""
    torch.manual_seed(5)
    matrices = torch.randn(3, *shape)
    u, s, vh = torch.linalg.svd(matrices.double(), full_matrices=False)
    x = s / s.norm(dim=-1, keepdim=True)
    for _ in range(5):
        x = 3.4445 * x - 4.7750 * x**3 + 2.0315 * x**5
    torch.testing.assert_close(orthogonalised(matrices).double(), u * x[:, None] @ vh, rtol=1e-3, atol=1e-4)
    assert 0.6 < x[s > 0.02 * s.norm(dim=-1, keepdim=True)].min() <= x.max() < 1.25


def test_a_step_of_muon_by_hand():
    """The first step of a gradient of one direction: decay, then the rate against it, more for a tall map."""
    gpt = model()
    weight = gpt.get_parameter("blocks.0.mlp.0.weight")
    before = weight.detach().clone()
    optimizer = make_optimizer(gpt, replace(STAGE, optimizer="muon"))
    weight.grad = torch.zeros_like(before)
    weight.grad[3, 5] = 1.0
    optimizer.step()
    # The one singular value is 1, which the quintic takes to 0.701, and so on.
    x = 1.0
    for _ in range(5):
        x = 3.4445 * x - 4.7750 * x**3 + 2.0315 * x**5
    expected = before * (1 - 3e-3 * 0.13)
    expected[3, 5] -= 3e-3 * 2 * x
    torch.testing.assert_close(weight.detach(), expected, rtol=1e-4, atol=1e-6)


def test_frozen_parameters_are_left_out():
    """What asks for no gradient is in no group."""
    gpt = model()
    gpt.tok_emb.requires_grad_(False)
    optimized = [p for group in make_optimizer(gpt, STAGE).param_groups for p in group["params"]]
    assert len(optimized) == len(list(gpt.parameters())) - 1
    assert all(p is not gpt.tok_emb.weight for p in optimized)


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_decay_is_what_the_stage_says(weight_decay: float):
    """Without a gradient's help a weight shrinks by lr * weight decay, or not at all."""
    gpt = model()
    optimizer = make_optimizer(gpt, StageConfig(learning_rate=0.01, weight_decay=weight_decay))
    before = gpt.head.weight.detach().clone()
    gpt.head.weight.grad = torch.zeros_like(before)
    optimizer.step()
    torch.testing.assert_close(gpt.head.weight.detach(), before * (1 - 0.01 * weight_decay))
