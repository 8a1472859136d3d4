"""Which parameter is learnt how: AdamW, with weight decay on matrices alone, or Muon beside it."""

from typing import Any

import torch

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
    inside = {
        name for name, parameter in learnt.items() if parameter.dim() == 2 and "." in name.removesuffix(".weight")
    }
    maps = [learnt[name] for name in sorted(inside)] if stage.optimizer == "muon" else []
    rest = [parameter for name, parameter in learnt.items() if stage.optimizer != "muon" or name not in inside]
    groups = [
        {"params": [p for p in rest if p.dim() >= 2], "weight_decay": stage.weight_decay},
        {"params": [p for p in rest if p.dim() < 2], "weight_decay": 0.0},
    ]
    if stage.optimizer == "adamw":
        return torch.optim.AdamW([{**group, "ratio": 1.0} for group in groups], **options)
    muon = {"params": maps, "weight_decay": stage.weight_decay, "muon": True, "ratio": stage.muon_ratio}
    return Muon([muon, *({**group, "muon": False, "ratio": 1.0} for group in groups)], **options)
