import pytest
import torch

from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT
from closedbook.training.optimizer import make_optimizer
from closedbook.training.recipe import StageConfig

STAGE = StageConfig(learning_rate=3e-3, beta1=0.7, beta2=0.97, weight_decay=0.13)


def model() -> GPT:
    """A small Perceiver, which has every kind of parameter."""
    torch.manual_seed(3)
    return GPT(ModelConfig("perceiver", n_layer=3, n_head=3, n_embd=21, block_size=17, bottleneck_dim=7), 11)


def test_biases_and_layer_norms_do_not_decay():
    """Maps, embeddings, places and the basis decay, and nothing else; each parameter is in one group."""
    gpt = model()
    names = {parameter: name for name, parameter in gpt.named_parameters()}
    decaying, still = make_optimizer(gpt, STAGE).param_groups
    maps = ["attn.key", "attn.query", "attn.value", "attn.proj", "mlp.0", "mlp.2"]
    blocks = ["down_block", "blocks.0", "up_block"]
    matrices = {f"{block}.{map_}.weight" for block in blocks for map_ in maps}
    matrices |= {"tok_emb.weight", "pos_emb", "down_block.C", "head.weight"}
    assert {names[p] for p in decaying["params"]} == matrices
    assert {names[p] for p in still["params"]} == set(names.values()) - matrices
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
