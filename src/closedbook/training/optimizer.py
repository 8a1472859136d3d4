"""AdamW, with weight decay on matrices alone."""

import torch
from torch import nn

from closedbook.training.recipe import StageConfig


def make_optimizer(model: nn.Module, stage: StageConfig) -> torch.optim.AdamW:
    """AdamW (Loshchilov and Hutter 2019, algorithm 2) over all parameters; biases and LayerNorms do not decay."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": stage.weight_decay},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=stage.learning_rate, betas=(stage.beta1, stage.beta2), fused=True)
