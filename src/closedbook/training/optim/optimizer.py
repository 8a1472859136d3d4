"""Which parameter is learnt how: AdamW, with weight decay, not of biases; Muon and row-wise Adam beside it."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from closedbook.model.gpt import GPT
from closedbook.recipe.recipe import Precision, StageConfig
from closedbook.training.optim.muon import update_matrices
from closedbook.training.optim.sparse_adam import update_rows


class Optimizer(torch.optim.AdamW):
    """AdamW for groups of kind 'adamw', Muon for 'muon', Adam of the rows in use for 'rows'."""

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        groups = self.param_groups
        self.param_groups = [group for group in groups if group["kind"] == "adamw"]
        try:
            super().step()
        finally:
            self.param_groups = groups
        for group in groups:
            if group["kind"] == "muon":
                update_matrices(group, self.state)
            elif group["kind"] == "rows":
                for table in group["params"]:
                    if table.grad is not None:
                        update_rows(table, self.state[table], group["lr"])
        return loss


def make_optimizer(model: GPT, stage: StageConfig, precision: Precision = "float32") -> Optimizer:
    """The stage's optimizer over all parameters; biases do not decay, LayerNorms' weights as the stage says.

    AdamW is Loshchilov and Hutter's (2019, algorithm 2). Under Muon the maps inside the blocks are Muon's, and
    embeddings, positions, latents and head, whose rows are separate things, are AdamW's. The word memory's rows are
    learnt as they are used. A group's `ratio` is its learning rate over the stage's.
    """
    learnt = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    tables = [learnt.pop(name) for name in sorted(learnt) if name.startswith("prefix_table.")]
    groups: list[dict[str, Any]] = []
    if stage.optimizer == "muon":
        inside = [name for name in sorted(learnt) if learnt[name].dim() == 2 and "." in name.removesuffix(".weight")]
        groups.append(
            {
                "params": [learnt.pop(name) for name in inside],
                "weight_decay": stage.weight_decay,
                "ratio": stage.muon_ratio,
                "kind": "muon",
                "dtype": precision,
            }
        )
    groups += _adamw_groups(learnt, stage)
    if tables:
        groups.append({"params": tables, "weight_decay": 0.0, "ratio": stage.table_ratio, "kind": "rows"})
    return Optimizer(groups, lr=stage.learning_rate, betas=(stage.beta1, stage.beta2), fused=True)


def _adamw_groups(learnt: dict[str, nn.Parameter], stage: StageConfig) -> list[dict[str, Any]]:
    """What decays, and what does not."""

    def decays(name: str) -> bool:
        return learnt[name].dim() >= 2 or (stage.decay_norms and not name.endswith("bias"))

    decay = [learnt[name] for name in learnt if decays(name)]
    no_decay = [learnt[name] for name in learnt if not decays(name)]
    return [
        {"params": decay, "weight_decay": stage.weight_decay, "ratio": 1.0, "kind": "adamw"},
        {"params": no_decay, "weight_decay": 0.0, "ratio": 1.0, "kind": "adamw"},
    ]
