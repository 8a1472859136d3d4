from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from closedbook.model.config import ModelConfig
from closedbook.model.cost import cost
from closedbook.model.gpt import GPT

VANILLA = ModelConfig(n_layer=5, n_head=3, n_embd=21, block_size=31, bottleneck_dim=7)
PERCEIVER = replace(VANILLA, variant="perceiver")
STRIDED = replace(PERCEIVER, latent_mask="strided")
COURSE = ModelConfig()


@pytest.mark.parametrize(
    ("config", "linear", "attention"),
    [
        # Four blocks of 12 times 256 x 256, and the head; each character with 128 keys and 128 values.
        (COURSE, 3 * (4 * 12 * 256**2 + 256 * 256), 3 * (4 * 2 * 128 * 256)),
        # One latent per four characters: 2 linear layers a character down and 10 up, (9 + 2 * 12 + 2) / 4 by latents;
        # a character is read by 32 latents and reads 32, and the middle blocks' 2 * 32 * 32 pairs are 16 a character.
        (
            replace(COURSE, variant="perceiver"),
            3 * ((2 + 10 + 35 / 4) * 256**2 + 256 * 256),
            3 * (2 * 256 * (32 + 32 + 16)),
        ),
        # Besides, keys and values of characters going up, and the 4 characters of a segment.
        (
            replace(COURSE, variant="perceiver", latent_mask="strided"),
            3 * ((2 + 10 + 2 + 35 / 4) * 256**2 + 256 * 256),
            3 * (2 * 256 * (32 + 32 + 4 + 16)),
        ),
    ],
)
def test_the_cost_of_the_assignments_size_by_hand(config: ModelConfig, linear: float, attention: float):
    """With 256 characters: three times the forward pass, since each product has two gradients."""
    assert (cost(config, 256).linear_layers, cost(config, 256).attention) == (linear, attention)


@pytest.mark.parametrize(
    "config",
    [VANILLA, PERCEIVER, replace(PERCEIVER, n_layer=2), STRIDED, replace(STRIDED, segment_length=11)],
)
def test_the_cost_is_what_a_training_step_multiplies(config: ModelConfig):
    """PyTorch counts exactly as many for a forward and backward pass: the difference between three rows and one."""
    model = GPT(config, 13)
    counts = []
    for n_rows in (1, 3):
        with FlopCounterMode(display=False) as counter:
            model(torch.zeros(n_rows, 31, dtype=torch.long)).sum().backward()
        counts.append(counter.get_total_flops() / 2)  # a multiply-add is two operations
    by_row = cost(config, 13)
    assert (counts[1] - counts[0]) / 2 / 31 == pytest.approx(by_row.linear_layers + by_row.attention, rel=1e-12)
