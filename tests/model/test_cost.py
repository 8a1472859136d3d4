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
    ("config", "maps", "attention"),
    [
        # Four blocks of 12 maps of 256 x 256, and the head; each character with 128 keys, and 128 values.
        (COURSE, 3 * (4 * 12 * 256**2 + 256 * 256), 3 * (4 * 2 * 128 * 256)),
        # A latent for every fourth character: 2 maps a character down and 10 up, (9 + 2 * 12 + 2) / 4 by latents; a
        # character is read by 32 latents, reads 32, and the middle blocks' 32 * 32 pairs twice are 16 a character.
        (
            replace(COURSE, variant="perceiver"),
            3 * ((2 + 10 + 35 / 4) * 256**2 + 256 * 256),
            3 * (2 * 256 * (32 + 32 + 16)),
        ),
        # Keys and values of characters once more, and its stretch's 4 characters.
        (
            replace(COURSE, variant="perceiver", latent_mask="strided"),
            3 * ((2 + 10 + 2 + 35 / 4) * 256**2 + 256 * 256),
            3 * (2 * 256 * (32 + 32 + 4 + 16)),
        ),
        # A character is read by the latent of its stretch alone.
        (
            replace(COURSE, variant="perceiver", latent_mask="strided", reach="stretch"),
            3 * ((2 + 10 + 2 + 35 / 4) * 256**2 + 256 * 256),
            3 * (2 * 256 * (1 + 32 + 4 + 16)),
        ),
    ],
)
def test_the_assignments_sizes_cost_so_much(config: ModelConfig, maps: float, attention: float):
    """By hand, with 256 characters: three times the forward pass, as a product has two gradients."""
    assert (cost(config, 256).maps, cost(config, 256).attention) == (maps, attention)


@pytest.mark.parametrize(
    "config",
    [
        VANILLA,
        PERCEIVER,
        replace(PERCEIVER, n_layer=2),
        STRIDED,
        replace(STRIDED, reach="stretch"),
        replace(STRIDED, stretch=11),
    ],
)
def test_the_cost_is_what_a_training_step_multiplies(config: ModelConfig):
    """PyTorch's count of a forward and backward pass, of three rows less that of one, is the same to the product."""
    model = GPT(config, 13)
    counts = []
    for n_rows in (1, 3):
        with FlopCounterMode(display=False) as counter:
            model(torch.zeros(n_rows, 31, dtype=torch.long)).sum().backward()
        counts.append(counter.get_total_flops() / 2)  # a multiply-add is two operations
    by_row = cost(config, 13)
    assert (counts[1] - counts[0]) / 2 / 31 == pytest.approx(by_row.maps + by_row.attention, rel=1e-12)
