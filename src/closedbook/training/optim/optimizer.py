"""Which optimizer updates which parameter: AdamW, Muon for matrices, row-wise for embedding tables."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from closedbook.model.gpt import GPT
from closedbook.recipe.recipe import Precision, StageConfig
from closedbook.training.optim import row_wise, sparse_adam
from closedbook.training.optim.muon import update_matrices
from closedbook.training.optim.tables import sparse_tables

_UPDATES = {"row_wise": row_wise.update_rows, "sparse_adam": sparse_adam.update_rows}


class Optimizer(torch.optim.AdamW):
    """AdamW for groups of kind 'adamw', Muon for 'muon', and for tables 'row_wise' or 'sparse_adam'."""

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
            elif group["kind"] in _UPDATES:
                for table in group["params"]:
                    if table.grad is not None:
                        _UPDATES[group["kind"]](table, self.state[table], group["lr"])
        return loss

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load moments and settings; the kinds of groups stay, since older versions had other names for them."""
        kinds = [group["kind"] for group in self.param_groups]
        super().load_state_dict(state_dict)
        for group, kind in zip(self.param_groups, kinds, strict=True):
            group["kind"] = kind


def make_optimizer(model: GPT, stage: StageConfig, precision: Precision = "float32") -> Optimizer:
    """The stage's optimizer over all trainable parameters.

    AdamW is that of Loshchilov and Hutter (2019, algorithm 2), without weight decay for biases, and for the weights of
    LayerNorm as the stage says. Muon, where the stage has it, updates the weight matrices inside the blocks; AdamW
    keeps embeddings, positions, latents and head, whose rows are vectors of their own. The tables with sparse gradients
    have an optimizer of their own, which updates the rows that a step used. A group's `ratio` is its learning rate as a
    multiple of the stage's.
    """
    trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    tables = [trained.pop(name) for name in sorted(sparse_tables(model))]
    groups: list[dict[str, Any]] = []
    if stage.optimizer == "muon":
        inside = [name for name in sorted(trained) if trained[name].dim() == 2 and "." in name.removesuffix(".weight")]
        groups.append(
            {
                "params": [trained.pop(name) for name in inside],
                "weight_decay": stage.weight_decay,
                "ratio": stage.muon_ratio,
                "kind": "muon",
                "dtype": precision,
            }
        )
    groups += _adamw_groups(trained, stage)
    if tables:
        groups.append(
            {"params": tables, "weight_decay": 0.0, "ratio": stage.table_ratio, "kind": stage.table_optimizer}
        )
    return Optimizer(groups, lr=stage.learning_rate, betas=(stage.beta1, stage.beta2), fused=True)


def _adamw_groups(trained: dict[str, nn.Parameter], stage: StageConfig) -> list[dict[str, Any]]:
    """The parameters with weight decay, and those without."""

    def decays(name: str) -> bool:
        return trained[name].dim() >= 2 or (stage.decay_norms and not name.endswith("bias"))

    decay = [trained[name] for name in trained if decays(name)]
    no_decay = [trained[name] for name in trained if not decays(name)]
    return [
        {"params": decay, "weight_decay": stage.weight_decay, "ratio": 1.0, "kind": "adamw"},
        {"params": no_decay, "weight_decay": 0.0, "ratio": 1.0, "kind": "adamw"},
    ]
