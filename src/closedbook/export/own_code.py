"""Models under our own names, for the code in `code/`: PyTorch alone, or what transformers has no class for."""

from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from closedbook.model.gpt import GPT

_ONLY_FOR_TRAINING = ("random_segment_offset", "embd_pdrop", "resid_pdrop", "attn_pdrop")


def own_config(model: GPT) -> dict[str, Any]:
    """What code/closedbook_model.py makes the model from."""
    config = model.config
    shape = {name: value for name, value in asdict(config).items() if name not in _ONLY_FOR_TRAINING}
    return {
        **shape,
        "segment_size": config.segment_size,
        "vocab_size": model.vocab_size,
        "n_prefixes": len(model.get_buffer("prefix_table.keys")) if config.prefix_table else None,
        "n_names": len(model.get_buffer("name_table.keys")) if config.has_names else None,
    }


def own_weights(model: GPT) -> dict[str, Tensor]:
    """The model's weights under their own names, and what its tables find rows by."""
    weights = dict(model.state_dict())
    if model.config.prefix_table:
        in_word = model.get_buffer("prefix_table.in_word")
        has_alone = model.prefix_table.has_alone
        weights |= {
            "prefix_table.keys": model.get_buffer("prefix_table.keys"),
            "prefix_table.in_word": in_word,
            "prefix_table.is_alone": model.get_buffer("prefix_table.is_alone")
            if has_alone
            else torch.zeros_like(in_word),
        }
    if model.config.has_names:
        weights["name_table.keys"] = model.get_buffer("name_table.keys")
    return weights
