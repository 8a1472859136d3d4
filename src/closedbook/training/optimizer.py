"""Which parameter is learnt how: AdamW, with weight decay on matrices alone, or Muon beside it."""

from typing import Any

import torch
from torch import nn

from closedbook.model.gpt import GPT
from closedbook.training.muon import Muon
from closedbook.training.recipe import StageConfig


def make_optimizer(model: GPT, stage: StageConfig) -> torch.optim.AdamW:
    """The stage's optimizer over all parameters; biases and LayerNorms do not decay.

    AdamW is Loshchilov and Hutter's (2019, algorithm 2). Under Muon the maps inside the blocks are Muon's, and
    embeddings, positions, latents and head, whose rows are separate things, are AdamW's. A group's `ratio` is
    its learning rate over the stage's.
    """
    options: dict[str, Any] = {"lr": stage.learning_rate, "betas": (stage.beta1, stage.beta2), "fused": True}
    learnt = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    if stage.optimizer == "adamw":
        return torch.optim.AdamW(_adamw_groups(list(learnt.values()), stage), **options)
    inside = {
        name for name, parameter in learnt.items() if parameter.dim() == 2 and "." in name.removesuffix(".weight")
    }
    muon = {
        "params": [learnt[name] for name in sorted(inside)],
        "weight_decay": stage.weight_decay,
        "ratio": stage.muon_ratio,
        "muon": True,
    }
    rest = _adamw_groups([parameter for name, parameter in learnt.items() if name not in inside], stage)
    return Muon([muon, *({**group, "muon": False} for group in rest)], **options)


def _adamw_groups(parameters: list[nn.Parameter], stage: StageConfig) -> list[dict[str, Any]]:
    """What decays, and what does not."""
    return [
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": stage.weight_decay, "ratio": 1.0},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0, "ratio": 1.0},
    ]
