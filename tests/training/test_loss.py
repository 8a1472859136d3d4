import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT
from closedbook.training.loss import SummedLoss

N_CHARACTERS = 11


def model(variant: str = "vanilla") -> GPT:
    """A small model, in evaluation mode."""
    torch.manual_seed(3)
    config = ModelConfig(variant, n_layer=3, n_head=3, n_embd=21, block_size=17, bottleneck_dim=7)
    return GPT(config, N_CHARACTERS).eval()


def padded_batch() -> tuple[Tensor, Tensor]:
    """Three rows of 5, 13 and 7 characters, padded at the end; one y is padded at the start too, like a pair's."""
    torch.manual_seed(5)
    x, y = torch.randint(1, N_CHARACTERS, (3, 13)), torch.randint(1, N_CHARACTERS, (3, 13))
    for row, length in enumerate((5, 13, 7)):
        x[row, length:] = y[row, length:] = 0
    y[1, :2] = 0
    return x, y


def test_the_loss_by_hand():
    """A head that gives a character the logit ln 3 and ten others 0 costs ln 13/3 for it, ln 13 for another."""
    gpt = model()
    # The last LayerNorm gives (1, 0, ... 0) for every input.
    torch.nn.init.zeros_(gpt.ln_f.weight)
    with torch.no_grad():
        gpt.ln_f.bias[0] = 1.0
        gpt.head.weight.zero_()
        gpt.head.weight[7, 0] = math.log(3)
    nats, n = SummedLoss(gpt)(torch.tensor([[2, 3, 5], [2, 0, 0]]), torch.tensor([[0, 7, 3], [7, 0, 0]]))
    assert n == 3
    assert nats.item() == pytest.approx(2 * math.log(13 / 3) + math.log(13), rel=1e-6)


@pytest.mark.parametrize("variant", ["vanilla", "perceiver"])
def test_the_loss_of_a_padded_batch_is_the_sum_over_its_rows(variant: str):
    """Nats and counts of a batch are the sums over its rows, each computed alone and without padding."""
    loss, (x, y) = SummedLoss(model(variant)), padded_batch()
    nats, n = loss(x, y)
    rows = [loss(x[i : i + 1, :length], y[i : i + 1, :length]) for i, length in enumerate((5, 13, 7))]
    assert [count for _, count in rows] == [5, 11, 7]
    assert n == 23
    torch.testing.assert_close(nats, torch.stack([row for row, _ in rows]).sum())


def test_rounding_up_the_number_of_rows_changes_no_gradient():
    """With few supervised positions, and with more than one multiple of rows, gradients are those of the formula."""
    torch.manual_seed(7)
    for n_rows in (1, 11, 23):
        gpt, x = model(), torch.randint(1, N_CHARACTERS, (n_rows, 13))
        y = x.roll(-1, 1)
        y[:, ::3] = 0
        nats, n = SummedLoss(gpt)(x, y)
        assert n == 8 * n_rows
        given = torch.autograd.grad(nats, list(gpt.parameters()))
        all_logits = cross_entropy(gpt(x).flatten(0, 1), y.flatten(), ignore_index=0, reduction="sum")
        torch.testing.assert_close(given, torch.autograd.grad(all_logits, list(gpt.parameters())), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("variant", ["vanilla", "perceiver"])
def test_the_loss_is_the_assignments_loss_times_the_count(variant: str):
    """The assignment's loss, the cross entropy of all logits with PAD ignored, is the mean of the same sum."""
    gpt, (x, y) = model(variant), padded_batch()
    nats, n = SummedLoss(gpt)(x, y)
    mean = cross_entropy(gpt(x).view(-1, N_CHARACTERS), y.view(-1), ignore_index=0)
    torch.testing.assert_close(nats, mean * n)


def test_the_gradient_is_the_assignments_gradient_times_the_count():
    """Computing logits for the supervised characters alone loses no gradient."""
    a, b, (x, y) = model(), model(), padded_batch()
    nats, n = SummedLoss(a)(x, y)
    nats.backward()
    (cross_entropy(b(x).view(-1, N_CHARACTERS), y.view(-1), ignore_index=0) * n).backward()
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        torch.testing.assert_close(p.grad, q.grad, rtol=1e-4, atol=1e-5)


def test_a_batch_of_padding_has_zero_loss():
    """The loss and the count are zero, and so is every gradient, but none is missing."""
    gpt = model()
    nats, n = SummedLoss(gpt)(torch.zeros(1, 5, dtype=torch.long), torch.zeros(1, 5, dtype=torch.long))
    nats.backward()
    assert (nats.item(), n) == (0.0, 0)
    assert all(p.grad is not None and (p.grad == 0).all() for p in gpt.parameters())
