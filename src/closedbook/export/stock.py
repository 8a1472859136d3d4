"""Models that the transformers library has classes for: those without tables that are no Perceiver.

Learned positions: GPT2LMHeadModel. Rotary ones: GPTNeoXForCausalLM, which rotates channel m with m + D/2 as we do.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT

Weights = dict[str, Tensor]

_QKV = ("query", "key", "value")
_EPSILON = 1e-5
"""PyTorch's default for LayerNorm, which our models have."""


def is_stock(config: ModelConfig) -> bool:
    """Whether the transformers library has a class for such a model."""
    return config.variant == "vanilla" and not config.prefix_table


def stock_config(config: ModelConfig) -> dict[str, Any]:
    """What config.json says of the architecture."""
    if config.positions == "rotary":
        return {
            "model_type": "gpt_neox",
            "architectures": ["GPTNeoXForCausalLM"],
            "hidden_size": config.n_embd,
            "num_hidden_layers": config.n_layer,
            "num_attention_heads": config.n_head,
            "intermediate_size": 4 * config.n_embd,
            "hidden_act": "gelu",
            "max_position_embeddings": config.block_size,
            "rotary_pct": 1.0,
            "rotary_emb_base": 10_000,
            "use_parallel_residual": False,
            "layer_norm_eps": _EPSILON,
            "hidden_dropout": config.resid_pdrop,
            "attention_dropout": config.attn_pdrop,
        }
    return {
        "model_type": "gpt2",
        "architectures": ["GPT2LMHeadModel"],
        "n_embd": config.n_embd,
        "n_layer": config.n_layer,
        "n_head": config.n_head,
        "n_positions": config.block_size,
        "activation_function": "gelu",
        "layer_norm_epsilon": _EPSILON,
        "embd_pdrop": config.embd_pdrop,
        "resid_pdrop": config.resid_pdrop,
        "attn_pdrop": config.attn_pdrop,
    }


def stock_weights(model: GPT) -> Weights:
    """The model's weights under that class's names."""
    own = model.state_dict()
    return (_gpt_neox if model.config.positions == "rotary" else _gpt2)(own, model.config)


def _gpt2(own: Mapping[str, Tensor], config: ModelConfig) -> Weights:
    weights = {
        "transformer.wte.weight": own["tok_emb.weight"],
        "transformer.wpe.weight": own["pos_emb"][0],
        **_layer(own, "ln_f", "transformer.ln_f"),
        "lm_head.weight": own["head.weight"],
    }
    for i in range(config.n_layer):
        ours, theirs = f"blocks.{i}", f"transformer.h.{i}"
        weights |= _layer(own, f"{ours}.ln1", f"{theirs}.ln_1") | _layer(own, f"{ours}.ln2", f"{theirs}.ln_2")
        for part in ("weight", "bias"):
            qkv = torch.cat([own[f"{ours}.attn.{name}.{part}"] for name in _QKV])
            weights[f"{theirs}.attn.c_attn.{part}"] = qkv
        weights |= _layer(own, f"{ours}.attn.proj", f"{theirs}.attn.c_proj")
        weights |= _layer(own, f"{ours}.mlp.0", f"{theirs}.mlp.c_fc")
        weights |= _layer(own, f"{ours}.mlp.2", f"{theirs}.mlp.c_proj")
    # GPT-2's Conv1D keeps its matrix as inputs times outputs.
    return {name: tensor.T if ".c_" in name and tensor.ndim == 2 else tensor for name, tensor in weights.items()}


def _gpt_neox(own: Mapping[str, Tensor], config: ModelConfig) -> Weights:
    weights = {
        "gpt_neox.embed_in.weight": own["tok_emb.weight"],
        **_layer(own, "ln_f", "gpt_neox.final_layer_norm"),
        "embed_out.weight": own["head.weight"],
    }
    for i in range(config.n_layer):
        ours, theirs = f"blocks.{i}", f"gpt_neox.layers.{i}"
        weights |= _layer(own, f"{ours}.ln1", f"{theirs}.input_layernorm")
        weights |= _layer(own, f"{ours}.ln2", f"{theirs}.post_attention_layernorm")
        for part in ("weight", "bias"):
            # Of each head in turn the query, the key and the value.
            heads = zip(*(own[f"{ours}.attn.{name}.{part}"].chunk(config.n_head) for name in _QKV), strict=True)
            qkv = torch.cat([tensor for head in heads for tensor in head])
            weights[f"{theirs}.attention.query_key_value.{part}"] = qkv
        weights |= _layer(own, f"{ours}.attn.proj", f"{theirs}.attention.dense")
        weights |= _layer(own, f"{ours}.mlp.0", f"{theirs}.mlp.dense_h_to_4h")
        weights |= _layer(own, f"{ours}.mlp.2", f"{theirs}.mlp.dense_4h_to_h")
    return weights


def _layer(own: Mapping[str, Tensor], ours: str, theirs: str) -> Weights:
    return {f"{theirs}.{part}": own[f"{ours}.{part}"] for part in ("weight", "bias")}
